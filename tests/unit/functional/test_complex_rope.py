import pytest
import torch
from torch.autograd import gradcheck

from cs336_basics.functional.complex_rope import complex_rope
from cs336_basics.functional.rope import rope, rope_tables

BATCH, HEADS, SEQ, D_HEAD, MAX_SEQ_LEN = 2, 3, 5, 14, 17
TABLES = rope_tables(D_HEAD, MAX_SEQ_LEN)
POSITIONS = {"(seq,)": torch.tensor([0, 3, 4, 11, 16]), "(batch, 1, seq)": torch.arange(10).view(2, 1, 5)}


def scattered(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(shape[::-1]).permute(3, 2, 1, 0)


def split_into_heads(shape: tuple[int, ...]) -> torch.Tensor:
    batch, heads, seq, d_head = shape
    return torch.randn(batch, seq, heads, d_head).transpose(1, 2)


def with_odd_strides(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(*shape[:-1], shape[-1] + 1)[..., 1:]


def from_an_odd_place(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(1 + torch.Size(shape).numel())[1:].view(shape)


@pytest.mark.parametrize("positions", POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize(
    "make", [torch.randn, split_into_heads, scattered, with_odd_strides, from_an_odd_place]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_complex_rope_is_rope_in_any_layout(dtype, make, positions):
    x = make((BATCH, HEADS, SEQ, D_HEAD))
    x = x if dtype == torch.float32 else x.to(dtype)
    actual, expected = complex_rope(x, *TABLES, positions), rope(x, *TABLES, positions)
    assert actual.dtype == dtype
    tolerance = {torch.float64: 1e-15, torch.float32: 1e-6, torch.bfloat16: 4e-2}[dtype]
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("make", [torch.randn, split_into_heads, scattered])
def test_complex_rope_has_the_gradient_of_finite_differences(make):
    x = make((BATCH, HEADS, SEQ, D_HEAD)).double().requires_grad_()
    assert gradcheck(lambda x: complex_rope(x, *TABLES, POSITIONS["(seq,)"]), (x,))


@pytest.mark.without_type_checks  # no compiler can follow them
def test_a_compiler_gets_the_product_written_out():
    x = torch.randn(BATCH, HEADS, SEQ, D_HEAD)
    positions = POSITIONS["(seq,)"]
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph.code)
        return graph.forward

    compiled = torch.compile(complex_rope, backend=backend, fullgraph=True)
    assert torch.equal(compiled(x, *TABLES, positions), rope(x, *TABLES, positions))
    assert len(graphs) == 1
    assert "complex" not in graphs[0]


def test_complex_rope_takes_an_empty_batch():
    assert complex_rope(torch.randn(0, SEQ, D_HEAD), *TABLES, torch.arange(SEQ)).shape == (0, SEQ, D_HEAD)
