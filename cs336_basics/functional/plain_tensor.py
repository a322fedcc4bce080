"""Whether a tensor is one of PyTorch's own, so that its memory may be cut, copied or handed to a kernel."""

from torch import Tensor
from torch.nn import Parameter


def is_plain(tensor: object) -> bool:
    """Say whether this is a tensor of PyTorch's own and no subclass that lies in several places."""
    return type(tensor) in (Tensor, Parameter)
