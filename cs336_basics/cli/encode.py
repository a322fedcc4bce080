"""`cs336 encode`"""

from dataclasses import dataclass
from pathlib import Path

from cs336_basics.cli.command import Command


@dataclass(frozen=True, kw_only=True)
class Encode(Command):
    """Turn a text file into a token file, which `cs336 train` reads."""

    tokenizer: Path
    """Folder with tokenizer.json, or with vocab.json and merges.txt."""
    input: Path
    """UTF-8 text."""
    output: Path
    """Token file to write (.npy)."""
    num_workers: int | None = None
    """Processes that encode; None: one for each CPU where that pays."""

    def execute(self) -> None:
        """Encode and count."""
        from cs336_basics.files.outputs import require_other_file
        from cs336_basics.files.text import require_text_file
        from cs336_basics.tokenization import Tokenizer
        from cs336_basics.tokenization.folder import tokenizer_files

        require_text_file(self.input)
        for name in tokenizer_files(self.tokenizer):
            require_other_file(self.output, self.tokenizer / name)
        tokenizer = Tokenizer.from_folder(self.tokenizer)
        self.output.parent.mkdir(parents=True, exist_ok=True)
        num_tokens = tokenizer.encode_file(
            self.input, self.output, num_workers=self.num_workers, progress=True
        )
        bytes_per_token = self.input.stat().st_size / num_tokens
        print(f"{num_tokens:,} tokens in {self.output}, {bytes_per_token:.2f} bytes per token")
