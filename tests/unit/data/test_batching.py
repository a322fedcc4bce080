import math
from collections import Counter

import numpy as np
import pytest
import torch

from cs336_basics import get_batch

CONTEXT = 7


def generator(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_get_batch_targets_are_the_inputs_shifted_by_one():
    dataset = np.random.default_rng(7).permutation(101)
    inputs, targets = get_batch(dataset, 13, CONTEXT, "cpu", generator=generator())
    assert inputs.shape == targets.shape == (13, CONTEXT)
    assert inputs.dtype == targets.dtype == torch.int64
    following = dict(zip(dataset.tolist(), dataset.tolist()[1:], strict=False))
    for row in range(13):
        assert [following[id] for id in inputs[row].tolist()] == targets[row].tolist()


def test_get_batch_starts_are_uniform_over_all_that_fit():
    dataset = np.arange(101)
    num_starts, num_batches, batch_size = 101 - CONTEXT, 1000, 32
    counts = Counter()
    source = generator()
    for _ in range(num_batches):
        inputs, _ = get_batch(dataset, batch_size, CONTEXT, "cpu", generator=source)
        counts.update(inputs[:, 0].tolist())
    assert sorted(counts) == list(range(num_starts))  # the first and the last included
    probability, draws = 1 / num_starts, num_batches * batch_size
    deviation = math.sqrt(draws * probability * (1 - probability))
    for count in counts.values():
        assert abs(count - draws * probability) < 5 * deviation


def test_get_batch_of_the_shortest_dataset_has_one_window():
    inputs, targets = get_batch(np.arange(CONTEXT + 1), 3, CONTEXT, "cpu")
    assert inputs.tolist() == [list(range(CONTEXT))] * 3
    assert targets.tolist() == [list(range(1, CONTEXT + 1))] * 3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.int64])
def test_get_batch_reads_a_memory_map_of_any_integer_type(tmp_path, dtype):
    np.save(tmp_path / "ids.npy", np.arange(101, dtype=dtype))
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r")
    inputs, targets = get_batch(mapped, 5, CONTEXT, "cpu", generator=generator())
    assert torch.equal(inputs + 1, targets)
    expected, _ = get_batch(np.arange(101), 5, CONTEXT, "cpu", generator=generator())
    assert torch.equal(inputs, expected)


def test_get_batch_keeps_ids_above_the_signed_range():
    inputs, _ = get_batch(np.full(11, 65_535, dtype=np.uint16), 3, CONTEXT, "cpu")
    assert torch.equal(inputs, torch.full((3, CONTEXT), 65_535))


def test_get_batch_follows_its_generator():
    dataset = np.arange(1009)
    first, _ = get_batch(dataset, 5, CONTEXT, "cpu", generator=generator())
    again, _ = get_batch(dataset, 5, CONTEXT, "cpu", generator=generator())
    other, _ = get_batch(dataset, 5, CONTEXT, "cpu", generator=generator(11))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_get_batch_without_a_generator_follows_the_seed():
    batches = []
    for _ in range(2):
        torch.manual_seed(13)
        batches.append(get_batch(np.arange(1009), 5, CONTEXT, "cpu")[0])
    assert torch.equal(*batches)


def test_get_batch_puts_the_batch_on_the_device():
    inputs, targets = get_batch(np.arange(101), 5, CONTEXT, torch.device("meta"))
    assert inputs.device.type == targets.device.type == "meta"


@pytest.mark.parametrize("length", [1, CONTEXT - 1, CONTEXT])
def test_get_batch_of_too_short_a_dataset_names_what_is_needed(length):
    with pytest.raises(ValueError, match=rf"at least 8 here, but has {length};"):
        get_batch(np.arange(length), 3, CONTEXT, "cpu")


@pytest.mark.parametrize(
    ("dataset", "given"),
    [
        (np.zeros(101), r"float64 of shape \(101,\)"),
        (np.zeros(101, dtype=bool), r"bool of shape \(101,\)"),
        (np.zeros((11, 13), dtype=np.uint16), r"uint16 of shape \(11, 13\)"),
        (np.array(3), r"int64 of shape \(\)"),
    ],
)
def test_get_batch_refuses_what_is_not_one_axis_of_integers(dataset, given):
    with pytest.raises(ValueError, match=f"must be one axis of integers but is {given}"):
        get_batch(dataset, 3, CONTEXT, "cpu")


@pytest.mark.parametrize(("batch_size", "context"), [(0, 7), (-1, 7), (3, 0)])
def test_get_batch_refuses_an_empty_batch(batch_size, context):
    with pytest.raises(ValueError, match=f"at least 1 but are {batch_size} and {context}"):
        get_batch(np.arange(101), batch_size, context, "cpu")


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_get_batch_on_a_device_that_is_not_there_names_it(device):
    with pytest.raises((RuntimeError, AssertionError), match=f"'{device}' does not"):
        get_batch(np.arange(101), 3, CONTEXT, device)
