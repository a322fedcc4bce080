"""The same tokenizer for many megabytes at a time: NumPy over a whole piece of text instead of loops.

Nothing here defines anything. Each file does what a readable one beside this folder does, and is tested
equal to it:

- `boundaries.py` finds the pre-tokens of `pretokenization.py`
- `merge_learning.py` learns the merges of `pair_statistics.py`
- `short_words.py` and `long_words.py` merge as `merging.py` does

`word_rows.py` is why it is quick: a text has few distinct words, and each is looked at once.
"""
