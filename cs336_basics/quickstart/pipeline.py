"""The main job from end to end: text, tokenizer, token files, training, evaluation, samples.

Each stage leaves files in the run folder and is passed over when they are there: an interrupted run
continues when it is started again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from cs336_basics.evaluation.held_out_loss import EvaluationResult
from cs336_basics.files.atomic import replace_file
from cs336_basics.generation.text import complete_texts
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.quickstart.compression import compress_with_lzma
from cs336_basics.quickstart.config import QuickstartConfig
from cs336_basics.quickstart.report import result_lines, samples_text
from cs336_basics.quickstart.texts_and_tokens import (
    QuickstartFiles,
    describe_text,
    prepare_text,
    prepare_tokenizer,
    prepare_tokens,
)
from cs336_basics.quickstart.time_budget import steps_within
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import matrix_gflops
from cs336_basics.training.hold import hold
from cs336_basics.training.loop import train
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.presets import PRESETS
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.start import open_run_data, prepare_run, settle_hardware
from cs336_basics.training.stop_signals import StopRequest
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.trained_run import read_run_config

JOB = "quickstart"
NOTES = ("corpus", "gflops")
# None ends with a space: a word takes the space before it into its token.
SAMPLE_PROMPTS = ("", "Return the", "Parameters\n----------\n", "This module", "If the argument is")
SAMPLING = {"max_new_tokens": 160, "temperature": 0.7, "top_p": 0.95, "seed": 0}


def quickstart(
    config: QuickstartConfig,
    *,
    say: Callable[[str], None],
    progress: bool = False,
    stop: StopRequest | None = None,
) -> None:
    """Do the main job and `say` what happens, a line at a time.

    While it trains, a signal that `stop` receives ends it after a checkpoint.
    """
    stop = StopRequest(enabled=False) if stop is None else stop
    run = RunFolder(config.run)
    run.create(job=JOB)
    files = QuickstartFiles(run)
    with hold(run):
        say("1/5 text: the documentation that comes with Python, torch and numpy")
        prepare_text(files, progress=progress)
        say("2/5 tokenizer: byte-level BPE, learned from the training part")
        tokenizer = prepare_tokenizer(files, PRESETS["quickstart"].model.vocab_size, progress=progress)
        prepare_tokens(files, tokenizer, progress=progress)
    say("3/5 settings")
    run_config, data = settle(config, files, tokenizer, say=say)
    say(
        f"4/5 training: {run_config.training.steps} steps of {run_config.tokens_per_step} tokens in "
        f"{run_config.training.precision}"
    )
    with stop:
        model = train(run_config, data, run, progress=progress, should_stop=stop)
    if stop():
        return
    say("5/5 samples, and lzma on the same bytes")
    samples = write_samples(files, model, tokenizer)
    result = final_result(run, data)
    compressed = compress_with_lzma(files.train_text, files.validation_text)
    bits_per_byte = result.bits_per_byte(files.validation_text.stat().st_size)
    for line in result_lines(result, bits_per_byte, compressed, samples, run.path):
        say(line)


def settle(
    config: QuickstartConfig, files: QuickstartFiles, tokenizer: Tokenizer, *, say: Callable[[str], None]
) -> tuple[RunConfig, TokenData]:
    """Fix the number of steps and everything else, and store it before the first step.

    A run that was started before keeps its stored number of steps, unless another one is asked for.
    """
    preset = PRESETS["quickstart"]
    model = replace(preset.model, vocab_size=tokenizer.vocab_size)
    run_config = settle_hardware(replace(preset, model=model), files.run)
    stored = read_run_config(files.run) if files.run.config.is_file() else None
    if config.steps is not None:
        steps = config.steps
    elif stored is not None:
        steps = stored.training.steps
        say(f"this run was started before with {steps} steps and keeps them; another --run has its own")
    else:
        steps = measured_steps(config.minutes, run_config, files)
    return prepare_run(
        replace(run_config, training=replace(run_config.training, steps=steps)),
        files.run,
        job=JOB,
        tokens=files.tokens,
        tokenizer=files.run.tokenizer,
        notes=new_notes(files) if stored is None else stored_notes(files.run),
    )


def measured_steps(minutes: float, config: RunConfig, files: QuickstartFiles) -> int:
    """Return how many steps of `config` take `minutes`."""
    return steps_within(minutes, config, open_run_data(config, files.tokens))


def new_notes(files: QuickstartFiles) -> dict[str, Any]:
    """Return what `config.json` tells besides: the text, and the speed of the CPU's matrix products."""
    gflops = {"fp32": round(matrix_gflops(torch.float32)), "bf16": round(matrix_gflops(torch.bfloat16))}
    return dict(zip(NOTES, (describe_text(files), gflops), strict=True))


def stored_notes(run: RunFolder) -> dict[str, Any]:
    """Return these notes as the `config.json` of a run has them."""
    content = run.read_config()
    return {name: content[name] for name in NOTES if name in content}


def final_result(run: RunFolder, data: TokenData) -> EvaluationResult:
    """Return the evaluation on the whole validation part that followed the last step."""
    loss = read_metrics(run.metrics)[-1]["validation_loss"]
    return EvaluationResult(total_nats=loss * len(data.validation), num_tokens=len(data.validation))


def write_samples(files: QuickstartFiles, model: TransformerLM, tokenizer: Tokenizer) -> str:
    """Let the model continue a few prompts, store and return the text."""
    continuations = complete_texts(model, tokenizer, list(SAMPLE_PROMPTS), **SAMPLING)
    text = samples_text(SAMPLE_PROMPTS, continuations)
    with replace_file(files.samples, "w") as file:
        file.write(text)
    return text
