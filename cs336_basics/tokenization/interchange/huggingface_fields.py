"""Parts of a `tokenizer.json`: objects of which we know every field, or an error that names what we do not.

The errors are the second half of a sentence, after "the file must be ... but"; `huggingface_reading.py`
has the first half.
"""

from typing import Any, NoReturn


def refuse(what: str) -> NoReturn:
    """Raise `ValueError` for something that the file asks for and we do not do."""
    raise ValueError(
        f"has {what}, which is not supported; encode with the tokenizers package and give the ids with "
        "--prompt-ids"
    )


def damaged(where: str, value: Any) -> NoReturn:
    """Raise `ValueError` for something that is not what its place requires."""
    raise ValueError(f"has {where} that is {value!r:.80}, as no library writes it; get the file anew")


def fields_of(value: Any, where: str, known: set[str]) -> dict[str, Any]:
    """Return an object of the file; raises `ValueError` if it is none or has other fields than `known`."""
    if not isinstance(value, dict):
        damaged(where, value)
    unknown = sorted(value.keys() - known)
    if unknown:
        refuse(f"{where} with {unknown[0]!r}")
    return value


def members_of(value: Any, where: str, *, list_name: str) -> list[dict[str, Any]]:
    """Return the parts of a `Sequence`, a single part as a list of one, and nothing for null."""
    if value is None:
        return []
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        damaged(where, value)
    if value["type"] != "Sequence":
        return [value]
    members = fields_of(value, where, {"type", list_name}).get(list_name)
    if not isinstance(members, list):
        damaged(where, value)
    return [part for member in members for part in members_of(member, where, list_name=list_name)]


def flag(value: dict[str, Any], name: str, where: str, *, default: bool | None = None) -> bool:
    """Return a field that is true or false; without a default it must be there."""
    found = value.get(name, default)
    if not isinstance(found, bool):
        damaged(f"{where} with {name}", found)
    return found
