"""Scores a batch and says what it cost: `metrics.json` and a section of a scoreboard."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from evals.harness.resampling import Estimate, Sample
from evals.language.judge import shared_tokens
from evals.language.store import Judged
from evals.perturbqa.rows import TASK_NAMES, TASKS, TaskName
from evals.perturbqa.schema import MEAN
from evals.perturbqa.score import Resampler, labelled
from knowledge.schema import Frozen
from models.fusion.language import LanguageStacker, Stack
from models.response.screens import CELL_LINES

COLUMNS = {"llm": "p_llm", "evidence": "p_evidence", "fused": "p_fused"}


class Comparison(Frozen):
    """Macro per-gene AUROC on the same rows of one line and task.

    Attributes:
        task: `de` or `dir`.
        cell_line: A line, or `mean` over those scored.
        rows: How many.
        readouts: Readouts with both classes, whose AUROCs are averaged.
        llm: The model alone; a row it gave nothing for counts as .5.
        evidence: The response model alone.
        fused: Both.
        gain: Fused minus evidence, on the same resamples.
    """

    task: TaskName
    cell_line: str
    rows: int
    readouts: int
    llm: Estimate
    evidence: Estimate
    fused: Estimate
    gain: Estimate


class Cost(Frozen):
    """What the judged rows cost, however many runs they took.

    Attributes:
        questions: Rows.
        failed: Rows that the model gave nothing usable for.
        trimmed: Rows whose evidence did not fit the context as a whole.
        requests: Requests answered.
        prompt: Prompt tokens.
        cached: Prompt tokens that the server took from its prefix cache, as it reports.
        completion: Tokens written.
        seconds: Time waited, the sum over requests that ran side by side.
        prompt_per_question: Prompt tokens per row.
        cached_share: Share of prompt tokens that the server took from its cache.
        shared_share: Share of prompt tokens in beginnings that a request of the row before or an
            earlier one of the same row had, computed from the rendered prompts in their order.
        shared_with_before_share: The same without earlier requests of the same row.
    """

    questions: int
    failed: int
    trimmed: int
    requests: int
    prompt: int
    cached: int
    completion: int
    seconds: float
    prompt_per_question: float
    cached_share: float
    shared_share: float
    shared_with_before_share: float


class LanguageMetrics(Frozen):
    """Everything that a batch found.

    Attributes:
        model: The model's id.
        strategy: How it was asked.
        prompts_hash: Hash of the prompts.
        split: `train` or `test`.
        sample: How the rows were drawn.
        comparisons: The scores.
        cost: What they cost.
        stacks: What the fusion makes of the model, by task; empty where there is no stacker.
        fusion: How the fused column came about, in words.
        failures: The most frequent reasons of failed rows, with counts.
    """

    model: str
    strategy: str
    prompts_hash: str
    split: str
    sample: str
    comparisons: tuple[Comparison, ...]
    cost: Cost
    stacks: dict[TaskName, Stack]
    fusion: str
    failures: dict[str, int]


def compare(table: pd.DataFrame, seed: int) -> tuple[Comparison, ...]:
    """Return the scores of every line and task with labels, and their means over lines."""
    rows = table.assign(fold=0, p_llm=table.p_llm.fillna(0.5))
    resampler = Resampler(rows.pert, seed)
    out: list[Comparison] = []
    for task in TASKS:
        found: list[tuple[str, int, dict[str, Sample]]] = []
        for line in CELL_LINES:
            part = labelled(rows, task, line)
            samples = {
                name: sample
                for name, column in COLUMNS.items()
                if len(part) and (sample := resampler.sample(part, column)) is not None
            }
            if len(samples) == len(COLUMNS):
                found.append((line, len(part), samples))
        out += [_comparison(task, line, count, samples) for line, count, samples in found]
        if found:
            mean = {name: Sample.mean([samples[name] for *_, samples in found]) for name in COLUMNS}
            out.append(_comparison(task, MEAN, sum(count for _, count, _ in found), mean))
    return tuple(out)


def cost(judged: Sequence[Judged]) -> Cost:
    """Return what rows cost; `judged` is in the order of the batch."""
    prompt = sum(one.usage.prompt for one in judged)
    cached = sum(one.usage.cached for one in judged)
    asked = [one.prompts for one in judged]
    shared = [shared_tokens(now, before) for before, now in pairwise([(), *asked])]
    return Cost(
        questions=len(judged),
        failed=sum(bool(one.failed) for one in judged),
        trimmed=sum(one.trimmed > 0 for one in judged),
        requests=sum(one.usage.requests for one in judged),
        prompt=prompt,
        cached=cached,
        completion=sum(one.usage.completion for one in judged),
        seconds=sum(one.usage.seconds for one in judged),
        prompt_per_question=prompt / max(1, len(judged)),
        cached_share=cached / max(1, prompt),
        shared_share=sum(any_ for _, any_ in shared) / max(1, prompt),
        shared_with_before_share=sum(before for before, _ in shared) / max(1, prompt),
    )


def failures(judged: Sequence[Judged], most: int = 5) -> dict[str, int]:
    """Return the most frequent reasons of failed rows."""
    return dict(Counter(one.failed for one in judged if one.failed).most_common(most))


def stacks(stacker: LanguageStacker | None) -> dict[TaskName, Stack]:
    """Return a stacker's stacks by task."""
    return {} if stacker is None else {"de": stacker.de, "dir": stacker.up}


def as_markdown(metrics: LanguageMetrics) -> str:
    """Return the section of the scoreboard."""
    spent = metrics.cost
    lines = [
        f"## LLM reasoner: strategy `{metrics.strategy}`, model `{metrics.model}`, "
        f"{metrics.split} split",
        "",
        "Macro per-gene AUROC with 95 % intervals by bootstrap over perturbations, all three on "
        f"the same rows; prompts `{metrics.prompts_hash}`. {metrics.sample} {metrics.fusion}",
        "",
        "| task | line | rows | LLM alone | evidence alone | fused | fused - evidence |",
        f"|{' --- |' * 7}",
        *(
            f"| {TASK_NAMES[one.task]} | {one.cell_line} | {one.rows} | {one.llm} | "
            f"{one.evidence} | {one.fused} | {one.gain} |"
            for one in metrics.comparisons
        ),
        "",
        *_table(
            {
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
        ),
        "",
    ]
    if metrics.stacks:
        lines += [
            "| task | weight of the LLM | rows | log loss without | with | gain / its error |",
            f"|{' --- |' * 6}",
            *(_stack(task, stack) for task, stack in metrics.stacks.items()),
            "",
        ]
    if metrics.failures:
        lines += [
            "Rows that the model gave nothing usable for:",
            "",
            *(f"- {count}: {reason}" for reason, count in metrics.failures.items()),
            "",
        ]
    return "\n".join(lines)


def _table(row: dict[str, str]) -> list[str]:
    """Return a table of one row."""
    return [f"| {' | '.join(row)} |", f"|{' --- |' * len(row)}", f"| {' | '.join(row.values())} |"]


def _stack(task: TaskName, stack: Stack) -> str:
    losses = (stack.log_loss_without, stack.log_loss_with)
    text = " | ".join("" if loss is None else f"{loss:.4f}" for loss in losses)
    return (
        f"| {TASK_NAMES[task]} | {stack.weight:.3f} | {stack.rows:,} | {text} | "
        f"{stack.gain_in_errors:+.1f} |"
    )


def _comparison(
    task: TaskName, cell_line: str, rows: int, samples: dict[str, Sample]
) -> Comparison:
    return Comparison(
        task=task,
        cell_line=cell_line,
        rows=rows,
        readouts=samples["fused"].readouts,
        gain=(samples["fused"] - samples["evidence"]).estimate(),
        **{name: sample.estimate() for name, sample in samples.items()},
    )
