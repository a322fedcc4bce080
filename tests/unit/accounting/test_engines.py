"""What several processes hold, counted by hand; the resident size of real ones is measured in integration."""

from functools import partial

import pytest

from cs336_basics.accounting import Batch, estimate_memory
from cs336_basics.accounting.engines import data_parallel, engine_of, fully_sharded, one_process
from cs336_basics.accounting.memory import in_float64
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
    assert (together.gradients, accumulated.gradients, together.gathered) == (WHOLE, 2 * WHOLE, 0)


def test_fsdp_shares_out_rows_and_has_a_block_whole_at_a_time():
    estimate = estimate_memory(CONFIG, Batch(batch_size=5, seq=7), engine=partial(fully_sharded, count=2))
    in_a_block = 2 * 6 + 4 * 6 * 12 + 2 * 15 * 12 + 6 * 29  # of 29 rows the first process has 15
    own = 4 * (2 * 51 * 12 + 6 + 3 * in_a_block)
    assert (estimate.weights, estimate.gradients, estimate.optimizer_state) == (own, own, 2 * own)
    assert estimate.start == 3 * own + 3 * WHOLE
    assert estimate.phases["update"] == 4 * own + 4 * 101 * 12 * own // WHOLE

    memory = fully_sharded(GROUPED, 1, count=2)
    one_at_work = OUTSIDE + 2 * BLOCK
    after_the_embedding = OUTSIDE + BLOCK + max(BLOCK, OUTSIDE)
    before_and_blocks = [2 * OUTSIDE, after_the_embedding, one_at_work, one_at_work]
    assert memory.forward == [*before_and_blocks, OUTSIDE + BLOCK, OUTSIDE, OUTSIDE]
    before, first, middle, last, norm, head, loss = memory.backward
    assert first == last == one_at_work
    assert middle == one_at_work + BLOCK == estimate.gathered
    assert before == norm == OUTSIDE + BLOCK
    assert head == loss == OUTSIDE
    assert memory.given_away == [0, *3 * [BLOCK // 2], 0, 0, 0]
    assert memory.after_backward == OUTSIDE + OUTSIDE // 2


def test_fsdp_in_one_process_sends_nothing():
    memory = fully_sharded(GROUPED, 1, count=1)
    assert memory.forward == [OUTSIDE, *3 * [OUTSIDE + BLOCK], OUTSIDE, OUTSIDE, OUTSIDE]
    assert memory.given_away == [0] * 7
    assert memory.after_backward == OUTSIDE
    engine = partial(fully_sharded, count=1)
    assert estimate_memory(CONFIG, Batch(seq=7), engine=engine).start == 6 * WHOLE  # copied, not only kept


def test_fsdp_has_whole_gradients_where_they_are_accumulated():
    assert fully_sharded(GROUPED, 2, count=3).gradients_before == WHOLE
    assert fully_sharded(GROUPED, 1, count=3).gradients_before == 0
    engine = partial(fully_sharded, count=3)
    batch = Batch(batch_size=6, seq=7)
    assert estimate_memory(CONFIG, batch, engine=engine, accumulation_steps=2).gradients == WHOLE


@pytest.mark.parametrize("count", [2, 4])
def test_with_more_processes_fsdp_takes_less_of_each(count):
    def peak(number: int) -> int:
        engine = partial(fully_sharded, count=number)
        return estimate_memory(CONFIG, Batch(batch_size=5, seq=7), engine=engine).peak

    assert peak(2 * count) < peak(count)


def test_in_float64_everything_doubles():
    batch = Batch(batch_size=5, seq=7)
    single = estimate_memory(CONFIG, batch, engine=partial(fully_sharded, count=2))
    double = in_float64(single)
    for name in ("weights", "gradients", "optimizer_state", "activations", "gathered", "start", "peak"):
        assert getattr(double, name) == 2 * getattr(single, name), name


def test_engines_by_name():
    assert engine_of(None, 1) is one_process
    assert engine_of(None, 2) is engine_of("ddp", 2) is engine_of("ddp", 1) is data_parallel
    assert engine_of("fsdp", 3)(GROUPED, 1) == fully_sharded(GROUPED, 1, count=3)
    with pytest.raises(ValueError, match="at least 1 process but there are 0"):
        engine_of("fsdp", 0)


@pytest.mark.without_type_checks
def test_an_engine_that_does_not_exist():
    with pytest.raises(ValueError, match="parallel must be one of ddp, fsdp but is 'zero'"):
        engine_of("zero", 2)  # pyright: ignore[reportArgumentType]
