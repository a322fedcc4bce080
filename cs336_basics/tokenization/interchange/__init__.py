"""Our tokenizer in other libraries: `exports.py` makes the objects, the other files say where they agree."""
