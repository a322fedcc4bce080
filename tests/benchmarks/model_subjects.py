"""What `model.py` measures: the same work with our model, with its plain forms, and with Hugging Face's.

Each function builds a model of the given shape and returns what is to be timed, or is a subject of
`fresh_process.py`. The peer has its SDPA attention, PyTorch's cross-entropy and clipping and its fused AdamW.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cs336_basics.nn.config import AttentionForm

OURS, PLAIN, SDPA, PEER = "cs336_basics", "plain forms", "with sdpa", "transformers"
ATTENTION: dict[str, AttentionForm] = {OURS: "chunked", PLAIN: "reference", SDPA: "sdpa"}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes of the models and of a batch; those of the course's TinyStories model where not given."""

    vocab_size: int = 10_000
    context_length: int = 256
    d_model: int = 512
    num_layers: int = 4
    num_heads: int = 16
    d_ff: int = 1344
    batch_size: int = 8

    @property
    def matrix_weights(self) -> int:
        """Entries of all matrices that activations are multiplied with; the embedding is none of them."""
        block = 4 * self.d_model**2 + 3 * self.d_model * self.d_ff
        return self.num_layers * block + self.vocab_size * self.d_model

    @property
    def step_flops(self) -> float:
        """Floating point operations of the matrix products of a training step, attention without its mask."""
        tokens = self.batch_size * self.context_length
        attention = 4 * self.num_layers * self.context_length * self.d_model
        return 3.0 * tokens * (2 * self.matrix_weights + attention)


def training_step(
    library: str, shape: Shape, *, bf16: bool = False, compiled: bool = False
) -> Callable[[], None]:
    """Return one whole step: forward, loss, backward, clipping, update."""
    import torch

    torch.manual_seed(0)
    ids = torch.randint(0, shape.vocab_size, (shape.batch_size, shape.context_length + 1))
    inputs, targets = ids[:, :-1], ids[:, 1:]
    loss_of, clip, optimizer = _peer(shape, compiled) if library == PEER else _ours(library, shape, compiled)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = loss_of(inputs, targets)
        loss.backward()
        clip()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def _ours(library: str, shape: Shape, compiled: bool) -> tuple:
    from cs336_basics import AdamW, chunked_cross_entropy, clip_gradients, cross_entropy
    from cs336_basics.training.compilation import compile_for_training

    model = our_model(library, shape)
    parameters = list(model.parameters())
    optimizer = AdamW(parameters, lr=1e-4)
    if compiled:
        compile_for_training(model)

    def chunked_loss(inputs, targets):
        return chunked_cross_entropy(model.hidden_states(inputs), model.lm_head.weight, targets)

    def plain_loss(inputs, targets):
        return cross_entropy(model(inputs), targets)

    loss_of = plain_loss if library == PLAIN else chunked_loss
    return loss_of, lambda: clip_gradients(parameters, 1.0), optimizer


def _peer(shape: Shape, compiled: bool) -> tuple:
    import torch

    model = peer_model(shape)
    forward = torch.compile(model) if compiled else model

    def loss_of(inputs, targets):
        logits = forward(inputs, use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)
    return loss_of, lambda: torch.nn.utils.clip_grad_norm_(parameters, 1.0), optimizer


def our_model(library: str, shape: Shape):
    """Return our model with the attention that the name stands for."""
    from cs336_basics import ModelConfig, TransformerLM

    sizes = asdict(shape)
    del sizes["batch_size"]
    return TransformerLM.from_config(ModelConfig(**sizes, attention=ATTENTION[library]))


def peer_model(shape: Shape) -> Any:
    """Return Hugging Face's Llama of the same shape, with its fused attention."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocab_size,
        max_position_embeddings=shape.context_length,
        hidden_size=shape.d_model,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        intermediate_size=shape.d_ff,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    config._attn_implementation = "sdpa"
    return LlamaForCausalLM(config)


def optimizer_step(library: str, shape: Shape) -> Callable[[], object]:
    """Return the update alone, for gradients that stay what they are."""
    import torch

    from cs336_basics import AdamW

    model = our_model(OURS, shape)
    parameters = list(model.parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    if library == PEER:
        return torch.optim.AdamW(parameters, lr=1e-4, fused=True).step
    return AdamW(parameters, lr=1e-4).step


def generation(
    library: str, shape: Shape, *, batch_size: int, new_tokens: int, prompt_tokens: int, top_p: float | None
) -> Callable[[], object]:
    """Return the continuation of a batch of prompts, greedy or by top-p sampling."""
    import torch

    prompts = torch.arange(batch_size * prompt_tokens).reshape(batch_size, -1) % shape.vocab_size
    if library == PEER:
        model = peer_model(shape).eval()
        mask = torch.ones_like(prompts)
        sampling = {"do_sample": False} if top_p is None else {"do_sample": True, "top_p": top_p, "top_k": 0}
        settings = {"attention_mask": mask, "max_new_tokens": new_tokens, "use_cache": True, **sampling}
        return lambda: model.generate(prompts, **settings)
    from cs336_basics import generate
    from cs336_basics.generation.plain_decoding import generate_plainly

    model, texts = our_model(library, shape), prompts.tolist()
    run = generate_plainly if library == PLAIN else generate
    temperature = 0.0 if top_p is None else 1.0
    return lambda: run(model, texts, new_tokens, temperature=temperature, top_p=top_p or 1.0)


def training_memory(library: str, sizes: dict[str, int]) -> Iterator[dict | None]:
    """Take two steps in a fresh process: the peak of its resident size above that after construction."""
    step = training_step(library, Shape(**sizes))
    yield None
    before = _kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak counts from here
    step()
    step()
    peak = _kilobytes("VmHWM")
    yield None
    yield {"bytes": (peak - before) << 10}


def _kilobytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def import_of_every_name() -> Iterator[None]:
    """Import all public names where torch is imported already."""
    importlib.import_module("torch")
    yield
    package = importlib.import_module("cs336_basics")
    for name in package.__all__:
        getattr(package, name)
    yield
