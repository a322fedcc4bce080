"""Vocabularies with merges over a few bytes, as training gives them and as nobody would."""

from hypothesis import strategies as st

Table = tuple[dict[int, bytes], list[tuple[bytes, bytes]]]

MAX_TOKEN_BYTES = 40


@st.composite
def learned_tables(draw: st.DrawFn, letters: bytes = b"ab\0", max_merges: int = 10) -> Table:
    """All letters are entries, every merge joins what is there already, and no two make the same bytes."""
    tokens, merges = draw_merges(draw, letters, max_merges, repeated=False)
    return dict(enumerate(draw(st.permutations(tokens)))), merges


@st.composite
def any_tables(draw: st.DrawFn, letters: bytes = b"ab\0", max_merges: int = 10) -> Table:
    """Merges in any order, listed twice, with equal products; letters without an entry, or with two."""
    tokens, merges = draw_merges(draw, letters, max_merges, repeated=True)
    if draw(st.booleans()):
        merges = draw(st.permutations(merges))
    products = [left + right for left, right in merges]
    entries = draw(st.lists(st.sampled_from(tokens), max_size=5)) + products
    return dict(enumerate(draw(st.permutations(entries or tokens)))), merges


def draw_merges(
    draw: st.DrawFn, letters: bytes, max_merges: int, *, repeated: bool
) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    """Join what is there already, again and again; return all tokens and the merges in order."""
    tokens = [bytes([letter]) for letter in letters]
    merges = []
    for _ in range(draw(st.integers(0, max_merges))):
        left, right = draw(st.sampled_from(tokens)), draw(st.sampled_from(tokens))
        if (repeated or left + right not in tokens) and len(left + right) <= MAX_TOKEN_BYTES:
            merges.append((left, right))
            tokens.append(left + right)
    return tokens, merges


def words_over(letters: bytes, *, max_size: int, min_size: int = 1) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(letters), min_size=min_size, max_size=max_size).map(bytes)
