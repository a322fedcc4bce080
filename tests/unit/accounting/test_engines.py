"""What several processes hold, counted by hand; the resident size of real ones is measured in integration."""

from functools import partial

import pytest

from cs336_basics.accounting import Batch, estimate_memory
from cs336_basics.accounting.engines import data_parallel, engine_of, fully_sharded, one_process
from cs336_basics.accounting.parts.build import build_parts, segments
from cs336_basics.nn.config import ModelConfig

CONFIG = ModelConfig(
    vocab_size=101, context_length=7, d_model=12, num_layers=3, num_heads=3, d_ff=29, attention="chunked"
)
BLOCK = 4 * (2 * 12 + 4 * 12 * 12 + 3 * 12 * 29)
OUTSIDE = 4 * (2 * 101 * 12 + 12)
WHOLE = 3 * BLOCK + OUTSIDE
GROUPED = segments(build_parts(CONFIG))  # embedding, three blocks, norm, head, loss


def test_a_process_that_is_alone_gathers_nothing():
    estimate = estimate_memory(CONFIG, Batch(batch_size=5, seq=7))
    assert (estimate.weights, estimate.gradients, estimate.gathered) == (WHOLE, WHOLE, 0)
    assert one_process(GROUPED, 1).gradients_before == 0
    assert one_process(GROUPED, 2).gradients_before == WHOLE


def test_ddp_keeps_room_for_gradients():
    batch = Batch(batch_size=6, seq=7)
    alone = estimate_memory(CONFIG, batch)
    together = estimate_memory(CONFIG, batch, engine=data_parallel)
    accumulated = estimate_memory(CONFIG, batch, engine=data_parallel, accumulation_steps=3)
    accumulated_alone = estimate_memory(CONFIG, batch, accumulation_steps=3)
    for phase in ("forward", "evaluation"):
        assert together.phases[phase] == alone.phases[phase] + WHOLE
        assert accumulated.phases[phase] == accumulated_alone.phases[phase] + WHOLE
    assert together.phases["update"] == alone.phases["update"]
    assert alone.phases["backward"] < together.phases["backward"] <= alone.phases["backward"] + WHOLE
    assert accumulated.phases["backward"] == accumulated_alone.phases["backward"] + WHOLE
    assert together.gathered == 0


def test_fsdp_shares_out_what_stays_and_gathers_a_block_at_a_time():
    estimate = estimate_memory(CONFIG, Batch(batch_size=5, seq=7), engine=partial(fully_sharded, count=2))
    assert estimate.weights == estimate.gradients == WHOLE // 2
    assert estimate.optimizer_state == WHOLE
    held = fully_sharded(GROUPED, 1, count=2)
    in_a_block = OUTSIDE + 2 * BLOCK
    assert held.forward == [2 * OUTSIDE, *3 * [in_a_block], OUTSIDE, OUTSIDE, OUTSIDE]
    before, first, middle, last, norm, head, loss = held.backward
    assert first == last == in_a_block
    assert middle == estimate.gathered == in_a_block + BLOCK
    assert before == norm == OUTSIDE + BLOCK
    assert head == loss == OUTSIDE
    assert held.given_away == [0, *3 * [BLOCK // 2], 0, 0, 0]


def test_fsdp_has_whole_gradients_where_they_are_accumulated():
    assert fully_sharded(GROUPED, 2, count=3).gradients_before == WHOLE
    assert fully_sharded(GROUPED, 1, count=3).gradients_before == 0


@pytest.mark.parametrize("count", [2, 8, 64])
def test_with_more_processes_fsdp_takes_less_of_each(count):
    def peak(number: int) -> int:
        engine = partial(fully_sharded, count=number)
        return estimate_memory(CONFIG, Batch(batch_size=5, seq=7), engine=engine).peak

    assert peak(2 * count) < peak(count)


def test_engines_by_name():
    assert engine_of(None, 1) is one_process
    assert engine_of(None, 2) is engine_of("ddp", 2) is engine_of("ddp", 1) is data_parallel
    assert engine_of("fsdp", 3)(GROUPED, 1) == fully_sharded(GROUPED, 1, count=3)
    with pytest.raises(ValueError, match="at least 1 process but there are 0"):
        engine_of("fsdp", 0)
