"""What is told of the product's answers to the official test rows."""

from collections.abc import Sequence

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, number, pivot, signed
from evals.perturbqa import composition
from evals.perturbqa.intervals import COVERED, EXPECTED, WIDTH
from evals.perturbqa.ranked import MEASURES, WITHIN, measure
from evals.tasks import MEAN, TASK_NAMES, TASKS

PRODUCT, RESPONSE = "fused answer", "response model, shipped"
STARTER = f"{PRODUCT}, starter pack"
HOW = (
    "Every official test row of K562 and RPE1, asked as `ask` and `predict` answer: the shipped "
    "weights (fitted to training rows, setting `multi`), fused with paths through all knowledge or "
    "the starter pack alone. Nothing is fitted here. Rows that the product gives no number are "
    "ranked by how often their readout changes whatever is perturbed. The labels were read by "
    "earlier sessions of this project and nothing was chosen by them."
)
SHARE = "share of rows"
LINES = ("K562", "RPE1", MEAN)


def page(record: Record) -> Page:
    """Return the page of a run."""
    made = record.made(stages=True)
    return Page(
        "PerturbQA: what the product says, official test rows", (HOW,), made,
        sections(record.results.scores), ours(record.results.scores), " (product)",
    )  # fmt: skip


def ours(scores: Scores) -> str:
    """Return what the product's answer is called, with the richest knowledge that was at hand."""
    return PRODUCT if scores.where(predictor=PRODUCT) else STARTER


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(sections(results.scores))


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    return (
        Section(
            "Per gene",
            "Macro AUROC within readout, resampling whole perturbations.",
            tuple(_per_gene(scores, task) for task in TASKS),
        ),
        Section(
            "Both ways of ranking",
            "Within a readout: under which perturbations does it change? Within a perturbation: "
            "which genes change under it? Mean of K562 and RPE1; intervals draw perturbations and "
            "readouts anew. Average precision is to be read beside chance, the share of rows that "
            "changed (or went up).",
            tuple(ranked_table(scores.where(split="test"), task) for task in TASKS),
        ),
        Section(
            "Ahead of the others",
            "The fused answer minus another, on the same rows and resamples.",
            tuple(ahead_table(scores.where(split="test"), task) for task in TASKS),
        ),
        Section("Probabilities", "Calibration error over ten equally filled bins.",
                tuple(_probabilities(scores, task) for task in TASKS)),
        coverage(scores),
        relatedness(scores, ours(scores), ("test",)),
    )  # fmt: skip


def ranked_table(scores: Scores, task: str) -> Table:
    """Return the measures of both ways of ranking, mean over the lines."""
    names = [measure(by, within) for within in WITHIN for by in MEASURES]
    mine = scores.plain.where(task=task, measure=names, cell_line=MEAN)
    return pivot(mine, "predictor", "measure", order=names, caption=TASK_NAMES[task])


def ahead_table(scores: Scores, task: str) -> Table:
    """Return how far ours is ahead of each other predictor in each of these measures."""
    names = [measure(by, within) for within in WITHIN for by in MEASURES]
    gains = scores.where(task=task, measure=names, cell_line=MEAN).gains
    return pivot(
        Scores(gains), "than", "measure", signed, order=names, header="minus",
        caption=TASK_NAMES[task],
    )  # fmt: skip


def relatedness(scores: Scores, who: str, splits: Sequence[str]) -> Section:
    """Return the AUROC and share of rows by what is known of the perturbation."""
    tables = []
    for cut, words in composition.CUTS.items():
        for task in TASKS:
            mine = scores.where(by=cut, task=task)
            heads = [
                (rows, name, measure)
                for rows in splits
                for name, measure in (
                    (who, SHARE), (who, "auroc"), (composition.TRANSFER, "auroc"),
                )
            ]  # fmt: skip
            told = pivot(
                mine,
                "part",
                ("rows", "predictor", "measure"),
                lambda one: f"{one.value.value:.1%}" if one.measure == SHARE else str(one),
                order=heads,
                names=lambda head: f"{'test' if head[0] == 'test' else 'held out'}: "
                f"{'share' if head[2] == SHARE else head[1]}",
                header=words,
                caption=f"{TASK_NAMES[task]}, by {words}",
            )  # fmt: skip
            tables.append(told)
    text = (
        "AUROC within line, readout and fold among the rows of a part; parts of few readouts are "
        "left out. Cross-line transfer says something only of pairs that another line measured: "
        "the share of those is its coverage."
    )
    return Section("By relatedness, other lines and strength", text, tuple(tables))


def coverage(scores: Scores) -> Section:
    """Return how many rates lie in their 90 % interval."""
    names = {
        COVERED: "inside their 90 % interval", EXPECTED: "would be, if right", WIDTH: "mean width",
    }  # fmt: skip
    told = pivot(
        scores.where(measure=tuple(names)),
        ("task", "cell_line", "split", "stated"),
        "measure",
        order=tuple(names),
        names=names,
        header=("task", "line", "rows of", "stated probability"),
    )
    text = (
        "The intervals of P(changes) and P(up) are of a rate: of rows of one perturbation whose "
        "stated probability is alike. What is observed is a count of some dozen rows, so each "
        "interval is turned into that of the count; whole numbers make it hold somewhat more than "
        "nine of ten."
    )
    return Section("Coverage of the 90 % intervals", text, (told,))


def _per_gene(scores: Scores, task: str) -> Table:
    mine = scores.plain.where(task=task, measure="auroc")
    return pivot(mine, "predictor", "cell_line", order=LINES, caption=TASK_NAMES[task])


def _probabilities(scores: Scores, task: str) -> Table:
    names = ("calibration error", "brier", "without a number", "rows")
    mine = scores.where(task=task, measure=names, cell_line=MEAN)
    return pivot(
        mine, "predictor", "measure",
        lambda one: number(3 if one.measure in names[:2] else 0)(one),
        order=names, caption=TASK_NAMES[task],
    )  # fmt: skip


BENCHMARK = Benchmark("product", page, summary)
