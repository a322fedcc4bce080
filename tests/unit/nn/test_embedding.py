import pytest
import torch
from torch.nn import functional

from cs336_basics import Embedding
from cs336_basics.nn.embedding import check_ids

VOCAB, D_MODEL = 11, 7


@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (2, 3, 5)], ids=str)
def test_embedding_equals_torch_for_ids_of_any_shape(leading):
    embedding = Embedding(VOCAB, D_MODEL)
    ids = torch.randint(VOCAB, leading)
    assert torch.equal(embedding(ids), functional.embedding(ids, embedding.weight))


def test_embedding_has_the_gradient_of_torch():
    embedding = Embedding(VOCAB, D_MODEL)
    ids = torch.tensor([[3, 3, 10], [0, 3, 5]])
    upstream = torch.randn(2, 3, D_MODEL)
    (embedding(ids) * upstream).sum().backward()
    reference = embedding.weight.detach().clone().requires_grad_()
    (functional.embedding(ids, reference) * upstream).sum().backward()
    torch.testing.assert_close(embedding.weight.grad, reference.grad)


@pytest.mark.parametrize("wrong", [-1, VOCAB, -VOCAB, 1000])
def test_embedding_of_an_id_outside_the_vocabulary_names_id_and_size(wrong):
    with pytest.raises(IndexError, match=rf"0\.\.10 for a vocabulary of 11 but got {wrong};"):
        Embedding(VOCAB, D_MODEL)(torch.tensor([[0, wrong, 5]]))


def test_embedding_of_the_first_and_the_last_id_works():
    embedding = Embedding(VOCAB, D_MODEL)
    assert torch.equal(embedding(torch.tensor([0, VOCAB - 1])), embedding.weight[[0, VOCAB - 1]])


def test_embedding_starts_from_a_unit_normal_cut_at_three_sigma():
    weight = Embedding(997, 601).weight
    assert 2.9 < weight.abs().max().item() <= 3
    assert weight.mean().item() == pytest.approx(0, abs=0.01)
    assert weight.var().item() == pytest.approx(0.9733, rel=0.01)


def test_embedding_has_one_weight():
    shapes = {name: tuple(weight.shape) for name, weight in Embedding(VOCAB, D_MODEL).state_dict().items()}
    assert shapes == {"weight": (VOCAB, D_MODEL)}


def test_check_ids_accepts_no_ids_at_all():
    check_ids(torch.empty(0, dtype=torch.long), VOCAB)


def test_embedding_prints_its_sizes():
    assert str(Embedding(VOCAB, D_MODEL)) == "Embedding(num_embeddings=11, embedding_dim=7)"


def test_the_gradient_is_the_same_each_time_with_several_threads():
    num_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        embedding = Embedding(5, 256)
        ids = torch.randint(5, (61, 67))
        upstream = torch.randn(61, 67, 256)
        gradients = []
        for _ in range(5):
            embedding.weight.grad = None
            embedding(ids).backward(upstream)
            gradients.append(embedding.weight.grad)
        assert all(torch.equal(gradient, gradients[0]) for gradient in gradients)
    finally:
        torch.set_num_threads(num_threads)
