"""What goes through a model at once, as far as its cost depends on it."""

from dataclasses import dataclass
from typing import Literal, get_args

Precision = Literal["fp32", "bf16"]

FLOAT32_BYTES = 4
BFLOAT16_BYTES = 2
INT64_BYTES = 8


def bytes_of_products(precision: Precision) -> int:
    """Return the bytes of one number that a matrix product takes or returns."""
    return FLOAT32_BYTES if precision == "fp32" else BFLOAT16_BYTES


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The shape of one forward and backward pass, and the type of its matrix products."""

    batch_size: int = 1
    """Sequences."""
    seq: int
    """Tokens of each sequence."""
    precision: Precision = "fp32"
    """As `cs336 train` has it: bf16 is autocast, products in bfloat16 and everything else in float32."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "seq"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1 but is {getattr(self, name)}")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision must be fp32 or bf16 but is {self.precision!r}")

    @property
    def tokens(self) -> int:
        """Tokens of all sequences."""
        return self.batch_size * self.seq

    @property
    def product_bytes(self) -> int:
        """Bytes of one number that a matrix product takes or returns."""
        return bytes_of_products(self.precision)

    def product_input_bytes(self, numbers: int, *, num_products: int = 1) -> int:
        """Return the bytes that products which all take the same float32 tensor keep of it.

        In float32 they share it. Autocast gives each of them a copy of its own.
        """
        return (
            numbers * FLOAT32_BYTES if self.precision == "fp32" else num_products * numbers * BFLOAT16_BYTES
        )

    def copy_bytes(self, numbers: int) -> int:
        """Return the bytes of the copy that autocast makes of a float32 tensor, which is none in float32."""
        return 0 if self.precision == "fp32" else numbers * BFLOAT16_BYTES
