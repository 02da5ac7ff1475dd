"""What the page of an evaluation says, as sections of text and tables for Markdown and HTML."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evals.harness.resampling import Estimate
from evals.perturbqa.rows import TASK_NAMES, TASKS, TaskName
from evals.perturbqa.schema import CONTROLS, MEAN, MODEL, Metrics, Score, Split
from evals.published import PUBLISHED, published_means
from models.response.screens import CELL_LINES

SETTINGS = {
    "multi": "The model sees the training rows of all four lines; most of a line's test "
    "perturbations occur in the training rows of another line, which is transfer.",
    "strict": "Rows of a line's test perturbations are hidden from every line, so that a "
    "perturbation asked about was never measured anywhere.",
    "extended": "As multi, and the extra signed sets of Replogle, Adamson and Datlinger are "
    "evidence; no tree is fitted to them and none is scored.",
}
READ_BEFORE = (
    "The official test rows of K562 and RPE1 were read by earlier sessions of this project, twice: "
    "for the weights before these and for a later tree setting. Nothing here was chosen by them: "
    "model, features, calibration and thresholds come from training perturbations."
)
HOW = (
    "Macro per-gene AUROC with 95 % intervals: 1000 bootstrap resamples of whole perturbations, "
    "shared by everything that is compared. Rows on which the model abstains stay in, ranked by "
    "their readout's prior, which ties them with each other."
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return it as Markdown."""
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what it says, its tables by caption and the plots beside them."""

    title: str
    text: str
    tables: Mapping[str, Table]
    plots: tuple[str, ...] = ()


def sections(metrics: Metrics) -> list[Section]:
    """Return the page in order; parts that were not measured are left out."""
    found = [
        _headline(metrics),
        _per_line(metrics, "test"),
        _per_line(metrics, "cv"),
        _calibration(metrics),
        _ahead(metrics),
        _slices(metrics),
        _ablation(metrics),
        _faithfulness(metrics),
    ]
    return [section for section in found if any(table.rows for table in section.tables.values())]


def score_table(scores: Iterable[Score], task: TaskName, published: bool = False) -> Table:
    """Return one row per predictor and one column per line, and the mean."""
    columns = (*CELL_LINES, MEAN)
    found = {(s.predictor, s.cell_line): s for s in scores if s.task == task}
    names = dict.fromkeys(predictor for predictor, _ in found)
    rows = [(name, *(_cell(found.get((name, column))) for column in columns)) for name in names]
    if published:
        means = published_means(task)
        quoted = PUBLISHED[task]
        for name, mean in means.items():
            lines = tuple(f"{value:.2f}" for value in quoted.get(name, ()))
            rows.append((f"*{name}*", *(lines or ("",) * len(CELL_LINES)), f"{mean:.3f}"))
    return Table(("predictor", *columns), tuple(rows))


def headline_table(metrics: Metrics) -> Table:
    """Return the mean over the four lines of the model, the controls and what was published."""
    rows: list[tuple[str, ...]] = []
    joined = {(s.predictor, s.task): s for s in metrics.of("joined")}
    for name in dict.fromkeys(predictor for predictor, _ in joined):
        rows.append((name, *(_cell(joined.get((name, task))) for task in TASKS)))
    if rows:
        quoted = {task: published_means(task) for task in TASKS}
        for name in dict.fromkeys([*quoted["de"], *quoted["dir"]]):
            cells = (f"{quoted[t][name]:.3f}" if name in quoted[t] else "" for t in TASKS)
            rows.append((f"*{name}*", *cells))
    return Table(("predictor", *(TASK_NAMES[task] for task in TASKS)), tuple(rows))


def calibration_table(metrics: Metrics) -> Table:
    """Return calibration, Brier beside the gene prior's, and what was abstained from."""
    rows = [
        (
            TASK_NAMES[s.task],
            s.cell_line,
            "official test" if s.split == "test" else "held-out training",
            f"{s.rows:,}",
            f"{s.auroc.n:,}",
            f"{s.abstained:,}",
            f"{s.calibration_error:.3f}",
            f"{s.brier:.4f}",
            f"{s.prior_brier:.4f}",
        )
        for s in metrics.scores
        if s.calibration_error is not None
    ]
    header = (
        "task", "line", "rows of", "rows", "perturbations", "abstained", "calibration error",
        "Brier", "gene prior's Brier",
    )  # fmt: skip
    return Table(header, tuple(rows))


def provenance_table(config: Mapping[str, Any]) -> Table:
    """Return the hashes behind a run."""
    return Table(
        ("file", "sha256"), tuple((name, sha[:16]) for name, sha in config["data"].items())
    )


def _headline(metrics: Metrics) -> Section:
    return Section(
        "Mean over the four lines",
        "K562 and RPE1 on their official test rows, HepG2 and Jurkat, whose test labels are "
        "withheld, by cross-validation over training perturbations. Figures in italics were "
        "published by others, on the official test rows of all four lines.",
        {"": headline_table(metrics)},
        ("lines-de", "lines-dir"),
    )


def _per_line(metrics: Metrics, split: Split) -> Section:
    scores = metrics.of(split)
    tables = {TASK_NAMES[t]: score_table(scores, t, published=split == "test") for t in TASKS}
    if split == "test":
        withheld = ", ".join(f"{n:,} of {line}" for line, n in metrics.withheld.items())
        kept = f" The labels of {withheld} are withheld; those rows are predicted, not scored."
        text = READ_BEFORE + (kept if withheld else "")
        return Section("Official test rows", text, tables)
    text = (
        "Training perturbations of each line, each predicted by a model that did not see its fold. "
        "Calibration curves (two numbers per line and task) were fitted to these rows. Controls: "
        + "; ".join(f"{name}, {what}" for name, what in CONTROLS.items())
        + "."
    )
    return Section("Held-out training perturbations", text, tables)


def _calibration(metrics: Metrics) -> Section:
    return Section(
        "Calibration and abstention",
        "Expected calibration error over ten equally filled bins.",
        {"": calibration_table(metrics)},
        ("reliability",),
    )


def _ahead(metrics: Metrics) -> Section:
    splits: dict[Split, str] = {
        "test": "official test rows",
        "cv": "held-out rows",
        "joined": "four lines",
    }
    tables = {}
    for task in TASKS:
        found = {
            (s.predictor, s.split): s
            for s in metrics.scores
            if s.task == task and s.cell_line == MEAN and s.ahead is not None
        }
        names = dict.fromkeys(name for name, _ in found)
        rows = [(n, *(_ahead_cell(found.get((n, split))) for split in splits)) for n in names]
        tables[TASK_NAMES[task]] = Table(("model minus", *splits.values()), tuple(rows))
    text = "Differences on the same rows and the same resamples, mean over the lines."
    return Section("How far ahead of the controls", text, tables)


def _slices(metrics: Metrics) -> Section:
    tables = {}
    for title, slices in (
        ("by number of training rows of the readout in the line", metrics.by_training_rows),
        ("by functional class of the perturbed gene", metrics.by_class),
    ):
        for task in TASKS:
            rows = tuple(
                (one.name, f"{one.rows:,}", f"{one.readouts:,}", str(one.auroc))
                for one in slices
                if one.task == task and one.telling
            )
            header = ("part", "rows", "readouts within folds", MODEL)
            tables[f"{TASK_NAMES[task]}, {title}"] = Table(header, rows)
    text = (
        "Held-out training rows of all lines; perturbations are ranked within the part, readout, "
        "line and fold; parts of fewer than 30 readouts are left out. "
        f"Classes: {metrics.class_source}."
    )
    return Section("Where it is good, and where not", text, tables, ("training-rows", "classes"))


def _ablation(metrics: Metrics) -> Section:
    tables = {
        TASK_NAMES[task]: Table(
            ("family left out", "AUROC without it", "what is lost"),
            tuple(
                (one.family, str(one.without), _signed(one.lost))
                for one in metrics.ablation
                if one.task == task
            ),
        )
        for task in TASKS
    }
    return Section("What each family of features is worth", metrics.ablation_note, tables)


def _faithfulness(metrics: Metrics) -> Section:
    rows = tuple(
        (TASK_NAMES[f.task], f"{f.ratio:.1f}", f"{f.cited:.3f}", f"{f.random:.3f}", f"{f.pairs:,}")
        for f in metrics.faithfulness
    )
    header = ("task", "ratio", "change without cited rows", "without random rows", "pairs")
    text = (
        "How far predictions of official test pairs move (log-odds) when the training rows they "
        "cite are taken away, and when as many other rows of the same readout are, drawn among "
        "those that vote too where there are enough."
    )
    return Section(
        "Do the cited experiments carry the prediction?", text, {"": Table(header, rows)}
    )


def _cell(score: Score | None) -> str:
    return "" if score is None else str(score.auroc)


def _ahead_cell(score: Score | None) -> str:
    return "" if score is None or score.ahead is None else _signed(score.ahead)


def _signed(value: Estimate) -> str:
    return f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows: the mean over the lines if it is there, and every line."""
    parts = []
    headline = headline_table(metrics)
    if headline.rows:
        parts += ["Mean over the four lines", headline.markdown()]
    splits: dict[Split, str] = {"test": "official test rows", "cv": "held-out training rows"}
    for split, name in splits.items():
        for task in TASKS:
            table = score_table(metrics.of(split), task)
            if table.rows:
                parts += [f"{TASK_NAMES[task]}, {name}", table.markdown()]
    return "\n\n".join(parts)
