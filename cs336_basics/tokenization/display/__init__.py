"""Show a person what the tokenizer makes of a text: `token_pieces.py`, then `layout.py`."""
