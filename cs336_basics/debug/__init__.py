"""Small programs to step through in a debugger, and tensors in one line."""

from cs336_basics.debug.tensor_summary import describe_tensor as describe_tensor
