"""One part of a namespace package, of which the debugger has another (its own rule for these two files)."""

import pkgutil

__path__ = pkgutil.extend_path(__path__, __name__)
