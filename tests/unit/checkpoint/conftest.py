from tests.unit.quick_runs import quick_runs  # noqa: F401
