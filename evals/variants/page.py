"""What is told of the variants that were tried and of the learning curves."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Gain, Results, Scores
from evals.harness.tables import Table, judged, pivot, signed, table
from evals.tasks import COLUMNS, MEAN, TASK_NAMES, TASKS
from evals.variants.curves import FOLDS, RANK
from evals.variants.score import (
    AHEAD,
    CURVE,
    DOUBLED,
    EXPONENT,
    FURTHER,
    LEVEL,
    NEEDED,
    TARGETS,
    TRIED,
)
from evals.variants.tried import AVERAGED, BASE, EVERYTHING, LEARNERS, STACKED, VARIANTS

HOW = (
    "Setting multi, training rows of the four lines in {folds} folds of perturbations; learners "
    "are fitted to and scored in {lines}: {scored} folds are scored, the others learnt from. Trees "
    "of {rounds} rounds, steps twice the model's and one seed are weaker than the model's, so "
    "compare the gains only. Macro AUROC within readout and fold, mean over the lines, 95 % "
    "intervals of paired resamples of perturbations. No official test row is read. Nothing here is "
    "in the shipped model."
)
ABOUT = {
    **{name: one.about for name, one in VARIANTS.items()},
    EVERYTHING: "the further features of all variants at once",
    AVERAGED: "scores within a readout, averaged: " + ", ".join((*LEARNERS, EVERYTHING)),
    STACKED: "the same, weights fitted to the other scored folds",
}
READ = (
    "One of these gains in forty would be called better by chance alone if all were level. The "
    "variants were written before they were scored, and no setting of theirs was searched."
)
NOT_TRIED = (
    "Not tried: tabular foundation models (the packages `tabpfn` 9.2 and `tabicl` 2.2 hold no "
    "weights, and nothing else of the registry was found that does). What programmes learnt from "
    "the screens add to the model stands under Programmes."
)
LAW = (
    "Evidence, features and trees fitted anew to a part of what a fold may see: some of the "
    "perturbations of each line with all their rows, or some rows of every perturbation. "
    f"Everything is learnt from the lines named above, in {FOLDS} folds of which one is scored, "
    f"with {RANK} response factors: weaker than the model, so compare along the curve only. The "
    "law through the four points takes what is missing to 1 to shrink by the same factor with each "
    "doubling; it knows no ceiling, though measurements that are repeated do not agree fully "
    "either, so read what is extrapolated as the most, and the data that a target asks for as the "
    "least."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return Page(
        "Variants of the response model, and what more data would bring",
        (HOW.format(**record.settings, lines=" and ".join(record.settings["cell_lines"])),),
        record.made(f"{record.settings['folds']} folds"),
        sections(record.results.scores),
        BASE,
        " (variants)",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(sections(results.scores))


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    levels = scores.where(about=TRIED, measure=LEVEL)
    return (
        Section("What was tried and what it gave", f"{READ} {NOT_TRIED}", (_gains(levels),)),
        Section("By line", f"Ahead of {BASE}.", tuple(_by_line(levels, task) for task in TASKS)),
        Section("Learning curves", LAW, (_curve(scores), _law(scores))),
    )


def _gains(levels: Scores) -> Table:
    mean = levels.where(cell_line=MEAN)
    ahead = {(one.than, one["task"]): _turned(one) for one in mean.gains}
    rows = []
    for name in mean.plain.values("predictor"):
        cells = [
            judged(ahead.get((name, task))) or mean.plain.find(predictor=name, task=task)
            for task in TASKS
        ]
        rows.append((name, ABOUT[name], *cells))
    return table(("variant", "what is other", *(TASK_NAMES[task] for task in TASKS)), rows)


def _by_line(levels: Scores, task: str) -> Table:
    gains = Scores(_turned(one) for one in levels.where(task=task).gains)
    return pivot(gains, "predictor", "cell_line", signed, order=COLUMNS, header="variant",
                 caption=TASK_NAMES[task])  # fmt: skip


def _turned(gain: Gain) -> Gain:
    """Return how far the variant is ahead of the model's trees."""
    value = gain.value
    told = value.model_copy(update={"value": -value.value, "low": -value.high, "high": -value.low})
    return Gain(gain.than, gain.predictor, gain.measure, told, gain.role, **gain.keys)


def _curve(scores: Scores) -> Table:
    mine = scores.plain.where(about=CURVE, measure=LEVEL)
    rows = []
    for task in TASKS:
        for of in mine.values("of"):
            points = mine.where(task=task, of=of)
            doubled = scores.find(about=CURVE, measure=DOUBLED, task=task, of=of)
            rows.append((TASK_NAMES[task], of, *points, signed(doubled)))
    shares = (f"{share:.0%}" for share in mine.values("share"))
    return table(("task", "part of the", *shares, DOUBLED), rows,
                 "AUROC by how much is learnt from")  # fmt: skip


def _law(scores: Scores) -> Table:
    curve = scores.plain.where(about=CURVE)
    rows = []
    for task in TASKS:
        for of in curve.values("of"):
            mine = curve.where(task=task, of=of)
            ahead = (mine.find(measure=AHEAD, share=times) for times in FURTHER)
            needed = mine.find(measure=NEEDED)
            least = "" if needed is None else f"{needed.value.value:.1f}"
            rows.append((TASK_NAMES[task], of, mine.find(measure=EXPONENT), *ahead,
                         f"{TARGETS[task]:.2f}", least))  # fmt: skip
    header = ("task", "more", "exponent", *(f"{times:g} times" for times in FURTHER), "target",
              "reached at, times today's")  # fmt: skip
    return table(header, rows, "What the law tells of more data")


BENCHMARK = Benchmark("variants", page, summary)
