"""Several processes: what they compute is what one computes, and what ends one ends all."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import psutil
import pytest

from cs336_basics.files.json_file import read_json
from tests.compiler import needs_compiler
from tests.integration.command import ONE_THREAD, files_below

if os.name == "nt":
    pytest.skip("torchrun's processes on Windows have no gloo to count on", allow_module_level=True)

from tests.integration.several_processes import environment, free_port

ROOT = Path(__file__).parents[2]
STEPS = 6
LAST = f"checkpoints/step-{STEPS:08d}"


def train_arguments(prepared: Path, run: Path, *options: object) -> list[str]:
    """A small run whose steps are large: 6 of them move weights by about 0.3."""
    arguments = (
        "train", "--train-tokens", prepared / "tokens.npy", "--run-folder", run, "--vocab-size", 300,
        "--d-model", 12, "--num-heads", 2, "--num-layers", 2, "--context-length", 8, "--batch-size", 12,
        "--steps", STEPS, "--warmup-steps", 1, "--learning-rate", 0.05, "--max-gradient-norm", 0.5,
        "--checkpoint-interval", 3, "--keep", 10, "--evaluation-interval", 3, "--evaluation-tokens", 200,
        "--device", "cpu", *options,
    )  # fmt: skip
    return [str(argument) for argument in arguments]


ONE_MACHINE = ("--standalone",)


def torchrun(
    count: int, arguments: Sequence[str], *, folder: Path, place: Sequence[object] = ONE_MACHINE
) -> subprocess.Popen[str]:
    """Start the command in `count` processes; what they write goes to a file."""
    options = [str(option) for option in ("--nproc-per-node", count, *place)]
    with open(folder / "output.txt", "w") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *options, "-m", "cs336_basics", *arguments],
            cwd=ROOT, env=ONE_THREAD, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def losses(run: Path) -> list[tuple[float, float | None]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    return [(line["loss"], line["validation_loss"]) for line in lines]


def largest_difference_of_losses(run: Path, other: Path) -> float:
    pairs = zip(losses(run), losses(other), strict=True)
    return max(
        abs(first - second)
        for both in pairs
        for first, second in zip(*both, strict=True)
        if first is not None and second is not None
    )


def largest_difference(run: Path, other: Path, name: str = "weights") -> float:
    """Return the largest difference of an entry of the last checkpoints' tensors."""
    from safetensors.torch import load_file

    tensors, others = (load_file(each / LAST / f"{name}.safetensors") for each in (run, other))
    assert tensors.keys() == others.keys()
    return max((tensors[key] - others[key]).abs().max().item() for key in tensors)


def first_half(run: Path, copy: Path) -> None:
    """Copy a run as it was after half of its steps."""
    shutil.copytree(run, copy)
    shutil.rmtree(copy / LAST)
    for pointer in ("latest", "best"):
        (copy / "checkpoints" / pointer).write_text(f"step-{STEPS // 2:08d}\n")


def test_two_processes_compute_what_one_computes(prepared, command, tmp_path):
    alone, ddp, fsdp = (tmp_path / name for name in ("alone", "ddp", "fsdp"))
    exact = ("--precision", "fp64")
    in_parts = (*exact, "--parallel", "fsdp", "--accumulation-steps", 3)
    of_two = [train_arguments(prepared, ddp, *exact), train_arguments(prepared, fsdp, *in_parts)]
    assert command.give_all({1: [train_arguments(prepared, alone, *exact)], 2: of_two}) == 0
    output = command.output.read_text()
    for run in (ddp, fsdp):
        assert largest_difference_of_losses(run, alone) < 1e-12
        assert largest_difference(run, alone) < 1e-12
        assert largest_difference(run, alone, "optimizer") < 1e-12
        assert files_below(run) == files_below(alone)
        assert output.count(f"metrics, picture and checkpoints are in {run}") == 1
    lines = [line for line in output.splitlines() if line.startswith("memory: about ")]
    assert ["in each process" in line for line in lines].count(True) == 2
    assert [", whole weights " in line for line in lines].count(True) == 1  # fsdp's


FORMS = [(form, parts) for form in ("ddp", "fsdp") for parts in (1, 2)]


@pytest.mark.endurance
def test_every_form_and_count_computes_what_one_process_computes(prepared, command, tmp_path):
    groups = {1: [], 2: [], 3: []}
    tolerances = {"fp32": 1e-5, "fp64": 1e-12}
    for precision in tolerances:
        groups[1].append(train_arguments(prepared, tmp_path / precision, "--precision", precision))
        for count, (form, parts) in product((2, 3), FORMS):
            run = tmp_path / f"{precision} {count} {form} {parts}"
            options = ("--precision", precision, "--parallel", form, "--accumulation-steps", parts)
            groups[count].append(train_arguments(prepared, run, *options))
    assert command.give_all(groups) == 0, command.output.read_text()
    for precision, count, (form, parts) in product(tolerances, (2, 3), FORMS):
        run = tmp_path / f"{precision} {count} {form} {parts}"
        difference = largest_difference_of_losses(run, tmp_path / precision)
        of_weights = largest_difference(run, tmp_path / precision)
        print(f"{run.name}: losses {difference:.1e}, weights {of_weights:.1e}")
        assert difference < tolerances[precision]
        if precision == "fp64":
            assert of_weights < tolerances[precision]


@needs_compiler
@pytest.mark.endurance
def test_two_compiled_processes_compute_what_one_computes_without_a_compiler(prepared, command, tmp_path):
    for_kernel = ("--d-model", 220)  # matrices of 65,536 entries and more, which AdamW's kernel takes
    exact = (*for_kernel, "--learning-rate", 0.001, "--precision", "fp64")
    alone, ddp, fsdp = (tmp_path / name for name in ("alone", "ddp", "fsdp"))
    compiled = (*exact, "--accumulation-steps", 3, "--compile")
    of_two = [
        train_arguments(prepared, ddp, *compiled),
        train_arguments(prepared, fsdp, *compiled, "--parallel", "fsdp"),
    ]
    assert command.give_all({1: [train_arguments(prepared, alone, *exact)], 2: of_two}) == 0
    assert "going on without compiling" not in command.output.read_text()
    for run in (ddp, fsdp):
        assert largest_difference_of_losses(run, alone) < 1e-12
        assert largest_difference(run, alone) < 1e-12


@pytest.mark.endurance
def test_two_machines_compute_what_one_process_computes(prepared, command, tmp_path):
    alone, run, port = tmp_path / "alone", tmp_path / "run", free_port()
    command.succeed(train_arguments(prepared, alone, "--precision", "fp64"))
    arguments = train_arguments(prepared, run, "--precision", "fp64", "--parallel", "fsdp")
    machines = []
    for rank in range(2):
        place = ("--nnodes", 2, "--node-rank", rank, "--master-addr", "127.0.0.1", "--master-port", port)
        (tmp_path / str(rank)).mkdir()
        machines.append(torchrun(2, arguments, folder=tmp_path / str(rank), place=place))
    assert [machine.wait(timeout=120) for machine in machines] == [0, 0]
    assert largest_difference(run, alone) < 1e-12
    assert largest_difference_of_losses(run, alone) < 1e-12
    outputs = [(tmp_path / str(rank) / "output.txt").read_text() for rank in range(2)]
    assert ["metrics, picture and checkpoints" in output for output in outputs] == [True, False]


@pytest.mark.endurance
def test_a_run_continues_with_another_number_of_processes(prepared, command, tmp_path):
    def arguments(run: str, *options: str) -> list[str]:
        return train_arguments(prepared, tmp_path / run, "--precision", "fp64", *options)

    forms = {"ddp": ("--parallel", "ddp"), "fsdp": ("--parallel", "fsdp")}
    assert torchrun(2, arguments("ddp", *forms["ddp"]), folder=tmp_path).wait(timeout=120) == 0
    assert command.give_all({2: [arguments("fsdp", *forms["fsdp"])]}) == 0
    continued = [(begun, form) for begun in forms for form in ("alone", *forms)]
    for begun, form in continued:
        first_half(tmp_path / begun, tmp_path / f"{begun}, then {form}")
    alone = [arguments(f"{begun}, then alone") for begun in forms]
    of_three = [arguments(f"{begun}, then {form}", *forms[form]) for begun in forms for form in forms]
    assert command.give_all({1: alone, 3: of_three}) == 0, command.output.read_text()
    for begun, form in continued:
        whole, run = tmp_path / begun, tmp_path / f"{begun}, then {form}"
        assert largest_difference(run, whole) < 1e-12, run.name
        assert largest_difference(run, whole, "optimizer") < 1e-12, run.name
        assert largest_difference_of_losses(run, whole) < 1e-12, run.name


@pytest.mark.endurance
def test_a_run_stopped_in_an_evaluation_continues_with_another_number_of_processes(
    prepared, command, tmp_path
):
    def arguments(run: str, *options: object) -> list[str]:
        every_token = ("--evaluation-tokens", None, "--validation-tokens", tmp_path / "long.npy")
        return train_arguments(prepared, tmp_path / run, "--precision", "fp64", *every_token, *options)

    np.save(tmp_path / "long.npy", np.arange(50_000, dtype=np.uint16) % 300)  # takes half a second
    command.succeed(arguments("whole"))
    metrics = str(tmp_path / "stopped/metrics.jsonl")
    at_line_2 = {"signal": signal.SIGTERM, "after": 0.05, "waiting_for": metrics, "lines": 2}
    assert command(arguments("stopped"), **at_line_2) == 143
    assert (tmp_path / "stopped/checkpoints/latest").read_text() == "step-00000003-unvalidated\n"
    for form in ("ddp", "fsdp"):
        shutil.copytree(tmp_path / "stopped", tmp_path / form)
    groups = {2: [arguments("ddp", "--parallel", "ddp")], 3: [arguments("fsdp", "--parallel", "fsdp")]}
    assert command.give_all(groups) == 0, command.output.read_text()
    for run in (tmp_path / "ddp", tmp_path / "fsdp"):
        assert largest_difference(run, tmp_path / "whole") < 1e-12, run.name
        assert largest_difference_of_losses(run, tmp_path / "whole") < 1e-12, run.name


@pytest.mark.endurance
def test_variants_train_with_several_processes(prepared, command, tmp_path):
    variants = {
        "tied and softcapped": ("--tie-embeddings", "--logit-softcap", 9.0),
        "recomputed": ("--recompute",),
        "muon": ("--optimizer", "muon"),
        "qk-norm, post-norm": ("--qk-norm", "--norm", "post", "--attention", "chunked"),
    }
    commands = {1: [], 2: []}
    for name, options in variants.items():
        commands[1].append(train_arguments(prepared, tmp_path / name, "--precision", "fp64", *options))
        for form in ("ddp", "fsdp"):
            if (name, form) != ("muon", "fsdp"):
                run = tmp_path / f"{name} {form}"
                options_of_run = ("--precision", "fp64", "--parallel", form, *options)
                commands[2].append(train_arguments(prepared, run, *options_of_run))
    assert command.give_all(commands) == 0, command.output.read_text()
    for name in variants:
        for run in tmp_path.glob(f"{name} *"):
            assert largest_difference(run, tmp_path / name) < 1e-12, run.name


@pytest.mark.endurance
def test_what_processes_cannot_do_is_refused(prepared, command, tmp_path):
    alone = train_arguments(prepared, tmp_path / "alone", "--parallel", "fsdp")
    of_two = [
        train_arguments(prepared, tmp_path / "run", *options)
        for options in (("--accumulation-steps", 4), ("--parallel", "fsdp", "--optimizer", "muon"))
    ]
    assert command.give_all({1: [alone], 2: of_two}) == 1
    output = command.output.read_text()
    for sentence, processes in (
        ("several processes are started by torchrun but this one was not", 1),
        ("must be a multiple of processes times accumulation_steps but 12 is not a multiple of 2", 2),
        ("needs whole matrices; take adamw, or ddp", 2),
    ):
        assert output.count(sentence) == processes
    assert not (tmp_path / "alone").exists()


def wait_for_a_line(file: Path, *, processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until there is a line in the file."""
    deadline = time.monotonic() + 120
    while not file.exists() or not file.read_bytes():
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < deadline
        time.sleep(0.05)


def start_endless(count: int, prepared: Path, folder: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start processes of a run that will not end by itself, and wait until it is under way."""
    run = folder / "run"
    arguments = train_arguments(prepared, run, "--steps", 10**6, "--checkpoint-interval", 10**6)
    started = torchrun(count, arguments, folder=folder)
    wait_for_a_line(run / "metrics.jsonl", processes=[started])
    return started, run


@pytest.mark.endurance
@pytest.mark.parametrize(("count", "rank"), [(2, 0), (3, 2)])
def test_when_one_process_dies_the_others_end_within_a_minute(prepared, tmp_path, count, rank):
    torchrun_process, _ = start_endless(count, prepared, tmp_path)
    children = psutil.Process(torchrun_process.pid).children()
    [victim] = [child for child in children if child.environ().get("RANK") == str(rank)]
    victim.kill()
    assert torchrun_process.wait(timeout=60) != 0
    _, alive = psutil.wait_procs(children, timeout=1)
    assert not alive


@pytest.mark.endurance
@pytest.mark.parametrize(("number", "count"), [(signal.SIGTERM, 3), (signal.SIGINT, 2)])
def test_a_signal_to_torchrun_saves_what_all_have_computed(prepared, tmp_path, number, count):
    torchrun_process, run = start_endless(count, prepared, tmp_path)
    torchrun_process.send_signal(number)
    torchrun_process.wait(timeout=60)
    assert_saved_and_said_once(run, number)


def assert_saved_and_said_once(run: Path, number: signal.Signals) -> None:
    """The steps of the metrics are saved, in an evaluation one more; one process has said how to continue."""
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, len(steps) + 1))
    latest = (run / "checkpoints/latest").read_text().strip()
    step = len(steps) + latest.endswith("-unvalidated")
    assert latest.removesuffix("-unvalidated") == f"step-{step:08d}"
    assert read_json(run / "checkpoints" / latest / "state.json")["tokens"] == step * 12 * 8
    output = (run.parent / "output.txt").read_text()
    assert output.count(f"stopped by {number.name}; give the same command again to continue") == 1


@pytest.mark.endurance
def test_a_signal_to_one_process_in_an_evaluation_ends_all_with_its_status(prepared, tmp_path):
    run, port, tokens = tmp_path / "run", free_port(), tmp_path / "long.npy"
    np.save(tokens, np.zeros(100_000_000, np.uint16))  # would take hours
    long_evaluation = ("--evaluation-interval", 1, "--evaluation-tokens", None, "--validation-tokens", tokens)
    arguments = train_arguments(prepared, run, "--parallel", "fsdp", *long_evaluation)
    with open(tmp_path / "output.txt", "w") as output:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "cs336_basics", *arguments],
                env={**ONE_THREAD, **environment(each, 2, port)}, stdout=output, stderr=output, text=True,
            )
            for each in range(2)
        ]  # fmt: skip
    wait_for_a_line(run / "config.json", processes=processes)
    while not (run / "metrics.jsonl").exists():
        time.sleep(0.05)
    time.sleep(2)  # the first step, and into the evaluation
    processes[1].send_signal(signal.SIGTERM)
    assert [process.wait(timeout=60) for process in processes] == [143, 143]
    assert_saved_and_said_once(run, signal.SIGTERM)
    assert (run / "checkpoints/latest").read_text() == "step-00000001-unvalidated\n"
