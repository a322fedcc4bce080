from dataclasses import replace

import pytest
import torch

from cs336_basics.training.hardware import (
    autocast,
    describe_machine,
    matrix_gflops,
    resolve_device,
    resolve_hardware,
)
from tests.unit.training.small_run import CONFIG


def test_auto_becomes_a_device_and_a_precision():
    resolved = resolve_hardware(replace(CONFIG.training, device="auto", precision="auto"))
    assert resolved.device in ("cpu", "cuda", "mps")
    assert resolved.precision in ("fp32", "bf16")


def test_what_is_named_stays():
    assert resolve_hardware(CONFIG.training) == CONFIG.training


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'cuda' does not; here: .*cpu"):
        resolve_device("cuda")


def test_matrix_products_have_a_speed():
    assert matrix_gflops(torch.float32, seconds=0.01) > 0


def test_autocast_decides_the_type_of_products():
    matrix = torch.ones(2, 2)
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with autocast(replace(CONFIG.training, precision=precision)):
            assert (matrix @ matrix).dtype == dtype


def test_the_machine_is_described():
    machine = describe_machine()
    assert machine["torch"] == torch.__version__
    assert machine["processor"]


def test_a_name_that_no_device_has_is_refused():
    with pytest.raises(ValueError, match="'cuda:0' does not; here: "):
        resolve_device("cuda:0")
