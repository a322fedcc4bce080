from tests.integration.prepared import command, prepared, quick_cs336  # noqa: F401
from tests.strictness import *  # noqa: F403
