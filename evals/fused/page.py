"""What is told of the fused answer beside the response model alone."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, number, pivot, signed
from evals.tasks import COLUMNS, TASK_NAMES, TASKS
from models.inputs.screens import CELL_LINES

ALONE, FUSED = "response model alone", "fused answer"
# A specific responder changed, and is recorded as changed under at most so many of the line's
# other training perturbations.
RARE = 0.05
FIRST = 20
HOW = (
    "What `ask` answers is the response model fused with paths. Macro per-gene AUROC on held-out "
    "training perturbations of the four lines: the response model never saw the perturbation, and "
    "fusion was fitted without it. 95 % intervals by resampling whole perturbations."
)
LISTS = (
    "Share of specific responders among a perturbation's first twenty of some hundred held-out "
    "training rows. A specific responder changed, and is recorded as changed under at most "
    f"{RARE:.0%} of the line's other training perturbations. Rows are few and picked for balance: "
    "the section on regulators has lists over all readouts."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    made = f"Seed {record.settings['seed']}, commit `{record.config['commit'][:10]}`."
    title = "PerturbQA: the fused answer"
    return Page(title, (HOW,), made, sections(record.results.scores), FUSED, " (fused)")


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(sections(results.scores))


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    settings = scores.values("setting")
    per_gene = tuple(
        _scores(scores.where(setting=setting, task=task), f"{TASK_NAMES[task]}, {setting}")
        for setting in settings
        for task in TASKS
    )
    lists = tuple(
        pivot(
            scores.where(setting=setting, measure="specific"),
            "predictor",
            "cell_line",
            order=[line for line in CELL_LINES if scores.find(cell_line=line, measure="specific")],
            header="rows ranked by",
            caption=setting,
        )
        for setting in settings
    )
    return Section("Per gene", "", per_gene), Section("Specific responders", LISTS, lists)


def _scores(scores: Scores, caption: str) -> Table:
    parts = (
        pivot(scores.plain.where(measure="auroc"), "predictor", "cell_line", order=COLUMNS),
        pivot(Scores(scores.gains), "measure", "cell_line", signed, order=COLUMNS),
        pivot(scores.where(measure="calibration error"), "predictor", "cell_line", number(3),
              order=COLUMNS),
    )  # fmt: skip
    aurocs, gains, errors = (one.rows for one in parts)
    rows = (
        *aurocs,
        *(("fused minus response", *cells) for _, *cells in gains),
        *((f"calibration error, {name}", *cells) for name, *cells in errors),
    )
    return Table(parts[0].header, rows, caption)


BENCHMARK = Benchmark("fused", page, summary)
