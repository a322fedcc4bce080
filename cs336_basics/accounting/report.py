"""All answers about one model as text: what `cs336 account` prints."""

from collections.abc import Sequence
from dataclasses import replace

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.engines import one_process
from cs336_basics.accounting.largest_batch import largest_batch
from cs336_basics.accounting.matrix_products import forward_flops, matrix_products, training_flops
from cs336_basics.accounting.memory import MemoryEstimate, estimate_memory
from cs336_basics.accounting.optimizer_cost import CLIPPING_FLOPS_PER_PARAMETER, optimizer_cost
from cs336_basics.accounting.optimizers.cost import OptimizerCost
from cs336_basics.accounting.parameters import count_parameters, parameters_by_part
from cs336_basics.accounting.parts.part import MatrixProduct
from cs336_basics.accounting.question import Question, setting
from cs336_basics.accounting.readable import aligned, duration, percent, with_unit
from cs336_basics.accounting.textbook import textbook_largest_batch, textbook_memory
from cs336_basics.accounting.training_time import training_seconds


def report(question: Question) -> str:
    """Return parameters, memory, products, operations and time, a paragraph each."""
    questions = (parameter_lines, memory_lines, product_lines, update_lines, operation_lines, time_lines)
    paragraphs = [lines(question) for lines in questions]
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


def parameter_lines(question: Question) -> list[str]:
    """Return the parameters of each part."""
    total = count_parameters(question.model)
    parts = parameters_by_part(question.model)
    rows = [(name, f"{number:,}", percent(number / total)) for name, number in parts.items()]
    return [f"{total:,} parameters, {with_unit(FLOAT32_BYTES * total, 'B')} in float32", *aligned(rows)]


def memory_lines(question: Question) -> list[str]:
    """Return the memory of a training step, what another sequence adds, and how many fit."""
    title = [f"Memory of a training step: {setting(question)}"]
    if question.engine is not one_process:
        title.append(f"  of one of {question.num_processes:,} with {question.parallel or 'ddp'}")
    return [*title, *aligned(memory_rows(question)), *capacity_lines(question)]


def memory_rows(question: Question) -> list[tuple[str, str]]:
    """Return sizes with what they are."""
    estimate = memory_of(question, question.batch)
    # One more sequence in each part of the batch.
    larger = replace(question.batch, batch_size=question.batch.batch_size + question.accumulation_steps)
    is_cut = estimate.gathered > 0
    gathered = {"whole weights, and what is on its way": estimate.gathered} if is_cut else {}
    added = memory_of(question, larger).peak - estimate.peak
    start = {"when a run continues, at its start": estimate.start} if is_cut else {}
    sizes = {
        "weights": estimate.weights,
        "gradients": estimate.gradients,
        f"state of {question.optimizer}": estimate.optimizer_state,
        "activations kept for the backward pass": estimate.activations,
        **gathered,
        f"peak, in the phase '{estimate.peak_phase}'": estimate.peak,
        f"what another sequence{in_each_part(question)} adds to it": added,
        **start,
    }
    return [(name, with_unit(size, "B")) for name, size in sizes.items()]


def in_each_part(question: Question) -> str:
    """Return these words where a batch has several parts."""
    return " in each part" if question.accumulation_steps > 1 else ""


def memory_of(question: Question, batch: Batch) -> MemoryEstimate:
    """Return the estimate for a batch of another size."""
    return estimate_memory(
        question.model,
        batch,
        optimizer=question.optimizer,
        loss=question.loss,
        accumulation_steps=question.accumulation_steps,
        recompute=question.recompute,
        engine=question.engine,
    )


def capacity_lines(question: Question) -> list[str]:
    """Return how many sequences fit into a given memory, and for one process how many on paper."""
    fits = f"  {with_unit(question.memory_bytes, 'B')} hold {fitting_batch(question):,} sequences at once"
    return [fits, on_paper(question)] if question.engine is one_process else [fits]


def fitting_batch(question: Question) -> int:
    """Return how many sequences really fit."""
    return largest_batch(
        question.model,
        question.batch,
        question.memory_bytes,
        optimizer=question.optimizer,
        loss=question.loss,
        accumulation_steps=question.accumulation_steps,
        recompute=question.recompute,
        engine=question.engine,
    )


def on_paper(question: Question) -> str:
    """Return how many would fit if each result were there once."""
    each, fixed = textbook_memory(question.model, question.batch, optimizer=question.optimizer)
    fitting = textbook_largest_batch(
        question.model, question.batch, question.memory_bytes, optimizer=question.optimizer
    )
    return (
        f"  (on paper, each result counted once in float32: {with_unit(each, 'B')} x batch + "
        f"{with_unit(fixed, 'B')}, so {fitting:,})"
    )


def product_lines(question: Question) -> list[str]:
    """Return the matrix products of a forward pass and their operations."""
    products = matrix_products(question.model, question.batch)
    return ["Matrix products of a forward pass, (m, k) by (k, n)", *table_of(products)]


def update_lines(question: Question) -> list[str]:
    """Return the matrix products of the optimizer, nothing where it has none."""
    products = cost_of_update(question).products
    return [f"Matrix products of {question.optimizer}", *table_of(products)] if products else []


def table_of(products: Sequence[MatrixProduct]) -> list[str]:
    """Return a line for each product."""
    total = sum(product.flops for product in products)
    rows = [("", "times", "m", "k", "n", "FLOPs", "share")]
    for product in products:
        sizes = (f"{product.count:,}", f"{product.m:,}", f"{product.k:,}", f"{product.n:,}")
        rows.append((product.name, *sizes, with_unit(product.flops, ""), percent(product.flops / total)))
    return aligned(rows)


def cost_of_update(question: Question) -> OptimizerCost:
    """Return what a step of the optimizer costs."""
    return optimizer_cost(question.model, optimizer=question.optimizer, precision=question.batch.precision)


def operation_lines(question: Question) -> list[str]:
    """Return the operations of a step and of a token."""
    forward = forward_flops(question.model, question.batch)
    training = training_flops(question.model, question.batch, recompute=question.recompute)
    update = cost_of_update(question).flops
    num_parameters = count_parameters(question.model)
    clipping = CLIPPING_FLOPS_PER_PARAMETER * num_parameters
    tokens = question.batch.tokens
    rows = [
        ("", "per step", "per token"),
        ("forward", with_unit(forward, ""), with_unit(forward / tokens, "")),
        ("forward and backward", with_unit(training, ""), with_unit(training / tokens, "")),
        (
            f"{question.optimizer}, {update / num_parameters:,.0f} for each parameter",
            with_unit(update, ""),
            "",
        ),
        (f"clipping, {CLIPPING_FLOPS_PER_PARAMETER} for each parameter", with_unit(clipping, ""), ""),
    ]
    return ["Floating point operations", *aligned(rows)]


def time_lines(question: Question) -> list[str]:
    """Return how long training takes."""
    each = training_seconds(
        question.model,
        question.batch,
        steps=1,
        peak_flops=question.peak_flops,
        utilization=question.utilization,
        recompute=question.recompute,
        optimizer=question.optimizer,
    )
    rows = [
        ("a step", duration(each)),
        (f"{question.steps:,} steps", duration(question.steps * each)),
        ("tokens per second", f"{question.batch.tokens / each:,.0f}"),
    ]
    speed = with_unit(question.peak_flops, "FLOP/s")
    alone = " by each process, without communication" if question.num_processes > 1 else ""
    return [f"Time at {percent(question.utilization)} of {speed}{alone}", *aligned(rows)]
