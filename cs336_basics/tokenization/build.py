"""From a definition to the parts of a tokenizer: the only file that builds what tokenizers differ in.

A new kind of pre-tokenizer is a file of its own and a line here; no step of encoding ever learns of it.
"""

from cs336_basics.tokenization.bulk.encoding import BulkEncoder
from cs336_basics.tokenization.definition import TokenizerDefinition
from cs336_basics.tokenization.gpt2_pretokenizer import GPT2Pretokenizer
from cs336_basics.tokenization.merge_table import MergeTable
from cs336_basics.tokenization.pattern_pretokenizer import PatternPretokenizer
from cs336_basics.tokenization.plain_encoding import PlainEncoder
from cs336_basics.tokenization.pretokenization_steps import GPT2_STEPS
from cs336_basics.tokenization.pretokenizer import Pretokenizer
from cs336_basics.tokenization.whole_words import WholeWordTable


def build_pretokenizer(definition: TokenizerDefinition) -> Pretokenizer:
    """Return what splits ordinary text into pre-tokens."""
    if definition.steps == GPT2_STEPS:
        return GPT2Pretokenizer()
    return PatternPretokenizer(definition.steps)


def build_table(definition: TokenizerDefinition) -> MergeTable:
    """Return what turns one pre-token into ids."""
    kind = WholeWordTable if definition.takes_whole_words else MergeTable
    return kind(definition.vocab, definition.merges)


def build_chunk_encoder(
    definition: TokenizerDefinition, plain_encoder: PlainEncoder, table: MergeTable
) -> BulkEncoder | PlainEncoder:
    """Return what encodes large texts and files: `bulk/` knows GPT-2's pre-tokens and merges only."""
    if definition.steps == GPT2_STEPS and not definition.takes_whole_words:
        return BulkEncoder(table, definition.special_token_ids)
    return plain_encoder
