import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from cs336_basics.debug import describe_tensor

INF, NAN = float("inf"), float("nan")

# Two processes, of which the second does nothing after it got its part, as one that stands elsewhere.
SPREAD = """
import sys, time
import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
from cs336_basics.debug import describe_tensor

store, rank = distributed.FileStore(sys.argv[1], 2), int(sys.argv[2])
distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
mesh = init_device_mesh("cpu", (2,))
spread = distribute_tensor(torch.arange(6.0).reshape(3, 2), mesh, [Shard(0)])
if rank == 1:
    time.sleep(1000)
print(describe_tensor(spread), flush=True)
"""


@pytest.mark.parametrize(
    ("tensor", "line"),
    [
        (torch.arange(6.0).reshape(2, 3), "(2, 3) float32 cpu: mean 2.5, std 1.871, from 0 to 5, all finite"),
        (torch.tensor([[1, -2], [3, 4]]), "(2, 2) int64 cpu: mean 1.5, std 2.646, from -2 to 4"),
        (torch.tensor([True, False, True]), "(3,) bool cpu: 2 of 3 True"),
        (torch.tensor(True), "() bool cpu: True"),
        (torch.tensor(0.12345), "() float32 cpu: 0.1235"),
        (torch.tensor(7), "() int64 cpu: 7"),
        (torch.tensor([NAN]), "(1,) float32 cpu: 1 NaN"),
        (torch.empty(0, 5), "(0, 5) float32 cpu: no entries"),
        (torch.ones(2, 3, device="meta"), "(2, 3) float32 meta: no values on this device"),
        (torch.tensor([1.0, NAN, 3.0, -INF, INF, NAN]),
         "(6,) float32 cpu: 2 NaN, 1 inf, 1 -inf, else mean 2, std 1.414, from 1 to 3"),
        (torch.tensor([3 + 4j, 0]),
         "(2,) complex64 cpu: magnitudes: mean 2.5, std 3.536, from 0 to 5, all finite"),
        (torch.tensor([2**62 + 1, 0]),
         f"(2,) int64 cpu: mean 2.306e+18, std 3.261e+18, from 0 to {2**62 + 1}"),
        (torch.tensor([1.0, 1e-8, 123456.0]),
         "(3,) float32 cpu: mean 4.115e+04, std 7.128e+04, from 1e-08 to 1.235e+05, all finite"),
        (torch.tensor([3e38, 3e38]), "(2,) float32 cpu: mean 3e+38, std 0, from 3e+38 to 3e+38, all finite"),
    ],
)  # fmt: skip
def test_describe_tensor_says_what_is_in_it(tensor, line):
    assert describe_tensor(tensor) == line


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e5m2], ids=str)
def test_describe_tensor_sums_in_a_wide_type(dtype):
    # The sum of 5,003 ones is 256 in bfloat16.
    assert describe_tensor(torch.ones(5003).to(dtype)).endswith("mean 1, std 0, from 1 to 1, all finite")


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int16, torch.uint16, torch.uint32, torch.uint64], ids=str
)
def test_describe_tensor_of_integers_of_any_kind(dtype):
    line = describe_tensor(torch.tensor([1, 2, 6]).to(dtype))
    assert line.endswith(" cpu: mean 3, std 2.646, from 1 to 6")


def test_describe_tensor_equals_torchs_own_statistics():
    x = torch.randn(3, 5, 7)
    mean, std, low, high = (f"{value:.4g}" for value in (x.mean(), x.std(), x.min(), x.max()))
    assert describe_tensor(x).endswith(f": mean {mean}, std {std}, from {low} to {high}, all finite")
    assert describe_tensor(x.mT[:, ::2]) == describe_tensor(x.mT[:, ::2].contiguous())


@pytest.mark.filterwarnings("ignore:Sparse")  # CSR is new, says torch
@pytest.mark.parametrize("make_sparse", ["to_sparse_coo", "to_sparse_csr", "to_sparse_csc"])
def test_describe_tensor_of_a_sparse_one_describes_what_is_stored(make_sparse):
    sparse = getattr(torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, NAN]]), make_sparse)()
    layout = make_sparse.removeprefix("to_")
    assert describe_tensor(sparse) == (f"(2, 3) float32 cpu: {layout}, 2 of 6 entries stored, 1 NaN, else 2")


def test_describe_tensor_of_a_sparse_one_with_two_entries_in_one_place():
    sparse = torch.sparse_coo_tensor(
        torch.tensor([[1, 1]]), torch.tensor([1.0, 3.0]), (4,), check_invariants=True
    )
    line = describe_tensor(sparse)
    assert (
        line
        == "(4,) float32 cpu: sparse_coo, 2 of 4 entries stored, mean 2, std 1.414, from 1 to 3, all finite"
    )


def test_describe_tensor_names_the_class_of_a_parameter_and_leaves_gradients_alone():
    weight = nn.Parameter(torch.tensor([1.0, 3.0]))
    assert describe_tensor(weight) == (
        "Parameter (2,) float32 cpu: mean 2, std 1.414, from 1 to 3, all finite"
    )
    assert weight.requires_grad
    assert weight.grad is None
    product = weight * weight  # needs the very weight in the backward pass
    version = weight._version
    describe_tensor(weight)
    describe_tensor(product)
    assert torch.is_grad_enabled()
    assert weight._version == version
    product.sum().backward()
    torch.testing.assert_close(weight.grad, torch.tensor([2.0, 6.0]))


def test_describe_tensor_under_inference_mode_and_without_gradients():
    with torch.inference_mode():
        assert describe_tensor(torch.ones(2) * 3) == (
            "(2,) float32 cpu: mean 3, std 0, from 3 to 3, all finite"
        )
    with torch.no_grad():
        describe_tensor(torch.ones(2))
        assert not torch.is_grad_enabled()


def test_describe_tensor_of_a_huge_one_takes_a_bounded_time_and_says_what_it_looked_at():
    huge = torch.tensor([[1.0], [2.0], [3.0]]).expand(3, 1 << 40)
    before = torch.get_rng_state()
    start = time.monotonic()
    line = describe_tensor(huge, max_entries=1000)
    assert time.monotonic() - start < 5  # a pass over all of it would take hours
    assert line.startswith("(3, 1099511627776) float32 cpu: mean ")
    assert line.endswith(", from 1 to 3, all finite (1,000 of 3,298,534,883,328 entries drawn)")
    assert 1.9 < float(line.partition("mean ")[2].partition(",")[0]) < 2.1
    assert describe_tensor(huge, max_entries=1000) == line
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_describe_tensor_draws_from_all_axes_of_any_layout():
    x = torch.arange(7 * 11 * 13).reshape(7, 11, 13).permute(2, 0, 1)
    line = describe_tensor(x, max_entries=900)
    assert line.endswith(" (900 of 1,001 entries drawn)")
    assert "drawn" not in describe_tensor(x, max_entries=1001)
    low, high = (int(number) for number in line.partition("from ")[2].split(" (")[0].split(" to "))
    assert low < 20
    assert high > 980


@pytest.mark.endurance
def test_describe_tensor_of_one_that_is_spread_over_processes_waits_for_no_other(tmp_path):
    command = [sys.executable, "-c", SPREAD, tmp_path / "store"]
    processes = [
        subprocess.Popen([*command, str(rank)], stdout=subprocess.PIPE, text=True) for rank in range(2)
    ]
    try:
        printed, _ = processes[0].communicate(timeout=120)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert printed == (
        "DTensor (3, 2) float32 cpu: (2, 2) of it in this process, "
        "mean 1.5, std 1.291, from 0 to 3, all finite\n"
    )


def test_describe_tensor_does_not_read_memory_that_was_freed():
    x = torch.ones(3, 5)
    x.untyped_storage().resize_(4 * 7)
    assert describe_tensor(x) == "(3, 5) float32 cpu: no values in memory"
    x.untyped_storage().resize_(0)
    assert describe_tensor(x) == "(3, 5) float32 cpu: no values in memory"


def test_describe_tensor_says_what_it_cannot_read():
    line = describe_tensor(torch.empty(4, dtype=torch.bits8))
    assert line.startswith("(4,) bits8 cpu: cannot be read (")
    line = describe_tensor(nn.UninitializedParameter())
    assert line.startswith("UninitializedParameter (?) float32 cpu: cannot be read (")
    lines = []
    torch.vmap(lambda row: lines.append(describe_tensor(row)) or row)(torch.ones(2, 3))
    assert lines[0].startswith("(3,) float32 cpu: cannot be read (")


def test_describe_tensor_leaves_the_representation_of_tensors_alone():
    assert repr(torch.ones(2)) == "tensor([1., 1.])"
