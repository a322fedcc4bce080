import os
import platform
import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from cs336_basics.accounting import Batch, estimate_memory
from cs336_basics.accounting.engines import engine_of
from cs336_basics.accounting.readable import with_unit
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import memory_of_device
from cs336_basics.training.memory import (
    NotEnoughMemoryError,
    describe_memory,
    explained_out_of_memory,
    memory_of_run,
    warn_of_too_little_memory,
)
from cs336_basics.training.parallel.collectives import TorchrunProcesses
from cs336_basics.training.parallel.data_parallel import DataParallel
from cs336_basics.training.parallel.fully_sharded import FullySharded
from cs336_basics.training.processes import ONE_PROCESS, Processes
from tests.unit.training.small_run import CONFIG, with_training

LONG = replace(CONFIG, model=replace(CONFIG.model, context_length=127))  # activations decide

TRAINS_A_LARGE_MODEL = """
import sys
from dataclasses import replace
from pathlib import Path
from cs336_basics.training.loop import train
from tests.unit.training.small_run import CONFIG, run_folder, token_data, with_training
config = replace(CONFIG, model=replace(CONFIG.model, d_ff=1 << 28))  # 8.6 GB for each matrix
try:
    train(config, token_data(), run_folder(Path(sys.argv[1])))
except RuntimeError as error:
    print(type(error).__name__, error)
"""


def numpy_s_own() -> MemoryError:
    try:
        np.empty(1 << 58)
    except MemoryError as error:
        return error
    pytest.fail("NumPy has found 2 EiB")


def test_the_estimate_is_that_of_accounting_for_one_process():
    expected = estimate_memory(CONFIG.model, Batch(batch_size=6, seq=7), accumulation_steps=3)
    assert memory_of_run(with_training(accumulation_steps=3)) == expected
    with_recompute = memory_of_run(with_training(recompute=True))
    assert with_recompute.activations < memory_of_run(CONFIG).activations
    sentence = describe_memory(CONFIG)
    assert sentence.startswith("memory: about ")
    assert "weights 6.30 kB, gradients 6.30 kB, optimizer 12.6 kB, activations" in sentence


def one_of_two(engine: type[TorchrunProcesses]) -> TorchrunProcesses:
    """Return a process without a group."""
    process = engine.__new__(engine)
    process.rank, process.count = 0, 2
    return process


@pytest.mark.parametrize(("engine", "name"), [(DataParallel, "ddp"), (FullySharded, "fsdp")])
def test_the_estimate_is_that_of_each_of_two_processes(engine, name):
    batch = Batch(batch_size=3, seq=7)  # CONFIG has 6
    expected = estimate_memory(CONFIG.model, batch, engine=engine_of(name, 2), accumulation_steps=3)
    config = with_training(accumulation_steps=3)
    assert memory_of_run(config, one_of_two(engine)) == expected != memory_of_run(config)
    assert " in each process at the peak" in describe_memory(config, one_of_two(engine))


def test_the_line_says_what_fsdp_needs_when_it_has_everything_whole():
    config = replace(CONFIG, model=replace(CONFIG.model, d_model=256, num_layers=8))
    estimate = memory_of_run(config, one_of_two(FullySharded))
    line = describe_memory(config, one_of_two(FullySharded))
    assert f", whole weights {with_unit(estimate.gathered, 'B')}" in line
    assert f"), {with_unit(estimate.start, 'B')} when a run continues, besides" in line
    assert "when a run continues" not in describe_memory(config, one_of_two(DataParallel))


def test_the_estimate_is_that_of_the_optimizer_and_the_parts_chosen():
    config = replace(
        CONFIG,
        model=replace(CONFIG.model, norm="post", ffn="relu2", tie_embeddings=True),
        optimizer=replace(CONFIG.optimizer, optimizer="muon"),
    )
    expected = estimate_memory(config.model, Batch(batch_size=6, seq=7), optimizer="muon")
    assert memory_of_run(config) == expected != memory_of_run(CONFIG)
    assert describe_memory(config).startswith("memory: about ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks for the gaps of glibc's heap")
def test_on_a_cpu_the_line_counts_the_gaps_of_the_heap_and_elsewhere_it_does_not():
    large = replace(CONFIG, model=replace(CONFIG.model, context_length=512))
    estimate = memory_of_run(large)
    assert estimate.resident_peak == estimate.peak + estimate.heap_gaps > estimate.peak
    on_cpu = describe_memory(replace(large, training=replace(large.training, device="cpu")))
    on_cuda = describe_memory(replace(large, training=replace(large.training, device="cuda")))
    assert on_cpu.startswith(f"memory: about {with_unit(estimate.resident_peak, 'B')} at")
    assert on_cuda.startswith(f"memory: about {with_unit(estimate.peak, 'B')} at")
    assert ("gaps" in on_cpu, "gaps" in on_cuda) == (True, False)


def test_float64_takes_twice_the_memory():
    single, double = memory_of_run(CONFIG), memory_of_run(with_training(precision="fp64"))
    assert double.peak == 2 * single.peak
    assert double.heap_gaps == pytest.approx(2 * single.heap_gaps, abs=1)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you"),
        MemoryError("Unable to allocate 5 TiB"),
        numpy_s_own(),
    ],
)
def test_out_of_memory_names_the_settings_to_change(error):
    with pytest.raises(NotEnoughMemoryError) as caught, explained_out_of_memory(LONG):
        raise error
    sentence = str(caught.value)
    assert str(error).split("\n")[0] in sentence
    for setting in ("accumulation_steps (now 1, a divisor of 6)", "recompute", "batch_size (now 6)", "model"):
        assert setting in sentence
    assert "\n" not in sentence


def suggested(config: RunConfig, processes: Processes = ONE_PROCESS) -> str:
    with pytest.raises(NotEnoughMemoryError) as caught, explained_out_of_memory(config, processes):
        raise MemoryError
    return str(caught.value).partition("; ")[2]


def test_settings_that_are_at_their_end_are_not_suggested():
    at_their_end = replace(LONG.training, recompute=True, accumulation_steps=6)
    sentence = suggested(replace(LONG, training=at_their_end))
    assert "accumulation_steps" not in sentence
    assert "recompute" not in sentence
    assert "a smaller model" in sentence


@pytest.mark.parametrize("engine", [DataParallel, FullySharded])
def test_accumulation_is_suggested_where_it_saves_memory(engine):
    assert "accumulation_steps (now 1, a divisor of 3)" in suggested(LONG, one_of_two(engine))
    wide = replace(CONFIG, model=replace(CONFIG.model, d_model=256))  # weights decide, not activations
    assert "accumulation_steps" not in suggested(wide, one_of_two(engine))


def test_where_only_weights_decide_only_a_smaller_model_is_suggested():
    words = replace(CONFIG, model=replace(CONFIG.model, vocab_size=30_011, d_model=256, context_length=1))
    assert suggested(words) == "take a smaller model"


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), explained_out_of_memory(CONFIG):
        raise RuntimeError("shapes differ")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the memory of a process")
def test_a_process_without_memory_ends_with_the_advice(tmp_path):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

    result = subprocess.run(
        [sys.executable, "-c", TRAINS_A_LARGE_MODEL, tmp_path],
        preexec_fn=limit, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert result.stdout.startswith("NotEnoughMemoryError training needs more memory than there is"), result
    assert "a smaller model" in result.stdout


@pytest.mark.parametrize("there", [None, 1 << 60])
def test_memory_that_is_there_or_not_known_is_no_warning(monkeypatch, there):
    monkeypatch.setattr("cs336_basics.training.memory.memory_of_device", lambda device: there)
    warn_of_too_little_memory(CONFIG)


def test_memory_that_is_not_there_is_a_warning_with_what_can_be_changed(monkeypatch):
    monkeypatch.setattr("cs336_basics.training.memory.memory_of_device", lambda device: 1009)
    with pytest.warns(
        UserWarning, match=r"more memory than there is \(about .*B of 1\.01 kB\); take .* smaller"
    ):
        warn_of_too_little_memory(CONFIG)


def test_several_processes_of_a_machine_share_its_memory(monkeypatch):
    needed = memory_of_run(CONFIG).resident_peak
    monkeypatch.setattr("cs336_basics.training.memory.memory_of_device", lambda device: 3 * needed)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    warn_of_too_little_memory(CONFIG)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "5")
    with pytest.warns(UserWarning, match="more memory than there is"):
        warn_of_too_little_memory(CONFIG)


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("1009\n")
    (tmp_path / "none").write_text("max\n")
    limits = (tmp_path / "missing", tmp_path / "none", tmp_path / "memory.max")
    monkeypatch.setattr("cs336_basics.training.hardware.CONTAINER_LIMITS", limits)
    if hasattr(os, "sysconf"):
        assert memory_of_device("cpu") == 1009


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="Windows does not tell")
def test_the_memory_of_this_machine_is_known():
    there = memory_of_device("cpu")
    assert there is not None
    assert 1 << 28 < there < 1 << 50
