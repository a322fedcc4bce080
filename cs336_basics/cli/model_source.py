"""Where a trained model comes from: a run of ours, or a folder as Hugging Face stores models."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cs336_basics.training.config import Device

if TYPE_CHECKING:
    from cs336_basics.nn.transformer_lm import TransformerLM
    from cs336_basics.tokenization import Tokenizer

WeightType = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class ModelSource:
    """One of the two, and only one, is given."""

    run: Path | None
    model: Path | None

    def __post_init__(self) -> None:
        if (self.run is None) == (self.model is None):
            found = "neither is" if self.run is None else "both are"
            raise ValueError(
                f"a model is a run or, with --model, a folder of Hugging Face, but {found} given; give one"
            )
        from cs336_basics.training.run_folder import RunFolder

        if self.model is not None and RunFolder(self.model).is_run():
            raise ValueError(
                f"--model takes a folder of Hugging Face but {self.model} is a run; leave out --model"
            )

    def open_tokenizer(self) -> "Tokenizer":
        """Read the tokenizer that belongs to the model."""
        if self.model is not None:
            from cs336_basics.nn.pretrained.config_reading import read_model_config
            from cs336_basics.tokenization import Tokenizer

            read_model_config(self.model)  # what is no model must not be told to lack a tokenizer
            return Tokenizer.from_huggingface(self.model)
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.trained_run import open_run_tokenizer

        assert self.run is not None
        return open_run_tokenizer(RunFolder(self.run))

    def open_model(self, *, device: Device, dtype: WeightType) -> "TransformerLM":
        """Load the model to a device, "auto" for the best one."""
        import torch

        from cs336_basics.nn.transformer_lm import TransformerLM
        from cs336_basics.training.hardware import resolve_device
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.trained_run import open_trained_run

        weight_type = {"fp32": torch.float32, "bf16": torch.bfloat16}[dtype]
        if self.model is not None:
            return TransformerLM.from_pretrained(
                self.model, attention="chunked", device=resolve_device(device), dtype=weight_type
            )
        assert self.run is not None
        return open_trained_run(RunFolder(self.run), device=device).model.to(weight_type)

    def stop_token_ids(self) -> frozenset[int] | None:
        """Return the ids that end a text; None: the tokenizer knows."""
        from cs336_basics.generation.pretrained_stops import read_stop_token_ids

        return None if self.model is None else read_stop_token_ids(self.model) or None
