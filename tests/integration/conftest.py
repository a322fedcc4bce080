from tests.integration.prepared import prepared  # noqa: F401
from tests.strictness import *  # noqa: F403
