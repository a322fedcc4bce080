"""A Transformer language model built from scratch: byte-level BPE, model, optimizer, training, generation.

The public names below are imported when they are first used, so that the tokenizer never loads torch.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cs336_basics.checkpoint.single_file import load_checkpoint as load_checkpoint
    from cs336_basics.checkpoint.single_file import save_checkpoint as save_checkpoint
    from cs336_basics.data.batching import get_batch as get_batch
    from cs336_basics.evaluation.held_out_loss import EvaluationResult as EvaluationResult
    from cs336_basics.evaluation.held_out_loss import evaluate as evaluate
    from cs336_basics.functional.activation import silu as silu
    from cs336_basics.functional.activation import softmax as softmax
    from cs336_basics.functional.attention import scaled_dot_product_attention as scaled_dot_product_attention
    from cs336_basics.functional.chunked_attention import chunked_causal_attention as chunked_causal_attention
    from cs336_basics.functional.chunked_loss import chunked_cross_entropy as chunked_cross_entropy
    from cs336_basics.functional.loss import cross_entropy as cross_entropy
    from cs336_basics.functional.loss import perplexity as perplexity
    from cs336_basics.functional.rope import rope as rope
    from cs336_basics.functional.rope import rope_frequencies as rope_frequencies
    from cs336_basics.functional.rope import rope_tables as rope_tables
    from cs336_basics.generation.decoding import generate as generate
    from cs336_basics.generation.decoding import stream_tokens as stream_tokens
    from cs336_basics.nn.attention import MultiHeadSelfAttention as MultiHeadSelfAttention
    from cs336_basics.nn.block import TransformerBlock as TransformerBlock
    from cs336_basics.nn.config import ModelConfig as ModelConfig
    from cs336_basics.nn.embedding import Embedding as Embedding
    from cs336_basics.nn.kv_cache import KeyValueCache as KeyValueCache
    from cs336_basics.nn.linear import Linear as Linear
    from cs336_basics.nn.rmsnorm import RMSNorm as RMSNorm
    from cs336_basics.nn.swiglu import SwiGLU as SwiGLU
    from cs336_basics.nn.transformer_lm import TransformerLM as TransformerLM
    from cs336_basics.optim.adamw import AdamW as AdamW
    from cs336_basics.optim.clipping import clip_gradients as clip_gradients
    from cs336_basics.optim.muon import Muon as Muon
    from cs336_basics.optim.schedule import constant_schedule as constant_schedule
    from cs336_basics.optim.schedule import cosine_schedule as cosine_schedule
    from cs336_basics.optim.schedule import wsd_schedule as wsd_schedule
    from cs336_basics.optim.sgd import SGD as SGD
    from cs336_basics.tokenization.bpe_training import train_bpe as train_bpe
    from cs336_basics.tokenization.tokenizer import Tokenizer as Tokenizer

_MODULE_OF = {
    "AdamW": "optim.adamw",
    "Embedding": "nn.embedding",
    "EvaluationResult": "evaluation.held_out_loss",
    "KeyValueCache": "nn.kv_cache",
    "Linear": "nn.linear",
    "ModelConfig": "nn.config",
    "MultiHeadSelfAttention": "nn.attention",
    "Muon": "optim.muon",
    "RMSNorm": "nn.rmsnorm",
    "SGD": "optim.sgd",
    "SwiGLU": "nn.swiglu",
    "Tokenizer": "tokenization.tokenizer",
    "TransformerBlock": "nn.block",
    "TransformerLM": "nn.transformer_lm",
    "chunked_causal_attention": "functional.chunked_attention",
    "chunked_cross_entropy": "functional.chunked_loss",
    "clip_gradients": "optim.clipping",
    "constant_schedule": "optim.schedule",
    "cosine_schedule": "optim.schedule",
    "cross_entropy": "functional.loss",
    "evaluate": "evaluation.held_out_loss",
    "generate": "generation.decoding",
    "get_batch": "data.batching",
    "load_checkpoint": "checkpoint.single_file",
    "perplexity": "functional.loss",
    "rope": "functional.rope",
    "rope_frequencies": "functional.rope",
    "rope_tables": "functional.rope",
    "save_checkpoint": "checkpoint.single_file",
    "scaled_dot_product_attention": "functional.attention",
    "silu": "functional.activation",
    "softmax": "functional.activation",
    "stream_tokens": "generation.decoding",
    "train_bpe": "tokenization.bpe_training",
    "wsd_schedule": "optim.schedule",
}

__all__ = list(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
