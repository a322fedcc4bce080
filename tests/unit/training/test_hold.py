import os
import subprocess
import sys

import pytest

from cs336_basics.training.hold import hold
from cs336_basics.training.loop import train
from cs336_basics.training.run_folder import RunFolder
from tests.unit.training.small_run import CONFIG, run_folder, token_data

HOLDS = """
import sys, time
from pathlib import Path
from cs336_basics.training.hold import hold
from cs336_basics.training.run_folder import RunFolder
with hold(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(100)
"""


def test_only_one_process_trains_in_a_run_folder_and_its_death_lets_go(tmp_path):
    run = run_folder(tmp_path)
    other = subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(RuntimeError, match=f"another one is at work in {tmp_path}; wait for it"):
        train(CONFIG, token_data(), run)
    assert not run.metrics.exists()
    other.kill()
    other.communicate()
    train(CONFIG, token_data(), run)


def test_a_run_can_be_held_again_and_others_meanwhile(tmp_path):
    first, second = run_folder(tmp_path / "first"), run_folder(tmp_path / "second")
    for _ in range(2):
        with hold(first), hold(second):
            pass
    assert RunFolder(tmp_path / "first").lock.parent == first.path


@pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")
def test_a_link_in_place_of_the_lock_is_refused(tmp_path):
    run = run_folder(tmp_path)
    run.lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"lock must be what it seems but is a symbolic link to .*elsewhere"):
        train(CONFIG, token_data(), run)
    assert not (tmp_path / "elsewhere").exists()
