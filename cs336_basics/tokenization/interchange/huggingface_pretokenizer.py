"""Hugging Face's pre-tokenizers as our steps, and our steps as theirs.

Known are `Split` by a regular expression, `Digits`, and `ByteLevel`, which comes last and itself may put a
space in front and split by GPT-2's pattern. `ByteLevel` also writes the bytes as characters, which our
tables do not need; `trim_offsets` concerns places in the text, which we do not ask for.
"""

from typing import Any

from cs336_basics.tokenization.interchange.huggingface_fields import fields_of, flag, members_of, refuse
from cs336_basics.tokenization.interchange.regex_dialect import check_pattern
from cs336_basics.tokenization.pretokenization_steps import (
    EACH_DIGIT,
    EACH_NUMBER,
    GPT2_STEPS,
    PrefixSpace,
    SplitAround,
    Step,
)


def steps_of(pre_tokenizer: Any) -> tuple[Step, ...]:
    """Return the steps of a pre-tokenizer; raises `ValueError` for one that does anything else."""
    members = members_of(pre_tokenizer, "a pre_tokenizer", list_name="pretokenizers")
    *others, last = members or [{"type": "null"}]
    for member in members:
        if member["type"] not in ("Split", "Digits", "ByteLevel"):
            refuse(f"the pre-tokenizer {member['type']}")
    if last["type"] != "ByteLevel" or any(member["type"] == "ByteLevel" for member in others):
        refuse("a pre-tokenizer that does not end with its one ByteLevel")
    steps = [_split_step(member) if member["type"] == "Split" else _digits_step(member) for member in others]
    return *steps, *_byte_level_steps(last)


def pretokenizer_json(steps: tuple[Step, ...]) -> dict[str, Any]:
    """Return the pre-tokenizer of these steps."""
    rest = list(steps)
    use_regex = tuple(rest[-1:]) == GPT2_STEPS
    if use_regex:
        rest.pop()
    add_prefix_space = rest[-1:] == [PrefixSpace()]
    if add_prefix_space:
        rest.pop()
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": True,
        "use_regex": use_regex,
    }
    splits = [_split_json(step) for step in rest]
    return {"type": "Sequence", "pretokenizers": [*splits, byte_level]} if splits else byte_level


def _byte_level_steps(member: dict[str, Any]) -> list[Step]:
    where = "a ByteLevel"
    fields_of(member, where, {"type", "add_prefix_space", "trim_offsets", "use_regex"})
    prefix = [PrefixSpace()] if flag(member, "add_prefix_space", where) else []
    return [*prefix, *(GPT2_STEPS if flag(member, "use_regex", where, default=True) else ())]


def _digits_step(member: dict[str, Any]) -> Step:
    fields_of(member, "a Digits", {"type", "individual_digits"})
    return EACH_DIGIT if flag(member, "individual_digits", "a Digits") else EACH_NUMBER


def _split_step(member: dict[str, Any]) -> Step:
    fields = fields_of(member, "a Split", {"type", "pattern", "behavior", "invert"})
    if fields.get("behavior") != "Isolated":
        refuse(f"a Split with the behavior {fields.get('behavior')!r}")
    if flag(fields, "invert", "a Split"):
        refuse("a Split with invert")
    match fields.get("pattern"):
        case {"Regex": str() as pattern}:
            check_pattern(pattern)
            return SplitAround(pattern)
        case pattern:
            refuse(f"a Split by {pattern!r:.80} instead of a regular expression")


def _split_json(step: Step) -> dict[str, Any]:
    assert isinstance(step, SplitAround), "a space in front comes from ByteLevel"
    if step in (EACH_DIGIT, EACH_NUMBER):
        return {"type": "Digits", "individual_digits": step == EACH_DIGIT}
    return {"type": "Split", "pattern": {"Regex": step.pattern}, "behavior": "Isolated", "invert": False}
