"""What is told of a batch: the model, the evidence and both on the same rows, and the cost."""

from collections.abc import Iterator

import pandas as pd

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.resampling import Resampler
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, signed, table
from evals.language.facts import Facts
from evals.tasks import DRAWS, MEAN, TASK_NAMES, TASKS, compared, labelled, samples
from models.inputs.screens import CELL_LINES

COLUMNS = {"llm": "p_llm", "evidence": "p_evidence", "fused": "p_fused"}
"""The model alone, where a row it gave nothing for counts as .5; the response model; both."""


def compare(table: pd.DataFrame, seed: int) -> Iterator[Score]:
    """Yield the AUROC per task and line with labels, means over lines, and what fusing gains."""
    rows = table.assign(p_llm=table.p_llm.fillna(0.5))
    found = samples(rows, COLUMNS, Resampler(rows.pert, seed, DRAWS))
    yield from compared(found, "fused")
    for task in TASKS:
        counts = {
            line: len(labelled(rows, task, line))
            for line in CELL_LINES
            if (task, line, "fused") in found
        }
        if counts:
            counts[MEAN] = sum(counts.values())
        for line, count in counts.items():
            yield Score("fused", "rows", count, task=task, cell_line=line)


def page(record: Record) -> Page:
    """Return the page of a batch."""
    facts = record.results.about(Facts)
    title = f"LLM reasoner: strategy `{facts.strategy}`, model `{facts.model}`, {facts.split} split"
    how = (
        "Macro AUROC within readout and fold, with 95 % intervals by bootstrap over perturbations, "
        f"all three on the same rows; prompts `{facts.prompts_hash}`. {facts.sample} {facts.fusion}"
    )
    return Page(title, (how,), record.made(), tuple(_sections(record.results)), ours="fused")


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(_sections(results))


def _sections(results: Results) -> Iterator[Section]:
    facts = results.about(Facts)
    tables = (_comparison(results.scores), _cost(facts), _stacks(facts))
    yield Section("", "", tables)
    if facts.failures:
        told = "\n".join(f"- {count}: {reason}" for reason, count in facts.failures.items())
        yield Section("", f"Rows that the model gave nothing usable for:\n\n{told}")


def _comparison(scores: Scores) -> Table:
    found = scores.by("task", "cell_line", "predictor", "than", "measure")
    rows = (
        (
            TASK_NAMES[task],
            line,
            f"{found[task, line, 'fused', '', 'rows'].value.value:.0f}",
            *(found[task, line, name, "", "auroc"] for name in COLUMNS),
            signed(found[task, line, "fused", "evidence", "auroc"]),
        )
        for task in TASKS
        for line in (*CELL_LINES, MEAN)
        if (task, line, "fused", "", "auroc") in found
    )
    header = (
        "task", "line", "rows", "LLM alone", "evidence alone", "fused", "fused - evidence",
    )  # fmt: skip
    return table(header, rows)


def _cost(facts: Facts) -> Table:
    spent = facts.cost
    row = {
        "questions": f"{spent.questions:,}",
        "failed": f"{spent.failed:,}",
        "requests": f"{spent.requests:,}",
        "prompt tokens": f"{spent.prompt:,}",
        "cached": f"{spent.cached:,}",
        "completion": f"{spent.completion:,}",
        "prompt tokens per question": f"{spent.prompt_per_question:,.0f}",
        "cached share (server)": f"{spent.cached_share:.0%}",
        "shared prefix (rendered)": f"{spent.shared_share:.0%}",
        "of it with the question before": f"{spent.shared_with_before_share:.0%}",
        "seconds waited": f"{spent.seconds:,.0f}",
    }
    return table(row, [row.values()])


def _stacks(facts: Facts) -> Table:
    rows = (
        (
            TASK_NAMES[task],
            f"{stack.weight:.3f}",
            f"{stack.rows:,}",
            *(
                "" if loss is None else f"{loss:.4f}"
                for loss in (stack.log_loss_without, stack.log_loss_with)
            ),
            f"{stack.gain_in_errors:+.1f}",
        )
        for task, stack in facts.stacks.items()
    )
    header = (
        "task", "weight of the LLM", "rows", "log loss without", "with", "gain / its error",
    )  # fmt: skip
    return table(header, rows)


BENCHMARK = Benchmark("language", page, summary)
