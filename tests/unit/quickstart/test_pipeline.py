import pytest

from cs336_basics.quickstart.config import QuickstartConfig
from cs336_basics.quickstart.pipeline import quickstart
from cs336_basics.training.hold import RunInUseError, hold
from cs336_basics.training.run_folder import RunFolder


def test_quickstart_where_another_process_is_at_work_writes_nothing(tmp_path):
    with hold(RunFolder(tmp_path)), pytest.raises(RunInUseError):
        quickstart(QuickstartConfig(run=tmp_path), say=pytest.fail)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
