import pytest
import torch
from torch import nn

from cs336_basics.checkpoint.state import load_weights, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("_orig_mod.ln_final.weight", "ln_final.weight"),
        ("layers.0._orig_mod.attn.q_proj.weight", "layers.0.attn.q_proj.weight"),
        ("lm_head.weight", "lm_head.weight"),
    ],
)
def test_plain_name_removes_what_compiling_adds(name, plain):
    assert plain_name(name) == plain


def test_load_weights_keeps_a_prefix_that_is_the_model_s_own():
    class Owner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Linear(3, 5)

    source, target = Owner(), Owner()
    load_weights(target, source.state_dict(), source="a test")
    assert torch.equal(target.module.weight, source.module.weight)


def test_load_weights_copies_so_that_the_stored_tensors_stay_apart():
    linear, state = nn.Linear(3, 5), nn.Linear(3, 5).state_dict()
    load_weights(linear, state, source="a test")
    state["weight"].zero_()
    assert linear.weight.abs().sum() > 0


@pytest.mark.parametrize("weight", [1.0, torch.ones(5, 3).to_sparse(), torch.ones(5, 3, dtype=torch.int64)])
def test_load_weights_refuses_what_is_no_plain_tensor_before_it_copies_any(weight):
    linear = nn.Linear(3, 5)
    before = linear.bias.clone()
    with pytest.raises(ValueError, match=r"weight must be a dense tensor of torch\.float32 but a test holds"):
        load_weights(linear, {"bias": torch.ones(5), "weight": weight}, source="a test")
    assert torch.equal(linear.bias, before)
