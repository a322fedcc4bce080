import math
import re
from typing import get_args

import pytest
import torch

from cs336_basics import ModelConfig
from cs336_basics.nn import init
from cs336_basics.nn.config import InitRule

FAN_OUT, FAN_IN = 601, 997
BOTH = FAN_IN + FAN_OUT
CUT_AT_3, CUT_AT_2 = 0.9733, 0.7737  # what a cut at so many sigma leaves of the variance

# rule -> (variance, largest absolute value or None where there is no bound)
DRAWN = {
    "trunc_normal": (CUT_AT_3 * 2 / BOTH, 3 * math.sqrt(2 / BOTH)),
    "embedding_normal": (CUT_AT_3, 3.0),
    "trunc_normal_002": (CUT_AT_2 * 0.02**2, 0.04),
    "normal": (0.02**2, None),
    "uniform": (1 / (3 * FAN_IN), 1 / math.sqrt(FAN_IN)),
    "xavier_uniform": (2 / BOTH, math.sqrt(6 / BOTH)),
    "xavier_normal": (2 / BOTH, None),
    "kaiming_uniform": (2 / FAN_IN, math.sqrt(6 / FAN_IN)),
    "kaiming_normal": (2 / FAN_IN, None),
    "orthogonal": (1 / FAN_IN, None),
    "sparse": (0.1 * 0.01**2, None),
}
FIXED = {"constant": 0.5, "zeros": 0.0, "ones": 1.0}


def drawn(rule: str, *, seed: int = 7, shape=(FAN_OUT, FAN_IN)) -> torch.Tensor:
    weight = torch.full(shape, math.nan)
    getattr(init, rule)(weight, generator=torch.Generator().manual_seed(seed))
    return weight


@pytest.mark.parametrize("rule", DRAWN)
def test_init_rule_has_the_mean_and_variance_of_its_table_row(rule):
    variance, _ = DRAWN[rule]
    weight = drawn(rule)
    assert weight.var().item() == pytest.approx(variance, rel=0.01)
    assert abs(weight.mean().item()) < 5 * math.sqrt(variance / weight.numel())


@pytest.mark.parametrize("rule", [rule for rule, (_, bound) in DRAWN.items() if bound is not None])
def test_init_rule_with_a_bound_reaches_and_keeps_it(rule):
    _, bound = DRAWN[rule]
    largest = drawn(rule).abs().max().item()
    assert 0.98 * bound < largest <= bound * (1 + 1e-6)


@pytest.mark.parametrize("rule", ["normal", "xavier_normal", "kaiming_normal"])
def test_init_rule_without_a_cut_goes_beyond_four_sigma(rule):
    variance, _ = DRAWN[rule]
    assert drawn(rule).abs().max().item() > 4 * math.sqrt(variance)


@pytest.mark.parametrize("rule", DRAWN)
def test_init_rule_draws_from_the_generator_and_from_nothing_else(rule):
    torch.manual_seed(1)
    first = drawn(rule)
    torch.manual_seed(2)
    assert torch.equal(drawn(rule), first)
    assert not torch.equal(drawn(rule, seed=11), first)


@pytest.mark.parametrize("rule", DRAWN)
def test_init_rule_without_a_generator_follows_the_seed(rule):
    weights = []
    for _ in range(2):
        torch.manual_seed(13)
        weights.append(torch.empty(11, 7))
        getattr(init, rule)(weights[-1])
    assert torch.equal(*weights)


@pytest.mark.parametrize("rule", FIXED)
def test_init_rule_that_draws_nothing_fills_with_its_number(rule):
    assert torch.equal(drawn(rule), torch.full((FAN_OUT, FAN_IN), FIXED[rule]))


@pytest.mark.parametrize("shape", [(5, 7), (7, 5)], ids=str)
def test_init_eye_is_one_on_the_diagonal(shape):
    assert torch.equal(drawn("eye", shape=shape), torch.eye(*shape))


@pytest.mark.parametrize("shape", [(53, 97), (97, 53)], ids=str)
def test_init_orthogonal_makes_the_fewer_vectors_orthonormal(shape):
    weight = drawn("orthogonal", shape=shape)
    products = weight @ weight.T if shape[0] < shape[1] else weight.T @ weight
    torch.testing.assert_close(products, torch.eye(53), rtol=0, atol=1e-5)


def test_init_sparse_leaves_a_tenth_of_each_column():
    nonzero = (drawn("sparse") != 0).sum(dim=0)
    assert torch.equal(nonzero, torch.full((FAN_IN,), FAN_OUT - math.ceil(0.9 * FAN_OUT)))


def test_init_sparse_chooses_other_rows_for_each_column():
    kept = (drawn("sparse") != 0).float().mean(dim=1)
    assert kept.min().item() > 0.05
    assert kept.max().item() < 0.16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("rule", init.MATRIX_RULES)
def test_init_rule_fills_a_parameter(rule, dtype):
    parameter = torch.nn.Parameter(torch.full((11, 7), math.nan, dtype=dtype))
    init.MATRIX_RULES[rule](parameter)
    assert torch.isfinite(parameter).all()
    assert parameter.requires_grad


def test_init_rules_of_the_config_are_those_of_the_file():
    assert list(get_args(InitRule)) == list(init.MATRIX_RULES)
    assert set(DRAWN) | set(FIXED) | {"eye"} == set(init.MATRIX_RULES) | {"embedding_normal"}


def test_init_rules_are_found_under_their_own_names():
    for name, rule in init.MATRIX_RULES.items():
        assert getattr(init, name) is rule
        ModelConfig(vocab_size=3, context_length=3, d_model=2, num_layers=1, num_heads=1, init=name)  # pyright: ignore[reportArgumentType]


def test_init_docstring_table_has_a_row_for_each_rule():
    assert init.__doc__ is not None
    rows = re.findall(r"^\| `(\w+)` ", init.__doc__, flags=re.MULTILINE)
    assert sorted(rows) == sorted([*init.MATRIX_RULES, "embedding_normal"])


@pytest.mark.parametrize(("sigmas", "factor"), [(3, CUT_AT_3), (2, CUT_AT_2)])
def test_init_docstring_has_the_variance_that_a_cut_leaves(sigmas, factor):
    density = math.exp(-(sigmas**2) / 2) / math.sqrt(2 * math.pi)
    exact = 1 - 2 * sigmas * density / math.erf(sigmas / math.sqrt(2))
    assert exact == pytest.approx(factor, abs=1e-4)
    assert f"{exact:.3f} ({math.sqrt(exact):.3f} sigma)" in (init.__doc__ or "")
