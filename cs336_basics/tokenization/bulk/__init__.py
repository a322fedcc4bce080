"""The same tokenizer for many megabytes at a time: NumPy over a whole piece of text instead of loops.

In the order to be read, with the readable form beside this folder that each is tested equal to:

- `boundaries.py` finds the pre-tokens of `pretokenization.py`
- `word_rows.py` numbers the words, and is why all this is quick: a text has few distinct words, and each is
  looked at once. With it and `text_words.py` are counted the words that `count_pretokens_of_text` counts
- `encoding.py` gives the ids of `Tokenizer.encode_plainly`; of the words, `short_words.py` and
  `long_words.py` merge as `merging.merge_plainly` does
- `merge_learning.py` learns the merges of `pair_statistics.py`

The others are what these are made of: `symbol_array.py`, `pair_ranks.py`, `growing_array.py`,
`freed_memory.py`.
"""
