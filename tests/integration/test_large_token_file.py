"""Training on a file of 2 GB takes no more memory than training on a small one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy_format

from tests.integration.command import ONE_THREAD

NUM_IDS = 1 << 30  # of two bytes

TRAINS = """
import json, sys
from dataclasses import replace
from pathlib import Path
from cs336_basics.training.loop import train
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.start import prepare_run
from cs336_basics.training.token_data import TokenPaths
from tests.unit.training.small_run import with_training

anonymous = []

def look() -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    anonymous.append(int(status.split("RssAnon:")[1].split()[0]) * 1024)
    return False

run = RunFolder(Path(sys.argv[1]))
config = with_training(steps=400, batch_size=60, evaluation_interval=1000, checkpoint_interval=1000)
tokens = TokenPaths(train=(Path(sys.argv[2]),), validation=Path(sys.argv[3]))
look()
config, data = prepare_run(config, run, job="test", tokens=tokens, tokenizer=None)
train(config, data, run, should_stop=look)
print(json.dumps(anonymous))
"""


@pytest.mark.endurance
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which memory is anonymous")
def test_anonymous_memory_stays_flat_over_a_run_on_two_gigabytes(tmp_path):
    large, small = tmp_path / "large.npy", tmp_path / "small.npy"
    with open(large, "wb") as file:  # with a hole in the place of its ids, which reads as zeros
        header = {"descr": "<u2", "fortran_order": False, "shape": (NUM_IDS,)}
        npy_format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 2 * NUM_IDS)
    np.save(small, np.zeros(100, dtype=np.uint16))
    result = subprocess.run(
        [sys.executable, "-c", TRAINS, tmp_path / "run", large, small],
        cwd=Path(__file__).parents[2], env=ONE_THREAD, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    before, *after_steps = json.loads(result.stdout)
    assert len(after_steps) >= 400  # evaluations ask too
    assert after_steps[0] - before < 200e6  # what training itself needs, torch's optimizer included
    assert max(after_steps[20:]) - after_steps[20] < 5e6
