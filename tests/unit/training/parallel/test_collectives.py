import pytest
import torch

from cs336_basics.training.parallel.data_parallel import DataParallel


@pytest.mark.parametrize("num_items", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("count", [2, 3])
def test_each_item_is_computed_by_one_process_and_all_call_equally_often(monkeypatch, num_items, count):
    partial_results: list[torch.Tensor] = []
    monkeypatch.setattr("torch.distributed.all_reduce", partial_results.append)
    num_calls = []
    for rank in range(count):
        process = DataParallel.__new__(DataParallel)  # without a group
        process.rank, process.count = rank, count
        calls: list[int] = []
        process.map(lambda item, calls=calls: calls.append(item) or item + 0.5, range(num_items))
        num_calls.append(len(calls))
    assert num_calls == [-(-num_items // count)] * count
    given = torch.stack(partial_results)
    assert given.sum(dim=0).tolist() == [item + 0.5 for item in range(num_items)]
    assert ((given != 0).sum(dim=0) == 1).all()
