"""The token that a `tokenizer.json` puts in front of every text: `TemplateProcessing`, read and written.

Other templates, which put something after the text, are for other models than those that continue it.
"""

from collections.abc import Mapping
from typing import Any

from cs336_basics.tokenization.interchange.huggingface_fields import damaged, fields_of, members_of, refuse

TEXT = {"Sequence": {"id": "A", "type_id": 0}}
SECOND_TEXT = {"Sequence": {"id": "B", "type_id": 1}}


def template_json(begin_of_text: str | None, special_token_ids: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the post-processor that puts a special token in front, or none."""
    if begin_of_text is None:
        return None
    begin = {"SpecialToken": {"id": begin_of_text, "type_id": 0}}
    begin_of_second = {"SpecialToken": {"id": begin_of_text, "type_id": 1}}
    token = {"id": begin_of_text, "ids": [special_token_ids[begin_of_text]], "tokens": [begin_of_text]}
    return {
        "type": "TemplateProcessing",
        "single": [begin, TEXT],
        "pair": [begin, TEXT, begin_of_second, SECOND_TEXT],
        "special_tokens": {begin_of_text: token},
    }


def begin_of_text_of(post_processor: Any, special_token_ids: Mapping[str, int]) -> str | None:
    """Return the special token that a post-processor puts in front of a text, `None` if it adds nothing."""
    found = []
    for member in members_of(post_processor, "a post-processor", list_name="processors"):
        if member["type"] == "TemplateProcessing":
            found.append(_begin_of_template(member, special_token_ids))
        elif member["type"] != "ByteLevel":  # that one only changes places in the text
            refuse(f"the post-processor {member['type']}")
    if len(found) > 1:
        refuse("a post-processor with two templates")
    return found[0] if found else None


def _begin_of_template(template: dict[str, Any], special_token_ids: Mapping[str, int]) -> str | None:
    # `pair` is for two texts at once, which nobody gives to a model that continues one.
    fields = fields_of(template, "a template", {"type", "single", "pair", "special_tokens"})
    match fields.get("single"):
        case [{"Sequence": {"id": "A"}}]:
            return None
        case [{"SpecialToken": {"id": str() as begin}}, {"Sequence": {"id": "A"}}]:
            _check_token(begin, fields.get("special_tokens"), special_token_ids)
            return begin
        case single:
            refuse(f"a template other than one token in front of the text ({single!r:.200})")


def _check_token(begin: str, tokens: Any, special_token_ids: Mapping[str, int]) -> None:
    """The template has ids of its own, which must be the one of the added token."""
    match tokens:
        case dict() if isinstance(tokens.get(begin), dict) and begin in special_token_ids:
            if tokens[begin].get("ids") == [special_token_ids[begin]]:
                return
    damaged(f"a template with {begin!r}, which must be an added token and have its id,", tokens)
