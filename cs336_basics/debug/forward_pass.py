"""One forward pass of a tiny model on one sentence, to step through line by line.

Start it in VS Code ("Step through one forward pass"), or with `python -m cs336_basics.debug.forward_pass`
in a terminal, where pdb takes over. It stops on the line that calls the model: one Step Into lands in
`TransformerLM.forward`.
"""

import torch

from cs336_basics.nn.transformer_lm import TransformerLM

SENTENCE = "The cat sat on the mat."


def main() -> None:
    """Build a model whose tokens are the 256 bytes, and call it."""
    torch.manual_seed(0)
    model = TransformerLM(vocab_size=256, context_length=32, d_model=16, num_layers=2, num_heads=4, d_ff=64)
    ids = torch.tensor([list(SENTENCE.encode("utf-8"))])
    breakpoint()  # the debugger stops at the next line; step into it
    logits = model(ids)
    print(f"logits of shape {tuple(logits.shape)}: (batch, seq, vocab)")


if __name__ == "__main__":
    main()
