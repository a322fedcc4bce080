"""Files that would do harm if they were unpickled."""

import pickle
from pathlib import Path


class Touch:
    """Unpickling it creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def hostile_pickle(marker: Path) -> bytes:
    """Return a pickle that has been seen to do harm; the harm is undone."""
    content = pickle.dumps({"model": Touch(marker), "optimizer": {}, "iteration": 0})
    pickle.loads(content)
    assert marker.exists(), "this file must be able to do harm"
    marker.unlink()
    return content
