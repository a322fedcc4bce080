"""How a `config.json` tells about rotary positions: in two spellings, the older and the newer.

The older has `rope_theta` and `rope_scaling` (null for none); the newer, from transformers 5 on, has both in
`rope_parameters`. Some files have both spellings, which must say the same.
"""

from typing import Any

from cs336_basics.nn.pretrained.config_values import positive_integer, positive_number, unsupported

LLAMA3_KEYS = {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}
COMMON_KEYS = {"rope_type", "rope_theta", "partial_rotary_factor"}


def rope_fields(values: dict[str, Any], context_length: int) -> dict[str, Any]:
    """Return the fields of `ModelConfig` that are about RoPE; what they cannot say is a `ValueError`."""
    parameters = rope_parameters(values)
    rope_type = parameters["rope_type"]
    fields: dict[str, Any] = {"rope_theta": positive_number(parameters, "rope_theta", 10000.0)}
    if rope_type == "llama3":
        require_keys(parameters, COMMON_KEYS | LLAMA3_KEYS)
        return fields | llama3_fields(parameters, context_length)
    if rope_type != "default":
        raise unsupported("rope_type", "'default' or 'llama3'", rope_type)
    require_keys(parameters, COMMON_KEYS)
    return fields


def rope_parameters(values: dict[str, Any]) -> dict[str, Any]:
    """Return what is there in the newer spelling, with a `rope_type`."""
    given = [key for key in ("rope_scaling", "rope_parameters") if values.get(key) not in (None, {})]
    told = [newer_spelling(values[key], values.get("rope_theta"), key) for key in given]
    if len(told) == 2 and told[0] != told[1]:
        raise ValueError(
            "config.json must say in one way how positions are rotated but rope_scaling and rope_parameters "
            "differ; remove one of the two"
        )
    return told[0] if told else {"rope_theta": values.get("rope_theta"), "rope_type": "default"}


def newer_spelling(parameters: Any, theta: Any, key: str) -> dict[str, Any]:
    """Return the value of `key`, beside which `theta` may stand, as `rope_parameters` would have it."""
    if not isinstance(parameters, dict):
        raise unsupported(key, "an object", parameters)
    if theta is not None and parameters.get("rope_theta", theta) != theta:
        raise ValueError(
            f"config.json must give rope_theta once but has {theta} and, in {key}, "
            f"{parameters['rope_theta']}; remove one of the two"
        )
    rope_type = parameters.get("rope_type") or parameters.get("type") or "default"
    others = {name: value for name, value in parameters.items() if name != "type"}
    return {"rope_theta": theta, **others, "rope_type": rope_type}


def llama3_fields(parameters: dict[str, Any], context_length: int) -> dict[str, Any]:
    """Return the fields of the frequency scaling of Llama 3.1 and later."""
    factor = positive_number(parameters, "factor")
    low, high = (positive_number(parameters, f"{name}_freq_factor") for name in ("low", "high"))
    if not low < high:
        raise ValueError(
            f"config.json must have a high_freq_factor above low_freq_factor but has {high} and {low}; "
            "correct one of the two"
        )
    return {
        "rope_scaling": "llama3",
        "rope_factor": factor,
        "rope_slow_turns": low,
        "rope_fast_turns": high,
        "rope_original_context": positive_integer(
            parameters, "original_max_position_embeddings", context_length
        ),
    }


def require_keys(parameters: dict[str, Any], known: set[str]) -> None:
    """Refuse what would change the rotation: another key, or a rotation of only a part of each head."""
    for key, value in parameters.items():
        if key not in known and value is not None:
            raise unsupported(f"rotary parameter {key}", "null", value)
    if parameters.get("partial_rotary_factor") not in (None, 1):
        raise unsupported("partial_rotary_factor", 1, parameters["partial_rotary_factor"])
