"""All rules by which weights get their first values, one named function for each.

A weight matrix has the shape `(fan_out, fan_in)`; below, `in` and `out` stand for these two numbers. A rule
fills the weight in place and draws from `generator`, or from torch's own generator where none is given.

| rule               | distribution                       | variance before the cut | variance after       | parameters  | used for                                  | source |
| ------------------ | ---------------------------------- | ----------------------- | -------------------- | ----------- | ----------------------------------------- | ------ |
| `trunc_normal`     | normal, cut at 3 sigma             | 2 / (in + out)          | 0.973 (0.987 sigma)  | in, out     | the default of each linear layer          | CS336 handout, section 3.4; Glorot's variance |
| `embedding_normal` | normal, cut at 3 sigma             | 1                       | 0.973 (0.987 sigma)  | none        | the embedding, whatever the matrices take | CS336 handout, section 3.4 |
| `trunc_normal_002` | normal, cut at 2 sigma             | 0.02^2                  | 0.774 (0.880 sigma)  | none        | GPT-like and BERT-like models             | Devlin et al. 2018, their code |
| `normal`           | normal                             | 0.02^2                  | no cut               | none        | GPT-2                                     | Radford et al. 2019, their code |
| `uniform`          | uniform on +-1/sqrt(in)            | 1 / (3 in)              | no cut               | in          | what `torch.nn.Linear` does               | LeCun et al. 1998, section 4.6 |
| `xavier_uniform`   | uniform on +-sqrt(6 / (in + out))  | 2 / (in + out)          | no cut               | in, out     | layers without a rectifier                | Glorot and Bengio 2010, eq. 16 |
| `xavier_normal`    | normal                             | 2 / (in + out)          | no cut               | in, out     | the same                                  | Glorot and Bengio 2010, eq. 12 |
| `kaiming_uniform`  | uniform on +-sqrt(6 / in)          | 2 / in                  | no cut               | in          | layers before a rectifier                 | He et al. 2015, eq. 10 |
| `kaiming_normal`   | normal                             | 2 / in                  | no cut               | in          | the same                                  | He et al. 2015, eq. 10 |
| `orthogonal`       | orthonormal rows or columns        | 1 / max(in, out)        | no cut               | in, out     | very deep plain networks                  | Saxe et al. 2013, arXiv:1312.6120 |
| `constant`         | 0.5 everywhere                     | 0                       | no cut               | none        | tests                                     | |
| `zeros`            | 0 everywhere                       | 0                       | no cut               | none        | tests                                     | |
| `ones`             | 1 everywhere                       | 0                       | no cut               | none        | tests                                     | |
| `eye`              | 1 on the diagonal, 0 elsewhere     | about 1 / max(in, out)  | no cut               | none        | tests                                     | |
| `sparse`           | 90% zeros in each column, the rest normal | 0.1 * 0.01^2     | no cut               | out         | tests                                     | Martens 2010, section 5 |

"Variance after" the cut is the factor on the variance, and in brackets the standard deviation that is left in
units of sigma.

Which to choose for what (measured by `cs336 init-study`, in `experiments/INIT_STUDY.md`):

- Pre-norm blocks: the default, or another rule that goes by the size of the layer (`xavier_*`, `uniform`). The
  norms hide most of the differences, and these learn quickest at first.
- Many layers, or a stream that must not grow: `uniform`, or the rules of GPT-like models (`trunc_normal_002`,
  `normal`), whose small outputs leave the stream as it is at any depth.
- No norms: small values only. With 64 blocks `normal` and `sparse` still train; under the rules that go by the size
  activations overflow before the first step, because queries, keys and SwiGLU multiply what has grown.
- `kaiming_*` is for layers before a rectifier: in these blocks the stream grows twice as fast as needed. `orthogonal`
  is for deep networks without residuals, and no better than the default here.
- `constant`, `ones`, `eye` and `zeros` are for tests: equal rows stay equal, and zeros in all matrices of a block
  have no gradient.
"""  # noqa: E501

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cs336_basics.functional.precision import wide_dtype


def trunc_normal(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw from N(0, 2 / (in + out)), cut at 3 sigma."""
    fan_out, fan_in = weight.shape
    sigma = math.sqrt(2 / (fan_in + fan_out))
    nn.init.trunc_normal_(weight, std=sigma, a=-3 * sigma, b=3 * sigma, generator=generator)


def embedding_normal(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw from N(0, 1), cut at 3 sigma."""
    nn.init.trunc_normal_(weight, std=1.0, a=-3.0, b=3.0, generator=generator)


def trunc_normal_002(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw from N(0, 0.02^2), cut at 2 sigma."""
    nn.init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04, generator=generator)


def normal(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw from N(0, 0.02^2)."""
    nn.init.normal_(weight, std=0.02, generator=generator)


def uniform(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw uniformly between -1/sqrt(in) and 1/sqrt(in)."""
    _, fan_in = weight.shape
    bound = 1 / math.sqrt(fan_in)
    nn.init.uniform_(weight, -bound, bound, generator=generator)


def xavier_uniform(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw uniformly between -sqrt(6 / (in + out)) and sqrt(6 / (in + out))."""
    nn.init.xavier_uniform_(weight, generator=generator)


def xavier_normal(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw from N(0, 2 / (in + out))."""
    nn.init.xavier_normal_(weight, generator=generator)


def kaiming_uniform(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw uniformly between -sqrt(6 / in) and sqrt(6 / in)."""
    nn.init.kaiming_uniform_(weight, nonlinearity="relu", generator=generator)


def kaiming_normal(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Draw from N(0, 2 / in)."""
    nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def orthogonal(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Make the rows orthonormal, or the columns where there are fewer of them."""
    wide = torch.empty_like(weight, dtype=wide_dtype(weight))  # torch has no QR of narrower types
    nn.init.orthogonal_(wide, generator=generator)
    with torch.no_grad():
        weight.copy_(wide)


def constant(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Set each entry to 0.5; nothing is drawn."""
    nn.init.constant_(weight, 0.5)


def zeros(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Set each entry to 0; nothing is drawn."""
    nn.init.zeros_(weight)


def ones(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Set each entry to 1; nothing is drawn."""
    nn.init.ones_(weight)


def eye(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Set the diagonal to 1 and the rest to 0; nothing is drawn."""
    nn.init.eye_(weight)


def sparse(weight: Tensor, *, generator: torch.Generator | None = None) -> None:
    """Set 90% of each column to 0 and draw the rest from N(0, 0.01^2)."""
    nn.init.normal_(weight, std=0.01, generator=generator)
    # `nn.init.sparse_` draws the places of the zeros from torch's own generator, whatever it is given.
    places = torch.rand(weight.shape, generator=generator, device=weight.device).argsort(dim=0)
    num_zeros = math.ceil(0.9 * weight.shape[0])
    with torch.no_grad():
        weight.masked_fill_(places < num_zeros, 0.0)


MATRIX_RULES: dict[str, Callable[..., None]] = {
    rule.__name__: rule
    for rule in (
        trunc_normal,
        trunc_normal_002,
        normal,
        uniform,
        xavier_uniform,
        xavier_normal,
        kaiming_uniform,
        kaiming_normal,
        orthogonal,
        constant,
        zeros,
        ones,
        eye,
        sparse,
    )
}
"""What `ModelConfig.init` can name: the rules for the weight matrices of the linear layers."""
