import torch

from cs336_basics import ModelConfig, MultiHeadSelfAttention, TransformerLM
from cs336_basics.debug.plain_generation import with_reference_attention


def test_with_reference_attention_keeps_the_weights_and_shows_the_scores():
    config = ModelConfig(
        vocab_size=31, context_length=7, d_model=12, num_layers=2, num_heads=3, d_ff=11, attention="chunked"
    )
    model = TransformerLM.from_config(config)
    readable = with_reference_attention(model)
    assert [type(layer.attn) for layer in readable.layers] == [MultiHeadSelfAttention] * 2
    ids = torch.arange(7)
    torch.testing.assert_close(readable(ids), model(ids), rtol=0, atol=1e-6)
