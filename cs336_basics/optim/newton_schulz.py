"""The nearest orthogonal matrix, approximately, by products of matrices alone: no decomposition is needed.

Source: Jordan et al. 2024, "Muon", https://kellerjordan.github.io/posts/muon/.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of x, x^3 and x^5: Jordan's, for the steepest rise from 0


def orthogonalize(
    matrix: Float[Tensor, "*batch rows columns"],
    steps: int = 5,
    *,
    eps: float = 1e-7,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, "*batch rows columns"]:
    """Keep the singular vectors of each matrix and bring its singular values near 1.

    For U S V^T this is about U V^T. After a division by the Frobenius norm all singular values lie in
    [0, 1], and each step applies an odd polynomial to all of them at once::

        X <- a X + b (X X^T) X + c (X X^T)^2 X          that is, s <- a s + b s^3 + c s^5

    With these coefficients 5 steps take every s of at least 0.002 into [0.68, 1.21]; they do not converge to
    1, which an optimizer has no use for, but rise faster from small values than those which do. `eps` is
    added to the norm, so that a matrix of zeros stays one. The products are computed in `dtype`, where
    bfloat16 is enough, or else in the type of `matrix`; the result has the type of `matrix`.
    """
    if steps < 0:
        raise ValueError(f"steps must not be negative but is {steps}")
    a, b, c = COEFFICIENTS
    norm = torch.linalg.matrix_norm(at_least_float32(matrix), keepdim=True)
    x = (matrix / (norm + eps)).to(dtype or matrix.dtype)
    is_tall = x.shape[-2] > x.shape[-1]
    x = x.mT if is_tall else x  # so that X X^T is the smaller of the two square products
    for _ in range(steps):
        gram = x @ x.mT
        polynomial = b * gram + c * (gram @ gram)
        x = a * x + polynomial @ x
    x = x.mT if is_tall else x
    return x.to(matrix.dtype)
