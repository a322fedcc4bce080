"""A trained run as the folder of a Llama that Hugging Face's transformers reads.

    config.json  generation_config.json  model.safetensors
    tokenizer.json  tokenizer_config.json  special_tokens_map.json

`AutoModelForCausalLM.from_pretrained` and `AutoTokenizer.from_pretrained` take this folder, and so does
`TransformerLM.from_pretrained`. Nothing of Hugging Face is needed to write it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cs336_basics.checkpoint.tensor_file import write_tensors
from cs336_basics.files.json_file import write_json
from cs336_basics.files.new_folder import new_folder
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.pretrained.config_reading import CONFIG_FILE
from cs336_basics.nn.pretrained.config_writing import llama_config, require_llama
from cs336_basics.nn.pretrained.llama_weights import llama_weights
from cs336_basics.nn.pretrained.weight_files import SINGLE_FILE
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer
from cs336_basics.tokenization.interchange.huggingface_folder import write_huggingface_tokenizer
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run, read_run_config

GENERATION_FILE = "generation_config.json"


@dataclass(frozen=True, kw_only=True)
class ExportedRun:
    """What was exported."""

    step: int
    """Steps that the model was trained for."""
    num_differing_code_points: int
    """Code points that Hugging Face's tokenizers classifies otherwise: a text with one may get other ids."""


def export_run(run: RunFolder, folder: str | os.PathLike[str]) -> ExportedRun:
    """Write the model of the last good checkpoint, and its tokenizer, to a new folder that appears whole.

    Raises `ValueError` for a choice that Llama lacks, by name, `FileNotFoundError` for a run without
    checkpoint or tokenizer, and `FileExistsError` if there is such a folder with something in it.
    """
    require_llama(read_run_config(run).model)
    tokenizer = open_run_tokenizer(run)
    trained = open_trained_run(run, device="cpu")
    require_fitting_tokenizer(tokenizer, trained.config.model, run)
    with new_folder(folder) as beside:
        write_model(trained.model.float(), tokenizer, beside)
        num_differing = write_huggingface_tokenizer(
            tokenizer, beside, context_length=trained.config.model.context_length
        )
    return ExportedRun(step=trained.step, num_differing_code_points=num_differing)


def require_fitting_tokenizer(tokenizer: Tokenizer, config: ModelConfig, run: RunFolder) -> None:
    """Raise `ValueError` for a tokenizer with ids that the model does not know."""
    largest_id = max(tokenizer.vocab)
    if largest_id >= config.vocab_size:
        raise ValueError(
            f"the tokenizer's ids must lie below the model's vocab_size = {config.vocab_size} but "
            f"{run.tokenizer} has id {largest_id}; put the tokenizer there that the run was trained with"
        )


def write_model(model: TransformerLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Write configuration, weights, and with which tokens texts begin and end.

    Where the tokenizer has no token of its own for it, a text begins with END_OF_TEXT, as GPT-2 has it.
    """
    end_of_text = tokenizer.special_token_ids.get(END_OF_TEXT)
    begin_of_text = end_of_text if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    begin_and_end = {"bos_token_id": begin_of_text, "eos_token_id": end_of_text}
    write_json(folder / CONFIG_FILE, {**llama_config(model.config), **begin_and_end})
    write_json(folder / GENERATION_FILE, {**begin_and_end, "pad_token_id": end_of_text})
    metadata = {"format": "pt"}  # transformers asks for this word
    write_tensors(folder / SINGLE_FILE, llama_weights(model, model.config), metadata=metadata)
