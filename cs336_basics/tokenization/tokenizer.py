"""The tokenizer: text to ids and back.

Encoding is three steps: split the text at special tokens (`special_tokens.py`), split what lies between
into pre-tokens (`pretokenization.py`), merge the bytes of each pre-token (`merge_table.py`, `merging.py`).
`PlainEncoder` in `plain_encoding.py` is these three steps; long texts and files take another way to the same
ids (`bulk/encoding.py`).
"""

import io
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from cs336_basics.tokenization.build import build_chunk_encoder, build_pretokenizer, build_table
from cs336_basics.tokenization.bulk.encoding import BulkEncoder
from cs336_basics.tokenization.chunking import chunk_ranges_of
from cs336_basics.tokenization.definition import TokenizerDefinition, plain_definition
from cs336_basics.tokenization.file_encoding import encode_text_file
from cs336_basics.tokenization.folder import load_from_folder, save_in_folder
from cs336_basics.tokenization.interchange.exports import to_huggingface, to_tiktoken
from cs336_basics.tokenization.interchange.huggingface_reading import read_huggingface
from cs336_basics.tokenization.lone_surrogates import surrogate_error
from cs336_basics.tokenization.merge_table import PretokenCache
from cs336_basics.tokenization.plain_encoding import PlainEncoder
from cs336_basics.tokenization.serialization import load_files, save_definition
from cs336_basics.tokenization.streaming import StreamSplitter

if TYPE_CHECKING:
    import tiktoken
    import tokenizers

BULK_CHARACTERS = 1 << 17  # from here on a text that shares no words with those before is quicker in bulk
STREAM_CACHE_BYTES = 256 << 10  # encode_iterable promises to stay under 1 MB


class Tokenizer:
    """Byte-level BPE with GPT-2's pre-tokens and special tokens that are one id each.

    `vocab` maps ids to bytes, `merges` are pairs of bytes in the order in which they were learned; both as
    `train_bpe` returns them. Special tokens that the vocabulary lacks get the next free ids; text that
    looks like a special token is ordinary text unless it is listed. Raises `ValueError` for an empty
    vocabulary, an id below zero or of 2^31 and more, a merge that does not belong to the vocabulary, and a
    special token that is empty or listed twice.

    This constructor is the plain tokenizer; `from_definition` builds any that `TokenizerDefinition`
    describes.
    """

    def __init__(
        self,
        vocab: dict[int, bytes],
        merges: Sequence[tuple[bytes, bytes]],
        special_tokens: Sequence[str] | None = None,
    ) -> None:
        self._put_together(plain_definition(vocab, merges, special_tokens or []))

    @classmethod
    def from_definition(cls, definition: TokenizerDefinition) -> "Tokenizer":
        """Build what `definition` describes. Raises `ValueError` for a merge that its vocabulary lacks."""
        tokenizer = cls.__new__(cls)
        tokenizer._put_together(definition)
        return tokenizer

    def _put_together(self, definition: TokenizerDefinition) -> None:
        self.definition = definition
        self.vocab = definition.entries
        self.merges = list(definition.merges)
        self.special_token_ids = dict(definition.special_token_ids)
        self.special_tokens = list(definition.special_token_ids)
        self.pretokenizer = build_pretokenizer(definition)
        self._table = build_table(definition)
        self._plain_encoder = PlainEncoder(self.pretokenizer, self._table, self.special_token_ids)
        self._stream_splitter = StreamSplitter(self.pretokenizer, self.special_tokens)

    @classmethod
    def from_files(
        cls,
        vocab_filepath: str | os.PathLike[str],
        merges_filepath: str | os.PathLike[str],
        special_tokens: Sequence[str] | None = None,
    ) -> "Tokenizer":
        """Load GPT-2's file formats: `vocab.json` and `merges.txt`, as `save` writes them.

        With `special_tokens=None` every entry that is neither a byte nor the product of a merge is a
        special token; with `[]` none is. Raises `FileNotFoundError`, and `ValueError` for a malformed file
        (naming it and the line) or for merges that do not belong to the vocabulary.
        """
        vocab, merges, special_tokens_found = load_files(vocab_filepath, merges_filepath)
        return cls(vocab, merges, special_tokens_found if special_tokens is None else special_tokens)

    @classmethod
    def from_huggingface(cls, path: str | os.PathLike[str]) -> "Tokenizer":
        """Load a `tokenizer.json` of Hugging Face's tokenizers, or the one in a folder; no package is needed.

        Read are byte-level BPE files, with the same ids and text as there: GPT-2's pre-tokenizer, digits
        apart (SmolLM2), a regular expression (Llama 3). All added tokens become special tokens. What the
        file says and we would do otherwise is a `ValueError` that names it: above all SentencePiece (Llama
        2), and normalizers. Other files of the folder are not looked at.

        A token that the file puts in front of every text (Llama 3) is `bos_token_id`; `encode` adds
        nothing, as `encode(text, add_special_tokens=False)` there, so put the id in front of a prompt
        yourself. GPT-2's way is as quick as with `train_bpe`'s vocabularies. The others go by regular
        expressions, and of patterns that we do not know (`pattern_pretokenizer.py`) text between two
        special tokens is held whole.
        """
        return cls.from_definition(read_huggingface(path))

    def save(self, vocab_filepath: str | os.PathLike[str], merges_filepath: str | os.PathLike[str]) -> None:
        """Write GPT-2's file formats, each file whole or not at all; special tokens are plain entries.

        Which entries are special is not written: `from_files` is told, or goes by what they look like.
        Raises `ValueError`, before anything is written, if the format cannot hold the vocabulary because a
        special token would be read as another entry, or because the tokenizer comes from a `tokenizer.json`.
        """
        save_definition(self.definition, vocab_filepath, merges_filepath)

    @classmethod
    def from_folder(cls, folder: str | os.PathLike[str]) -> "Tokenizer":
        """Load what `save_to_folder` has written, with its special tokens, or a folder of Hugging Face's.

        A `tokenizer.json` counts before `vocab.json` and `merges.txt`, which do not say all that it does.
        """
        return cls.from_definition(load_from_folder(folder))

    def save_to_folder(self, folder: str | os.PathLike[str]) -> None:
        """Write the files under their usual names; the folder is made where it is missing.

        These are `vocab.json` and `merges.txt`, or for a tokenizer from a `tokenizer.json` this file again.
        Raises `ValueError` as `save` does, for an entry that `from_folder` would take for a special token or
        for ordinary text against what it is here, and for a folder whose `tokenizer.json` would be read
        instead.
        """
        save_in_folder(self.definition, folder)

    @property
    def bos_token_id(self) -> int | None:
        """The id of the special token that the model expects in front of a text, if the files name one."""
        begin = self.definition.begin_of_text
        return None if begin is None else self.special_token_ids[begin]

    @property
    def vocab_size(self) -> int:
        """The largest id plus one: the number of rows that an embedding needs."""
        return max(self.vocab) + 1

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`.

        Raises `ValueError` for a lone surrogate, with its position, and for a byte that has no entry.
        """
        if len(text) < BULK_CHARACTERS:
            return self.encode_plainly(text)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise surrogate_error(text, offset=0) from None
        encoder = self._chunk_encoder
        ids: list[int] = []
        for start, end in chunk_ranges_of(io.BytesIO(data), self.special_tokens, cuts=encoder.cuts):
            ids += encoder.encode(data[start:end]).tolist()
        return ids

    def encode_plainly(self, text: str) -> list[int]:
        """Return the same as `encode`, step by step."""
        return self._plain_encoder.encode_text(text)

    def encode_iterable(self, iterable: Iterable[str]) -> Iterator[int]:
        """Yield the ids of the joined strings, for example the lines of an open file, one after another.

        The ids are those of `encode` on the whole text, wherever it is cut; some 4,000 characters are read
        ahead of them. Memory grows by less than 1 MB for any length of the text, as long as its pre-tokens
        are under 4 KB; a longer one is held whole, and takes memory in proportion to its length. Raises
        `ValueError` as `encode` does, with positions in the joined text.
        """
        ids_of_pretoken = PretokenCache(self._table, max_bytes=STREAM_CACHE_BYTES).__getitem__
        offset = 0
        for text, pretokens, special_token in self._stream_splitter.split(iterable):
            try:
                yield from chain.from_iterable(map(ids_of_pretoken, pretokens))
            except UnicodeEncodeError:
                raise surrogate_error(text, offset=offset) from None
            offset += len(text)
            if special_token is not None:
                yield self.special_token_ids[special_token]
                offset += len(special_token)

    def encode_file(
        self,
        input_path: str | os.PathLike[str],
        output_path: str | os.PathLike[str],
        *,
        num_workers: int | None = None,
        progress: bool = False,
    ) -> int:
        """Write the ids of a UTF-8 text file to a `.npy` file of uint16 or uint32; return their number.

        The ids are those of `encode` on the whole text, for any number of worker processes (one for each
        usable CPU by default, none for a small file). The output appears when it is complete. Raises
        `FileNotFoundError`, or `ValueError` for a file that is empty or not UTF-8, or is the output as well.
        """
        return encode_text_file(
            self._chunk_encoder,
            input_path,
            output_path,
            vocab_size=self.vocab_size,
            num_workers=num_workers,
            progress=progress,
        )

    def to_tiktoken(self) -> "tiktoken.Encoding":
        """Return an object of tiktoken that gives the same ids and text; `interchange/exports.py` says when.

        Raises `ValueError` for a vocabulary that it would read otherwise, `ImportError` without tiktoken.
        """
        return to_tiktoken(self.definition)

    def to_huggingface(self) -> "tokenizers.Tokenizer":
        """Return an object of Hugging Face's tokenizers that gives the same ids and text.

        Raises `ValueError` for a vocabulary that it would read otherwise, `ImportError` without tokenizers.
        """
        return to_huggingface(self.definition)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`; bytes that are not UTF-8 become U+FFFD.

        Raises `ValueError` for an id outside the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of `ids`, which may begin or end in the middle of a character.

        Raises `ValueError` for an id outside the vocabulary.
        """
        vocab = self.vocab
        try:
            return b"".join([vocab[id] for id in map(operator.index, ids)])  # of NumPy and torch, too
        except KeyError as error:
            raise ValueError(
                f"ids must be entries of the vocabulary of size {self.vocab_size} but one is "
                f"{error.args[0]}; decode with the tokenizer that encoded them"
            ) from None

    @cached_property
    def _chunk_encoder(self) -> BulkEncoder | PlainEncoder:
        return build_chunk_encoder(self.definition, self._plain_encoder, self._table)

    def __reduce__(self) -> tuple:
        # A worker rebuilds the tables from what defines them; the cache stays behind.
        return type(self).from_definition, (self.definition,)
