"""From a trained model to new tokens, and to new text.

Reading order: `plain_decoding` is the definition, with `sampling` and `overflow` as its parts; `decoding`
has the same results from a key-value cache, which `window_reader` keeps; `text` goes from text to text.
"""
