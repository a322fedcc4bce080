"""Our tokenizer as files of a Hugging Face model, read by `AutoTokenizer.from_pretrained` of transformers.

They are written as JSON; neither transformers nor tokenizers is needed. The ids agree on all texts but those
with code points that the two sides classify otherwise (`unicode_differences.py`).
"""

import os
from pathlib import Path
from typing import Any

from cs336_basics.files.json_file import write_json
from cs336_basics.tokenization.interchange.huggingface_json import TOKENIZER_FILE, tokenizer_json
from cs336_basics.tokenization.interchange.unicode_differences import code_points_new_since_unicode_16
from cs336_basics.tokenization.pretokenization_steps import PrefixSpace
from cs336_basics.tokenization.special_tokens import END_OF_TEXT
from cs336_basics.tokenization.tokenizer import Tokenizer

CONFIG_FILE, SPECIAL_TOKENS_FILE = "tokenizer_config.json", "special_tokens_map.json"


def write_huggingface_tokenizer(
    tokenizer: Tokenizer, folder: str | os.PathLike[str], *, context_length: int
) -> int:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`; the folder is made.

    A token that begins every text (`bos_token_id`, of a tokenizer read from Hugging Face) is added there,
    unless `add_special_tokens=False`.

    Returns of how many code points Hugging Face's libraries, which know Unicode 16, do not know that they
    are letters or numbers: texts with these may get other ids there. Each file is written whole or not at
    all, and none if this raises `ValueError`: for a vocabulary that the libraries would read otherwise,
    naming the first entry at fault, or a context length below 1.
    """
    if context_length < 1:
        raise ValueError(f"context_length must be at least 1 but is {context_length}; give the model's own")
    content = tokenizer_json(tokenizer.definition)
    special_tokens = _roles_of_special_tokens(tokenizer)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SPECIAL_TOKENS_FILE, special_tokens)
    write_json(folder / CONFIG_FILE, _config(tokenizer, special_tokens, context_length))
    write_json(folder / TOKENIZER_FILE, content)
    return len(code_points_new_since_unicode_16())


def _roles_of_special_tokens(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return which special token does what: END_OF_TEXT ends and pads a text, a template may begin one."""
    begin = tokenizer.definition.begin_of_text
    begins = {} if begin is None else {"bos_token": begin}
    ends = dict.fromkeys(("eos_token", "pad_token"), END_OF_TEXT)
    return begins | (ends if END_OF_TEXT in tokenizer.special_token_ids else {})


def _config(tokenizer: Tokenizer, special_tokens: dict[str, Any], context_length: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # all of the rest is in tokenizer.json
        "model_max_length": context_length,
        "model_input_names": [
            "input_ids",
            "attention_mask",
        ],  # else some versions add token types, which Llama refuses
        "clean_up_tokenization_spaces": False,  # else decoding takes spaces away before punctuation
        "add_prefix_space": PrefixSpace() in tokenizer.definition.steps,
        **special_tokens,
    }
