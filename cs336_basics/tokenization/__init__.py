"""Byte-level BPE tokenizer: text to token ids and back, and how its vocabulary is learned.

Read first `pretokenization.py` (text to pre-tokens), then `merging.py` (one pre-token to tokens), and both
together in `plain_encoding.py` and `tokenizer.py`. For training: `bpe_training.py`, whose `train_bpe_plainly`
is the definition, then `pair_statistics.py`.

`bulk/` gives the same results for many megabytes at a time, in NumPy, and is what `train_bpe`,
`encode_file` and `encode` of a long text really use. Its docstring names the readable form that each of
its files is tested equal to, and each file says why it is right.

`definition.py` and `build.py` are for tokenizers with other pre-tokens than GPT-2's; `interchange/` reads and
writes them in other libraries' formats.

The other files carry this to files larger than memory (`chunking.py`, `pretoken_counts.py`,
`file_encoding.py`, `worker_pool.py`), to text that arrives in pieces (`streaming.py`) and to the disk
(`serialization.py`, `byte_tokens.py`).

Words for the same things everywhere:

| name      | meaning                                                                                   |
| --------- | ----------------------------------------------------------------------------------------- |
| pre-token | a stretch of text that no merge crosses, as a string                                      |
| word      | a distinct pre-token as bytes; in `bulk/` a special token is one, too                     |
| symbol    | an integer for a stretch of bytes: in training bytes, then merges; in encoding entry ids  |
| rank      | the place of a merge in the list of merges; its product is the symbol that it makes       |
| row       | the number of a word, in the order in which words are first met                           |

Nothing here imports torch: a worker process starts in a fraction of a second.
"""

from cs336_basics.tokenization.bpe_training import train_bpe
from cs336_basics.tokenization.special_tokens import END_OF_TEXT
from cs336_basics.tokenization.tokenizer import Tokenizer

__all__ = ["END_OF_TEXT", "Tokenizer", "train_bpe"]
