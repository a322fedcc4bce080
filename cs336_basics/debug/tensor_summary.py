"""A tensor in one line: what the variable pane of the debugger shows, and what one can ask for by hand.

`debugpy_extensions/` brings it to the pane. In the debug console, or anywhere:

    from cs336_basics.debug import describe_tensor
    describe_tensor(weights)
"""

import math
from textwrap import shorten

import torch
from torch import Tensor

MAX_ENTRIES = 1 << 20  # some milliseconds; a pane shows many tensors at each stop
CANNOT_BE_READ = (
    RuntimeError,
    TypeError,
    ValueError,
)  # what torch raises where a kind of tensor lacks something


def describe_tensor(tensor: Tensor, *, max_entries: int = MAX_ENTRIES) -> str:
    """Return shape, dtype, device, mean, standard deviation, range, and how many NaN and infinities.

    Example: `(2, 3) float32 cpu: mean 2.5, std 1.871, from 0 to 5, all finite`. Where some entries are not
    finite they are counted first, and the rest describes the others: `(2, 3) float32 cpu: 1 NaN, 2 -inf,
    else mean 1, std 1, from 0 to 2`. Of booleans the true ones are counted, of complex numbers the
    magnitudes are described, of sparse tensors the entries stored, of a tensor that is spread over processes
    the part of this one. `std` is that of `tensor.std()`.

    Of a tensor with more than `max_entries` entries so many are drawn, always the same ones, and the line
    says so: the time is bounded, but a single NaN may be missed. It works on tensors of any kind, raises
    nothing (what cannot be read is said), and leaves gradients, random states and the tensor alone.
    """
    with torch.no_grad():
        try:
            values = describe_values(tensor, max_entries)
        except CANNOT_BE_READ as error:
            values = f"cannot be read ({shorten(str(error), 100)})"
    return f"{heading(tensor)}: {values}"


def heading(tensor: Tensor) -> str:
    """Return the class, if it is another than Tensor, the shape, the dtype and the device."""
    name = "" if type(tensor) is Tensor else f"{type(tensor).__name__} "
    try:
        shape = str(tuple(tensor.shape))
    except RuntimeError:  # a nested tensor, a parameter whose shape is not settled yet
        shape = "(?)"
    return f"{name}{shape} {str(tensor.dtype).removeprefix('torch.')} {tensor.device}"


def describe_values(tensor: Tensor, max_entries: int) -> str:
    """Describe what the tensor holds, as far as there is anything."""
    to_local = getattr(tensor, "to_local", None)
    if to_local is not None:  # a tensor spread over processes: the other ones will not come to help
        part = to_local()
        return f"{tuple(part.shape)} of it in this process, {describe_values(part, max_entries)}"
    if tensor.numel() == 0:
        return "no entries"
    if tensor.is_meta:
        return "no values on this device"
    if tensor.layout != torch.strided:
        return describe_stored(tensor, max_entries)
    if not is_in_memory(tensor):
        return "no values in memory"
    if tensor.numel() <= max_entries:
        return describe_entries(tensor.detach())
    drawn = drawn_entries(tensor.detach(), max_entries)
    return f"{describe_entries(drawn)} ({max_entries:,} of {tensor.numel():,} entries drawn)"


def describe_stored(tensor: Tensor, max_entries: int) -> str:
    """Describe the entries that a sparse tensor stores."""
    # `values()` of the layout COO sums entries of one place, and refuses where that was not done yet.
    stored = tensor._values() if tensor.layout == torch.sparse_coo else tensor.values()
    layout = str(tensor.layout).removeprefix("torch.")
    values = describe_values(stored, max_entries)
    return f"{layout}, {stored.numel():,} of {tensor.numel():,} entries stored, {values}"


def is_in_memory(tensor: Tensor) -> bool:
    """Say whether the memory behind the tensor reaches to its last entry; reading on would end the process.

    Sharded training frees the memory of parameters (`untyped_storage().resize_(0)`) and leaves their shape.
    """
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    last = tensor.storage_offset() + sum((size - 1) * stride for size, stride in steps)
    return bool((last + 1) * tensor.element_size() <= tensor.untyped_storage().nbytes())


def drawn_entries(tensor: Tensor, number: int) -> Tensor:
    """Return entries from all over a tensor, without copying it, drawn by a generator of its own."""
    generator = torch.Generator(device="cpu").manual_seed(0)
    places = torch.randint(tensor.numel(), (number,), generator=generator, device="cpu")
    return tensor[torch.unravel_index(places.to(tensor.device), tensor.shape)]


def describe_entries(entries: Tensor) -> str:
    """Describe entries that are all there, by what their type can be asked."""
    if entries.dtype == torch.bool:
        return describe_booleans(entries)
    if entries.is_complex():
        return f"magnitudes: {describe_entries(entries.abs())}"
    if entries.is_floating_point():
        return describe_floats(entries.to(widest_float(entries)))
    return describe_numbers(entries.to(torch.float64 if entries.dtype == torch.uint64 else torch.int64))


def describe_booleans(entries: Tensor) -> str:
    """Count the true ones, or say what a single entry is."""
    if entries.numel() == 1:
        return str(bool(entries.item()))
    return f"{int(entries.sum()):,} of {entries.numel():,} True"


def describe_floats(entries: Tensor) -> str:
    """Count what is not finite and describe the rest."""
    counted = {
        "NaN": int(entries.isnan().sum()),
        "inf": int(entries.isposinf().sum()),
        "-inf": int(entries.isneginf().sum()),
    }
    if not any(counted.values()):
        return describe_numbers(entries) + (", all finite" if entries.numel() > 1 else "")
    text = ", ".join(f"{number:,} {name}" for name, number in counted.items() if number > 0)
    finite = entries[entries.isfinite()]
    return text if finite.numel() == 0 else f"{text}, else {describe_numbers(finite)}"


def describe_numbers(numbers: Tensor) -> str:
    """Return mean, standard deviation and range of finite numbers, or the only one."""
    smallest, largest = readable(numbers.min().item()), readable(numbers.max().item())
    if numbers.numel() == 1:
        return smallest
    std, mean = torch.std_mean(numbers.to(widest_float(numbers)))
    return f"mean {readable(mean.item())}, std {readable(std.item())}, from {smallest} to {largest}"


def widest_float(tensor: Tensor) -> torch.dtype:
    """Return the type that sums lose least in; Apple's GPUs have no float64."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def readable(number: float) -> str:
    """Write an integer with all its digits and any other number with four."""
    if isinstance(number, float) and not (number.is_integer() and abs(number) < 1e4):
        return f"{number:.4g}"
    return str(int(number)) if math.isfinite(number) else str(number)
