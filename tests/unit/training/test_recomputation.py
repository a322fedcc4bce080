import pytest
import torch

from cs336_basics.nn.build import ATTENTION_FORMS
from cs336_basics.nn.config import AttentionForm, ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.recomputation import recompute_blocks


def kept_numbers(attention: AttentionForm, *, recompute: bool) -> tuple[int, torch.Tensor, dict]:
    """Return how many numbers autograd keeps, the loss, and the gradients."""
    torch.manual_seed(7)
    config = ModelConfig(
        vocab_size=31, context_length=13, d_model=28, num_layers=3, num_heads=2, attention=attention
    )
    model = TransformerLM.from_config(config)
    if recompute:
        recompute_blocks(model)
    ids = torch.randint(31, (5, 14))
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = NextTokenLoss(model)(ids[:, :-1], ids[:, 1:])
    loss.backward()
    return sum(kept.values()), loss, {name: weight.grad for name, weight in model.named_parameters()}


@pytest.mark.parametrize("attention", ATTENTION_FORMS)
def test_recomputation_keeps_less_and_changes_no_bit(attention):
    kept, loss, gradients = kept_numbers(attention, recompute=False)
    kept_less, same_loss, same_gradients = kept_numbers(attention, recompute=True)
    assert torch.equal(loss, same_loss)
    torch.testing.assert_close(gradients, same_gradients, rtol=0, atol=0)
    assert kept_less < kept / 2


def test_recomputation_changes_no_name_and_no_output():
    model = TransformerLM(31, 13, 28, 2, 2, 11)
    names, ids = list(model.state_dict()), torch.arange(13)
    expected = model(ids)
    recompute_blocks(model)
    assert list(model.state_dict()) == names
    assert torch.equal(model(ids), expected)
