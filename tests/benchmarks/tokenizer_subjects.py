"""What the tokenizer benchmark measures: one function for each library and task (see `fresh_process.py`).

Each gets a text file whose documents are separated by `<|endoftext|>`. Encoding starts from a tokenizer
folder of ours, which all libraries load, and leaves the ids as a `.npy` file, so that they can be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

END = "<|endoftext|>"
END_ID = 0  # train_bpe gives special tokens the first ids


def train_ours(corpus: str, vocab_size: int, workers: int, folder: str | None = None) -> Iterator[Any]:
    """Train with this library; with `folder`, the tokenizer is saved there."""
    import tqdm  # noqa: F401  (the library imports it on first use)

    from cs336_basics import Tokenizer, train_bpe

    yield
    vocab, merges = train_bpe(corpus, vocab_size, [END], num_workers=workers)
    yield
    if folder is not None:
        Tokenizer(vocab, merges, [END]).save_to_folder(folder)
    yield {"entries": len(vocab)}


def train_hugging_face(corpus: str, vocab_size: int) -> Iterator[Any]:
    """Train with `tokenizers`, which takes as many threads as RAYON_NUM_THREADS says."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    yield
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_read_documents(corpus), trainer)
    yield
    yield {"entries": tokenizer.get_vocab_size()}


def train_rustbpe(corpus: str, vocab_size: int) -> Iterator[Any]:
    """Train with `rustbpe`, which knows no special tokens and takes RAYON_NUM_THREADS threads."""
    from cs336_basics.tokenization.pretokenization import GPT2_PATTERN

    rustbpe = import_module("rustbpe")  # by name, since type checkers find it in the bench group only
    yield
    tokenizer = rustbpe.Tokenizer()
    tokenizer.train_from_iterator(iter(_read_documents(corpus)), vocab_size - 1, pattern=GPT2_PATTERN)
    yield
    yield {"entries": tokenizer.vocab_size + 1}


def encode_file_ours(corpus: str, folder: str, output: str, workers: int) -> Iterator[Any]:
    """Encode to a token file with this library."""
    import tqdm  # noqa: F401

    from cs336_basics import Tokenizer

    tokenizer = Tokenizer.from_folder(folder)
    yield
    tokenizer.encode_file(corpus, output, num_workers=workers)
    yield


def encode_file_hugging_face(corpus: str, folder: str, output: str) -> Iterator[Any]:
    """Encode to a token file with `tokenizers`, on RAYON_NUM_THREADS threads."""
    import numpy  # noqa: F401
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE.from_file(f"{folder}/vocab.json", f"{folder}/merges.txt"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([END])
    yield
    encodings = tokenizer.encode_batch_fast(_read_documents(corpus))
    _write_token_file((encoding.ids for encoding in encodings), output)
    yield


def encode_file_tiktoken(corpus: str, folder: str, output: str, workers: int) -> Iterator[Any]:
    """Encode to a token file with `tiktoken`."""
    import numpy  # noqa: F401

    encoding = _load_tiktoken(folder)
    yield
    documents = encoding.encode_ordinary_batch(_read_documents(corpus), num_threads=workers)
    _write_token_file(documents, output)
    yield


def encode_text_ours(corpus: str, folder: str, output: str) -> Iterator[Any]:
    """Encode a string that holds no special token with this library, in one thread."""
    import numpy as np

    from cs336_basics import Tokenizer

    tokenizer = Tokenizer.from_folder(folder)
    text = "".join(_read_documents(corpus))
    yield
    ids = tokenizer.encode(text)
    yield
    np.save(output, np.array(ids, dtype=np.uint16))


def encode_text_tiktoken(corpus: str, folder: str, output: str) -> Iterator[Any]:
    """Encode a string that holds no special token with `tiktoken`, in one thread."""
    import numpy as np

    encoding = _load_tiktoken(folder)
    text = "".join(_read_documents(corpus))
    yield
    ids = encoding.encode_ordinary(text)
    yield
    np.save(output, np.array(ids, dtype=np.uint16))


def _read_documents(corpus: str) -> list[str]:
    with open(corpus, encoding="utf-8", newline="") as file:
        return file.read().split(END)


def _load_tiktoken(folder: str) -> Any:
    import tiktoken

    from cs336_basics.tokenization.pretokenization import GPT2_PATTERN
    from cs336_basics.tokenization.serialization import load_files

    vocab, _, _ = load_files(f"{folder}/vocab.json", f"{folder}/merges.txt")
    ranks = {token: id for id, token in vocab.items() if id != END_ID}
    return tiktoken.Encoding(
        "ours", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={END: END_ID}
    )


def _write_token_file(documents: Iterable[Sequence[int]], output: str) -> None:
    """Write what a token file of ours holds: the ids of all documents, with `END_ID` between them."""
    import numpy as np

    end = np.array([END_ID], dtype=np.uint16)
    arrays = []
    for ids in documents:
        arrays += [np.fromiter(ids, np.uint16, len(ids)), end]
    np.save(output, np.concatenate(arrays[:-1]))
