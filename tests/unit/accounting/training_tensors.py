"""What a real training step keeps, and what it has at most at once: tensors, to the byte."""

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity
from torch.utils.checkpoint import checkpoint

from cs336_basics.accounting.batch import Precision
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.evaluation.held_out_loss import evaluate
from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.config import OptimizerConfig, RunConfig, TrainingConfig


def loss_of(model: TransformerLM, inputs: Tensor, targets: Tensor, loss_form: str, precision: str) -> Tensor:
    """Return the loss as `train_step` computes it, or from all logits."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        if loss_form == "plain":
            return cross_entropy(model(inputs), targets)
        hidden = model.hidden_states(inputs)
        return chunked_cross_entropy(
            hidden, model.lm_head.weight, targets, logit_softcap=model.config.logit_softcap
        )


def batch_of(config: ModelConfig, batch_size: int, seq: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1729)
    ids = torch.randint(config.vocab_size, (2, batch_size, seq), generator=generator)
    return ids[0].clone(), ids[1].clone()


def saved_by_module(
    config: ModelConfig, batch_size: int, seq: int, *, loss_form: str, precision: str
) -> dict[str, int]:
    """Return the bytes of the distinct storages that autograd saves for each part, without the weights."""
    model = TransformerLM.from_config(config)
    not_counted = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}
    sizes: dict[str, int] = {}
    at_work = ["loss"]

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in not_counted and storage._cdata not in saved:
            saved[storage._cdata] = tensor
            sizes[at_work[-1]] = sizes.get(at_work[-1], 0) + storage.nbytes()
        return tensor

    def end(module: nn.Module, arguments: tuple, result: Tensor) -> None:
        at_work.pop()

    for name, module in model.named_modules():
        if is_part(name):
            module.register_forward_pre_hook(lambda module, arguments, name=name: at_work.append(name))
            module.register_forward_hook(end)
    inputs, targets = batch_of(config, batch_size, seq)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = loss_of(model, inputs, targets, loss_form, precision)
    assert loss.requires_grad
    return sizes


def is_part(name: str) -> bool:
    """Say whether the module is what `accounting.parts` calls a part."""
    is_block_child = name.startswith("layers.") and name.count(".") == 2
    return is_block_child or name in ("token_embeddings", "ln_final", "lm_head")


class LiveMemory:
    """Adds up what PyTorch asks of the allocator and gives back, as its profiler records it."""

    def __init__(self) -> None:
        self.now = 0
        self.peaks: dict[str, int] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record what happens inside."""
        self.peaks[name] = max(self.peaks.get(name, 0), self.now)
        gc.disable()  # or tensors of earlier tests may be given back while we count
        try:
            with torch.profiler.profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
                yield
        finally:
            gc.enable()
        recorded: Any = profiler.profiler
        events = [event for event in recorded.kineto_results.events() if event.name() == "[memory]"]
        for event in sorted(events, key=lambda event: event.start_ns()):
            self.now += event.nbytes()
            self.peaks[name] = max(self.peaks[name], self.now)


def checkpoint_blocks(model: TransformerLM) -> None:
    """Let each block keep its input only."""
    for layer in model.layers:
        forward = layer.forward
        layer.forward = lambda *arguments, forward=forward: checkpoint(
            forward, *arguments, use_reentrant=False
        )


def optimizer_of(model: TransformerLM, name: OptimizerName, precision: Precision = "fp32") -> Optimizer:
    """Return the optimizer of a training run."""
    training = TrainingConfig(steps=1, batch_size=1, device="cpu", precision=precision)
    optimizer = OptimizerConfig(optimizer=name)
    return new_optimizer(model, RunConfig(model=model.config, training=training, optimizer=optimizer))


def peaks_of_second_step(
    config: ModelConfig,
    batch_size: int,
    seq: int,
    *,
    loss_form: str = "chunked",
    precision: Precision = "fp32",
    optimizer_name: OptimizerName = "adamw",
    accumulation_steps: int = 1,
    recompute: bool = False,
) -> dict[str, int]:
    """Return the most bytes above the weights that exist in each phase of a step that has its moments."""
    model = TransformerLM.from_config(config)
    if recompute:
        checkpoint_blocks(model)
    optimizer = optimizer_of(model, optimizer_name, precision)
    inputs, targets = batch_of(config, batch_size, seq)
    parts = list(zip(inputs.chunk(accumulation_steps), targets.chunk(accumulation_steps), strict=True))

    def step(phase: Callable[[str], contextlib.AbstractContextManager]) -> None:
        for part_inputs, part_targets in parts:
            with phase("forward"):
                loss = loss_of(model, part_inputs, part_targets, loss_form, precision)
            with phase("backward"):
                loss.backward()
                del loss
        with phase("update"):
            clip_gradients(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    live = LiveMemory()
    with live.phase("the whole first step"):
        step(contextlib.nullcontext)
    live.peaks.clear()
    step(live.phase)
    return live.peaks


def peak_of_evaluation(config: ModelConfig, batch_size: int, *, precision: str = "fp32") -> int:
    """Return the most bytes above the weights that exist while a dataset is scored."""
    model = TransformerLM.from_config(config)
    dataset = np.arange(2 * batch_size * config.context_length + 1, dtype=np.uint16) % config.vocab_size
    live = LiveMemory()
    with live.phase("evaluation"), torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        evaluate(model, dataset, batch_size=batch_size, context_length=config.context_length, device="cpu")
    return live.peaks["evaluation"]
