"""`cs336 account` as a user sees it."""

import subprocess
import sys

import pytest


def test_account_of_a_preset_with_other_sizes(quick_cs336, tmp_path):
    result = quick_cs336(
        "account", "--preset", "gpt2-xl", "--d-ff", "6400", "--batch", "1024", "--peak-tflops", "19.5",
        "--dtype", "bf16", "--attention", "reference", "--loss", "plain", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("2,127,057,600 parameters")
    assert "batch 1,024 of 1,024 tokens, bf16, reference attention, plain loss" in result.stdout
    assert ["400,000", "steps", "6,584", "days"] in [line.split() for line in result.stdout.splitlines()]
    assert max(map(len, result.stdout.splitlines())) <= 110


def test_account_of_one_of_several_processes(quick_cs336, tmp_path):
    result = quick_cs336("account", "--processes", "8", "--parallel", "fsdp", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["weights", "820", "MB"] in rows
    assert ["state", "of", "adamw", "1.64", "GB"] in rows
    assert ["when", "a", "run", "continues,", "at", "its", "start", "22.1", "GB"] in rows
    assert max(map(len, result.stdout.splitlines())) <= 110


def test_account_needs_no_torch(tmp_path):
    script = (
        "import sys\nfrom cs336_basics.cli.main import main\nmain(['account', '--preset', 'owt'])\n"
        "assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("45,224,448 parameters")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch", "3", "--accumulation-steps", "2"), "2 does not divide 3"),
        (("--batch", "0"), "--batch-size must be at least 1 but is 0"),
        (("--num-heads", "7"), "--d-model must be a multiple of --num-heads"),
        (("--processes", "0"), "at least 1 process but there are 0"),
        (("--parallel", "fsdp", "--optimizer", "muon"), "needs whole matrices; take adamw, or ddp"),
        (("--memory-gb", "inf"), "--memory-gb must be positive and finite but is inf"),
        (("--peak-tflops", "0"), "--peak-tflops must be positive and finite but is 0.0"),
        (("--steps", "-3"), "--steps must be at least 1 but is -3"),
        (("--utilization", "1.5"), "--utilization must be in (0, 1] but is 1.5"),
        (("--preset", "gpt3"), "gpt3"),
    ],
)
def test_account_of_what_cannot_be_is_an_error(quick_cs336, tmp_path, arguments, message):
    result = quick_cs336("account", *arguments, cwd=tmp_path)
    assert result.returncode in (1, 2)
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr
