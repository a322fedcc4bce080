"""Apply learned merges to the symbols of one pre-token: the plain loop, and the same in O(n log n).

Read `merge_plainly` first, it is the definition: merge the adjacent pair of the lowest rank, the leftmost
of equals, until no pair has a rank. `merge_with_heap` gives the same symbols for every input and is
quicker for long ones.

`ranks` maps a pair of symbols to the place of its merge in the list of merges, and `products[rank]` is
the symbol that the merge makes.
"""

import heapq
from collections.abc import Mapping, Sequence
from itertools import pairwise

NO_RANK = 1 << 62  # greater than every rank
GONE = -(1 << 62)  # in place of a symbol that was merged into the one before it; no pair with it has a rank

# The length in bytes where both forms take the same time, measured on words and on random letters.
PLAIN_UP_TO = 8


def merge_symbols(
    symbols: list[int], ranks: Mapping[tuple[int, int], int], products: Sequence[int]
) -> list[int]:
    """Return `symbols` after all merges, by whichever form is quicker."""
    merge = merge_plainly if len(symbols) <= PLAIN_UP_TO else merge_with_heap
    return merge(symbols, ranks, products)


def merge_plainly(
    symbols: list[int], ranks: Mapping[tuple[int, int], int], products: Sequence[int]
) -> list[int]:
    """Return `symbols` after all merges: look at every pair, merge one, and begin again.

    Example: with merges (t, h) and (th, e): t h e -> th e -> the.
    """
    symbols = list(symbols)
    while len(symbols) > 1:
        pair_ranks = [ranks.get(pair, NO_RANK) for pair in pairwise(symbols)]
        lowest_rank = min(pair_ranks)
        if lowest_rank == NO_RANK:
            break
        position = pair_ranks.index(lowest_rank)
        symbols[position : position + 2] = [products[lowest_rank]]
    return symbols


def merge_with_heap(
    symbols: list[int], ranks: Mapping[tuple[int, int], int], products: Sequence[int]
) -> list[int]:
    """Return the same as `merge_plainly` with a linked list of symbols and a heap of mergeable pairs.

    The heap holds rank * length + position, so it yields the lowest rank and the leftmost of equals; a
    single integer takes half the memory of a tuple. An entry whose pair has changed meanwhile is skipped.
    """
    symbols = list(symbols)
    length = len(symbols)
    previous = list(range(-1, length - 1))
    following = list(range(1, length + 1))
    heap = [
        ranks[pair] * length + position for position, pair in enumerate(pairwise(symbols)) if pair in ranks
    ]
    heapq.heapify(heap)
    while heap:
        rank, position = divmod(heapq.heappop(heap), length)
        neighbour = following[position]
        if neighbour == length or ranks.get((symbols[position], symbols[neighbour])) != rank:
            continue
        symbols[position] = products[rank]
        symbols[neighbour] = GONE
        following[position] = following[neighbour]
        if following[position] < length:
            previous[following[position]] = position
        for left in (previous[position], position):
            right = following[left] if left >= 0 else length
            if right < length and (symbols[left], symbols[right]) in ranks:
                heapq.heappush(heap, ranks[symbols[left], symbols[right]] * length + left)
    return [symbol for symbol in symbols if symbol != GONE]
