"""The random states of every library in use: seeded for a run, stored with it, and given back to the caller.

Training itself draws windows and first weights by generators of its own. Whatever else a part of the model
draws comes from these global states, so that they belong to a run as its weights do.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

PYTHON_WORD, NUMPY_WORD = "<u8", "<u4"  # Mersenne Twister: 624 words and, in Python's, a position


@contextmanager
def own_random_states(seed: int, device: str) -> Iterator[None]:
    """Seed every library for the length of the block, and leave the states of the caller as they were."""
    before = random_states(accelerator_in_use() if device == "cpu" else device)
    seed_everything(seed)
    try:
        yield
    finally:
        restore_random_states(before)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch on every device, each by a number of its own made from `seed`."""
    for_python, for_numpy, for_torch = np.random.SeedSequence(seed).generate_state(3).tolist()
    random.seed(for_python)
    np.random.seed(for_numpy)
    torch.manual_seed(for_torch)


def accelerator_in_use() -> str:
    """Return the device that `seed_everything` seeds besides the CPU; the CPU where there is none."""
    if torch.cuda.is_initialized():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def random_states(device: str) -> dict[str, Any]:
    """Return the states of Python, NumPy, torch's CPU and `device`, as JSON can hold them."""
    version, words, next_gauss = random.getstate()
    numpy_state: dict[str, Any] = np.random.get_state(legacy=False)  # pyright: ignore[reportAssignmentType]
    return {
        "python": {
            "version": version,
            "words": np.array(words, dtype=PYTHON_WORD).tobytes().hex(),
            "next_gauss": next_gauss,
        },
        "numpy": {
            "words": numpy_state["state"]["key"].astype(NUMPY_WORD).tobytes().hex(),
            "position": int(numpy_state["state"]["pos"]),
            "has_gauss": int(numpy_state["has_gauss"]),
            "next_gauss": float(numpy_state["gauss"]),
        },
        "torch": {name: _as_hex(state) for name, state in _torch_states(device).items()},
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Undo `random_states`. Devices that this machine does not have are passed over."""
    python, numpy_state = states["python"], states["numpy"]
    words = np.frombuffer(bytes.fromhex(python["words"]), dtype=PYTHON_WORD)
    random.setstate((python["version"], tuple(words.tolist()), python["next_gauss"]))
    key = np.frombuffer(bytes.fromhex(numpy_state["words"]), dtype=NUMPY_WORD)
    np.random.set_state(
        ("MT19937", key, numpy_state["position"], numpy_state["has_gauss"], numpy_state["next_gauss"])
    )
    for name, state in states["torch"].items():
        _restore_torch(name, torch.tensor(list(bytes.fromhex(state)), dtype=torch.uint8))


def _torch_states(device: str) -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if device == "cuda":
        states |= {f"cuda:{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    elif device == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _restore_torch(name: str, state: torch.Tensor) -> None:
    kind, _, index = name.partition(":")
    if kind == "cpu":
        torch.set_rng_state(state)
    elif kind == "cuda" and int(index) < torch.cuda.device_count():
        torch.cuda.set_rng_state(state, int(index))
    elif kind == "mps" and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state)


def _as_hex(state: torch.Tensor) -> str:
    return bytes(state.tolist()).hex()
