"""A forward pass as the plain data of a page: lists, numbers, and attention maps in base64."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cs336_basics.inspection.forward_record import ForwardRecord
from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.display.visible_text import meanings_of_signs, visible

LARGEST_MAPS = 256 << 20  # bytes of base64; browsers read no text of more than about twice as much
NO_ENTRY = "<no entry>"  # a model may have room for more tokens than its tokenizer has


def page_data(
    record: ForwardRecord, ids: Sequence[int], tokenizer: Tokenizer, *, source: str
) -> dict[str, Any]:
    """Return what the page shows, for `json.dumps`; `source` says which model it is."""
    tokens = [{"id": id, "text": shown(tokenizer, id)} for id in ids]
    return {
        "source": source,
        "vocabSize": record.logits.shape[-1],
        "tokens": tokens,
        "signs": meanings_of_signs(" ".join(token["text"] for token in tokens)),
        "losses": [None, *record.losses.tolist()],
        "likeliest": [
            [
                {"id": id, "text": shown(tokenizer, id), "probability": probability}
                for id, probability in zip(likeliest, probabilities, strict=True)
            ]
            for likeliest, probabilities in zip(
                record.likeliest_ids.tolist(), record.likeliest_probabilities.tolist(), strict=True
            )
        ],
        "streamNorms": record.stream_norms.tolist(),
        "attention": [[encode_map(head) for head in layer] for layer in record.attention_weights],
    }


def shown(tokenizer: Tokenizer, id: int) -> str:
    """Return a token as text for the eye, with signs for what is not seen."""
    return visible(tokenizer.vocab[id]) if id in tokenizer.vocab else NO_ENTRY


def encode_map(weights: Float[Tensor, "seq seq"]) -> str:
    """Return the lower triangle, row after row, as base64 of little-endian float16.

    A weight lies between 0 and 1, so rounding moves it by at most 2^-12.
    """
    triangle = weights.numpy()[np.tril_indices(len(weights))]
    return base64.b64encode(triangle.astype("<f2").tobytes()).decode("ascii")


def check_size(*, num_layers: int, num_heads: int, seq: int) -> None:
    """Raise `ValueError` for a text whose attention maps are too much for one page."""
    size = base64_size(num_layers, num_heads, seq)
    if size > LARGEST_MAPS:
        fitting = next(n for n in range(seq, 0, -1) if base64_size(num_layers, num_heads, n) <= LARGEST_MAPS)
        raise ValueError(
            f"attention maps on a page may take {LARGEST_MAPS / 1e6:,.0f} MB but {num_layers} layers of "
            f"{num_heads} heads take {size / 1e6:,.0f} MB for {seq:,} tokens; give at most {fitting:,}"
        )


def base64_size(num_layers: int, num_heads: int, seq: int) -> int:
    """Return the characters of all attention maps: four for three bytes, two bytes for each weight."""
    bytes_of_a_map = seq * (seq + 1)
    return num_layers * num_heads * 4 * -(-bytes_of_a_map // 3)
