"""Our tokenizer in other libraries, and theirs here.

`exports.py` makes objects of other libraries, `huggingface_folder.py` writes files that they read,
`huggingface_reading.py` reads theirs; the other files say where the two sides agree.
"""
