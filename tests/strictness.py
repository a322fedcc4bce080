"""What our own tests run under: shapes and types checked, warnings as errors, a fixed seed.

The conftest of each of our folders imports this module. It touches nothing outside these folders: test
files that people copy into `tests/` itself run on the unchecked package, under pytest's defaults.
"""

import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import config as jaxtyping_config
from jaxtyping import install_import_hook


def modules_with_shapes() -> list[str]:
    """Return the modules whose signatures name shapes; types alone are checked without running anything."""
    package = find_spec("cs336_basics")
    assert package is not None
    (folder,) = map(Path, package.submodule_search_locations or ())
    paths = [path for path in folder.rglob("*.py") if "jaxtyping" in path.read_text("utf-8")]
    return [".".join(path.relative_to(folder.parent).with_suffix("").parts) for path in paths]


# As for every type checker, an int will do where a float is asked for. The checker's name is part of the
# cached bytecode's: give it another one when fewer modules are checked, or the old, checked ones come back.
check_types = beartype(conf=BeartypeConf(is_pep484_tower=True))
install_import_hook(modules_with_shapes(), "tests.strictness.check_types")
jaxtyping_config.update("jaxtyping_disable", True)  # until a test of ours begins

SEED = 1729
SECONDS_PER_TEST = 300
OUR_FOLDERS = tuple(Path(__file__).parent / name for name in ("unit", "integration", "architecture"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark our own tests, and only them, to fail on warnings and on taking too long."""
    for item in items:
        if not any(item.path.is_relative_to(folder) for folder in OUR_FOLDERS):
            continue
        item.add_marker(pytest.mark.filterwarnings("error"), append=False)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS_PER_TEST))


@pytest.fixture(autouse=True)
def strict_types_and_fixed_seed(request: pytest.FixtureRequest):
    """Check shapes, and types beside them, while the test runs, and start from the same random state.

    The checks take longer than the steps of a small model. Tests that repeat whole runs, whose shapes others
    check, are marked with `without_type_checks`.
    """
    import numpy as np
    import torch

    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more only wait for each other in models this small
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    is_checked = request.node.get_closest_marker("without_type_checks") is None
    jaxtyping_config.update("jaxtyping_disable", not is_checked)
    yield
    torch.set_num_threads(num_threads)
    jaxtyping_config.update("jaxtyping_disable", True)
