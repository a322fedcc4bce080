"""Tensors at a glance in the variable pane of debugpy, which VS Code's Python extension drives.

debugpy imports each module named `pydevd_plugin*` of the namespace package `pydevd_plugins.extensions`,
wherever the path has a part of it. `.vscode/launch.json` puts the folder that holds this part, and nothing
else, on PYTHONPATH. Outside a debugger nobody imports this file, and it cannot be: `_pydevd_bundle` is there
only inside one.
"""

from _pydevd_bundle.pydevd_extension_api import (  # pyright: ignore[reportMissingImports]
    StrPresentationProvider,
)


class TensorSummaries(StrPresentationProvider):
    """Shows `describe_tensor(tensor)` in the pane, in a watch and on hovering."""

    def can_provide(self, type_object: type, type_name: str) -> bool:
        """Say whether it is a kind of tensor, without importing torch, which the program may not use."""
        return any(base.__module__ == "torch" and base.__name__ == "Tensor" for base in type_object.__mro__)

    def get_str(self, tensor: object) -> str:
        """Return the line for the pane."""
        from cs336_basics.debug.tensor_summary import describe_tensor

        return describe_tensor(tensor)  # pyright: ignore[reportArgumentType]

    def get_str_in_context(self, tensor: object, context: str) -> str:
        """Return the numbers themselves to whoever types a name in the console or copies a value."""
        return repr(tensor) if context in ("repl", "clipboard") else self.get_str(tensor)
