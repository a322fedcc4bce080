"""Files of Hugging Face's tokenizers: trained on the spot for each kind that we read, and written by hand."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from cs336_basics.tokenization.byte_tokens import CHARACTER_OF_BYTE
from cs336_basics.tokenization.pretokenization_steps import LLAMA3_PATTERN
from tests.unit.tokenization.references import FRAGMENTS, real_text

BEGIN = "<|begin|>"
SPECIAL_TOKENS = ["<|endoftext|>", "<|e|>", "<|e|><|f|>", "a b", BEGIN]
LATE_TOKENS = ["<日>", " t"]  # added behind a vocabulary that lacks them
O200K_PATTERN = (  # that of GPT-4o, with which Hugging Face's users have trained tokenizers
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KINDS = ["gpt2", "prefix space", "digits", "numbers and prefix space", "llama3", "o200k", "gaps"]


def byte_level(*, use_regex: bool = True, add_prefix_space: bool = False) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=use_regex)


def split(pattern: str, *, add_prefix_space: bool = False) -> pre_tokenizers.PreTokenizer:
    last = byte_level(use_regex=False, add_prefix_space=add_prefix_space)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), last])


def pre_tokenizer_of(kind: str) -> pre_tokenizers.PreTokenizer:
    digits = pre_tokenizers.Digits(individual_digits=True)
    numbers = pre_tokenizers.Digits(individual_digits=False)
    makers = {
        "gpt2": lambda: byte_level(),
        "prefix space": lambda: byte_level(add_prefix_space=True),
        "digits": lambda: pre_tokenizers.Sequence([digits, byte_level()]),
        "numbers and prefix space": lambda: pre_tokenizers.Sequence(
            [numbers, byte_level(add_prefix_space=True)]
        ),
        "llama3": lambda: split(LLAMA3_PATTERN),
        "o200k": lambda: split(O200K_PATTERN),
        "gaps": lambda: split(r"[A-Z]+|\d{2}|, ", add_prefix_space=True),
    }
    return makers[kind]()


@cache
def trained(kind: str) -> Tokenizer:
    """Train on prose, code, digits and the fragments that the hypothesis texts are made of."""
    ignore_merges = kind in ("llama3", "gaps")
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer_of(kind)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL_TOKENS,
        show_progress=False,
    )
    texts = [real_text()[:20_000], " ".join(FRAGMENTS * 20), "2024 12345 日本語 naïve I'LL " * 30]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in LATE_TOKENS])
    if kind == "llama3":
        tokenizer.post_processor = processors.Sequence(
            [
                processors.ByteLevel(trim_offsets=True),
                processors.TemplateProcessing(
                    single=f"{BEGIN} $A",
                    pair=f"{BEGIN} $A {BEGIN}:1 $B:1",
                    special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))],
                ),
            ]
        )
    return tokenizer


def write(content: Any, folder: Path) -> Path:
    path = folder / "tokenizer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


BYTES = {character: byte for byte, character in CHARACTER_OF_BYTE.items()}
VOCAB = {**BYTES, "ab": 256, "abc": 257}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def added(id: int, content: str, **flags: bool) -> dict[str, Any]:
    off = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
    return {"id": id, "content": content, "special": True} | off | flags


ONE_ADDED_TOKEN = (added(258, "<s>"),)


def content(*, added_tokens: Any = ONE_ADDED_TOKEN, model: Any = None, **parts: Any) -> dict[str, Any]:
    """Return the content of a small file, with changes: all bytes, ab and abc, and one special token."""
    own_model = {"type": "BPE", "vocab": VOCAB, "merges": ["a b", "ab c"]}
    return {
        "version": "1.0",
        "added_tokens": list(added_tokens) if isinstance(added_tokens, tuple) else added_tokens,
        "normalizer": None,
        "pre_tokenizer": BYTE_LEVEL,
        "post_processor": None,
        "decoder": BYTE_LEVEL,
        "model": own_model | (model or {}),
    } | parts


def sequence(*pre_tokenizers: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": list(pre_tokenizers)}
