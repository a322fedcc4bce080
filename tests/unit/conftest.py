from tests.strictness import *  # noqa: F403
