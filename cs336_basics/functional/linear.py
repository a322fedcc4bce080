"""The linear map `y = W x`, by whichever of three equal ways is the quickest here.

The last line of `linear` is the definition, and the only way that training takes. The other two are for
generation on a CPU: `product_in_blocks` for one or a few texts, `packed_product` for more.
"""

from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.block_product import is_for_few_vectors, product_in_blocks
from cs336_basics.functional.packed_product import packed_form, packed_product


def linear(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Float[Tensor, "... d_out"]:
    """Return `W x` for each vector x, as `einsum(x, weight, "... d_in, d_out d_in -> ... d_out")` does.

    Shapes: x (... d_in), weight (d_out d_in) -> (... d_out)
    """
    packed = packed_form(x, weight)
    if packed is not None:
        return packed_product(x, packed)
    if is_for_few_vectors(x, weight):
        return product_in_blocks(x, weight)
    return x @ weight.T  # not einsum, which copies its operands and so takes half as long again on a CPU
