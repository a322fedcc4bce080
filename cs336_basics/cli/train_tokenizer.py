"""`cs336 train-tokenizer`"""

from dataclasses import dataclass, field
from pathlib import Path

from cs336_basics.cli.command import Command


@dataclass(frozen=True, kw_only=True)
class TrainTokenizer(Command):
    """Learn a byte-level BPE vocabulary from a text file.

    Writes vocab.json and merges.txt, in GPT-2's formats, into the output folder.
    """

    input: Path
    """UTF-8 text; documents may be separated by the special token."""
    output: Path
    """Folder for vocab.json and merges.txt."""
    vocab_size: int = 10_000
    """Entries of the vocabulary: special tokens, 256 bytes, merges."""
    special_tokens: list[str] = field(default_factory=lambda: ["<|endoftext|>"])
    """Strings that always are one token."""
    num_workers: int | None = None
    """Processes that read the text; None: one for each CPU where that pays."""

    def execute(self) -> None:
        """Train and save."""
        from cs336_basics.tokenization import Tokenizer, train_bpe
        from cs336_basics.tokenization.folder import require_free_folder, require_special_tokens_to_save

        require_special_tokens_to_save(self.special_tokens)
        require_free_folder(self.output, text=self.input)
        vocab, merges = train_bpe(
            self.input, self.vocab_size, self.special_tokens, num_workers=self.num_workers, progress=True
        )
        Tokenizer(vocab, merges, self.special_tokens).save_to_folder(self.output)
        longest = max(vocab.values(), key=len).decode("utf-8", errors="replace")
        print(f"{len(vocab):,} entries in {self.output}; the longest is {longest!r}")
