"""What the quickstart says at its end."""

from collections.abc import Iterable
from pathlib import Path

from cs336_basics.evaluation.held_out_loss import EvaluationResult
from cs336_basics.quickstart.compression import CompressionResult


def samples_text(prompts: Iterable[str], continuations: Iterable[str]) -> str:
    """Return prompts and continuations, a dashed line between two samples."""
    samples = [prompt + continuation for prompt, continuation in zip(prompts, continuations, strict=True)]
    return f"\n{'-' * 60}\n".join(samples) + "\n"


def result_lines(
    result: EvaluationResult, bits_per_byte: float, compressed: CompressionResult, samples: str, run: Path
) -> list[str]:
    """Return the samples, the measurements beside lzma's, and what to try next."""
    return [
        "",
        samples,
        f"validation loss {result.loss:.3f} nats per token, perplexity {result.perplexity:.1f}, "
        f"{result.num_tokens:,} tokens",
        f"this model:                                  {bits_per_byte:.3f} bits per byte",
        f"lzma on the validation text alone:           {compressed.alone:.3f} bits per byte",
        f"lzma that has seen the training text before: {compressed.after_training_text:.3f} bits per byte",
        "",
        f"Everything is in {run}; look at loss.png and metrics.jsonl",
        "",
        "Try next:",
        f'  uv run cs336 generate {run} --prompt "Return the"',
        f"  uv run cs336 evaluate {run} --text README.md",
        f"  uv run cs336 quickstart --minutes 20 --run {run}-longer",
        "  uv run cs336 train --help",
    ]
