"""What the page of an evaluation of one setting says."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, pivot, signed, table
from evals.perturbqa import ablation, composition, plots, slices
from evals.perturbqa.facts import Facts
from evals.perturbqa.product.page import ahead_table, coverage, ranked_table, relatedness
from evals.perturbqa.published import PUBLISHED, published_means
from evals.perturbqa.score import CONTROLS, MODEL, Split
from evals.tasks import COLUMNS, MEAN, TASK_NAMES, TASKS, TaskName
from models.inputs.screens import CELL_LINES

SETTINGS = {
    "multi": "The model sees the training rows of all four lines; most of a line's test "
    "perturbations occur in the training rows of another line, which is transfer.",
    "strict": "Rows of a line's test perturbations are hidden from every line, so that a "
    "perturbation asked about was never measured anywhere.",
    "extended": "As multi, and the extra signed sets of Replogle, Adamson and Datlinger are "
    "evidence; no tree is fitted to them and none is scored.",
}
READ_BEFORE = (
    "The official test rows of K562 and RPE1 were read by earlier sessions of this project, for "
    "the weights before these, for a later tree setting and for this table. Nothing here was "
    "chosen by them: model, features, calibration and thresholds come from training perturbations."
)
HOW = (
    "Macro per-gene AUROC with 95 % intervals: 1000 bootstrap resamples of whole perturbations, "
    "shared by everything that is compared. Rows on which the model abstains stay in, ranked by "
    "their readout's prior, which ties them with each other."
)
ROWS: dict[Split, str] = {
    "test": "official test rows (K562, RPE1)",
    "cv": "held-out training rows (four lines)",
}


SHORT = {"de": "DE", "dir": "direction"}
MEANS = (
    "Official test rows of K562 and RPE1, and held-out training perturbations of all four lines: "
    "two different things, which are never averaged. The test labels of HepG2 and Jurkat are "
    "withheld. Figures in italics were published by others, on the official test rows of all four "
    "lines."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    return Page(
        f"PerturbQA, setting {facts.setting}",
        (f"{SETTINGS[facts.setting]} {HOW}",),
        record.made(f"{record.settings['folds']} folds", stages=True),
        sections(record.results),
        MODEL,
    )


def summary(results: Results) -> str:
    """Return what a terminal shows: means over lines, and every line."""
    scores = results.scores
    headline = headline_table(scores)
    parts = ["Means over lines", headline.markdown()] if headline.rows else []
    splits: dict[Split, str] = {"test": "official test rows", "cv": "held-out training rows"}
    for split, name in splits.items():
        for task in TASKS:
            if (told := _per_line_table(scores, split, task)).rows:
                parts += [f"{TASK_NAMES[task]}, {name}", told.markdown()]
    return "\n\n".join(parts)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order; parts that were not measured are left out."""
    scores, facts = results.scores, results.about(Facts)
    found = (
        _headline(scores),
        _official(scores, facts),
        _held_out(scores),
        _both_ways(scores),
        _gap(scores),
        relatedness(scores, MODEL, tuple(ROWS)),
        Section(
            "Calibration and abstention",
            "Expected calibration error over ten equally filled bins.",
            (_calibration(scores),),
            ("reliability",),
        ),
        coverage(scores),
        Section(
            "How far ahead of the controls",
            "Differences on the same rows and the same resamples, mean over the lines.",
            tuple(_ahead(scores, task) for task in TASKS),
        ),
        _slices(scores),
        Section(
            "What each family of features is worth",
            facts.ablation_note,
            tuple(_ablation(scores, task) for task in TASKS),
        ),
        _faithfulness(scores),
    )
    return tuple(one for one in found if any(table.rows for table in one.tables))


def headline_table(scores: Scores) -> Table:
    """Return the means of the model, the controls and what was published, official rows first.

    Official test rows and held-out training rows have a column each and are never averaged.
    """
    told = pivot(
        scores.plain.where(split=tuple(ROWS), measure="auroc", cell_line=MEAN),
        "predictor",
        ("split", "task"),
        order=[(split, task) for split in ROWS for task in TASKS],
        names=lambda head: f"{SHORT[head[1]]}, {ROWS[head[0]]}",
    )
    quoted = {task: published_means(task) for task in TASKS}
    empty = [""] * (len(told.header) - 1 - len(TASKS))
    published = (
        (
            f"*{name}*, four lines",
            *(f"{quoted[t][name]:.3f}" if name in quoted[t] else "" for t in TASKS),
            *empty,
        )
        for name in dict.fromkeys(name for task in TASKS for name in quoted[task])
    )
    return Table(told.header, (*told.rows, *published) if told.rows else ())


def _headline(scores: Scores) -> Section:
    return Section(
        "Means over lines",
        MEANS,
        (headline_table(scores),),
        ("lines-de", "lines-dir"),
    )


def _per_line_table(scores: Scores, split: Split, task: TaskName) -> Table:
    mine = scores.plain.where(split=split, task=task, measure="auroc")
    return pivot(mine, "predictor", "cell_line", order=COLUMNS, caption=TASK_NAMES[task])


def _official(scores: Scores, facts: Facts) -> Section:
    tables = []
    for task in TASKS:
        told = _per_line_table(scores, "test", task)
        published = tuple(
            (
                f"*{name}*",
                *([f"{v:.2f}" for v in PUBLISHED[task].get(name, ())] or [""] * len(CELL_LINES)),
                f"{mean:.3f}",
            )
            for name, mean in published_means(task).items()
        )
        tables.append(Table(told.header, (*told.rows, *published), told.caption))
    withheld = ", ".join(f"{n:,} of {line}" for line, n in facts.withheld.items())
    kept = f" The labels of {withheld} are withheld; those rows are predicted, not scored."
    return Section("Official test rows", READ_BEFORE + (kept if withheld else ""), tuple(tables))


def _held_out(scores: Scores) -> Section:
    text = (
        "Training perturbations of each line, each predicted by a model that did not see its fold. "
        "Calibration curves (two numbers per line and task) were fitted to these rows. Controls: "
        + "; ".join(f"{name}, {what}" for name, what in CONTROLS.items())
        + "."
    )
    tables = tuple(_per_line_table(scores, "cv", task) for task in TASKS)
    return Section("Held-out training perturbations", text, tables)


def _both_ways(scores: Scores) -> Section:
    text = (
        "Within a readout: under which perturbations does it change? Within a perturbation: which "
        "genes change under it? Means over the lines; intervals draw perturbations and readouts "
        "anew, since both were sampled. Average precision is to be read beside chance, the share "
        "of rows with label 1. Within a perturbation the gene prior is a strong answer: some genes "
        "change under everything."
    )
    tables = tuple(
        Table(made.header, made.rows, f"{made.caption}, {ROWS[split]}{more}")
        for split in ROWS
        for task in TASKS
        for more, made in (
            ("", ranked_table(scores.where(split=split), task)),
            (", model minus another", ahead_table(scores.where(split=split), task)),
        )
    )
    return Section("Both ways of ranking", text, tables)


def _gap(scores: Scores) -> Section:
    """Return why test rows are easier or harder than held-out ones."""
    measures = {
        "auroc": "AUROC", "count": "rows", "perturbations": "perturbations",
        "groups": "ranked groups", "rows per group": "rows per group", "changed": "label 1",
        "nearest": "nearest relative", "lines": "other lines", "pairs elsewhere":
        "pair measured elsewhere",
    }  # fmt: skip
    mine = scores.where(by=composition.BY)
    digits = {"count": 0, "perturbations": 0, "groups": 0, "rows per group": 1}
    tables = []
    for task in TASKS:
        told = pivot(
            mine.where(task=task),
            ("cell_line", "rows"),
            "measure",
            lambda one: str(one) if one.measure == "auroc"
            else f"{one.value.value:,.{digits.get(one.measure, 3)}f}",
            order=tuple(measures), names=measures, header=("line", "rows of"),
            caption=TASK_NAMES[task],
        )  # fmt: skip
        tables.append(told)
    text = (
        "What the two consist of: rows per ranked group, how near the nearest measured "
        "perturbation is, how many other lines measured the perturbation. Below, held-out rows "
        "weighed as the test rows are, by one cut after the other: what of the gap is left is not "
        "explained by them. Held-out rows are also predicted by models fitted to fewer rows, a "
        "fold less."
    )
    return Section("Why test rows are not held-out rows", text, tuple(tables))


def _calibration(scores: Scores) -> Table:
    """Return calibration, Brier beside the gene prior's, and what was abstained from."""
    rows = []
    errors = scores.where(measure="calibration error")
    for task, line, split in errors.by("task", "cell_line", "split"):
        mine = scores.plain.where(task=task, cell_line=line, split=split)
        found = {key: one.value for key, one in mine.by("predictor", "measure").items()}
        rows.append(
            (
                TASK_NAMES[task],
                line,
                "official test" if split == "test" else "held-out training",
                f"{found[MODEL, 'rows'].value:,.0f}",
                f"{found[MODEL, 'auroc'].n:,}",
                f"{found[MODEL, 'abstained'].value:,.0f}",
                f"{found[MODEL, 'calibration error'].value:.3f}",
                f"{found[MODEL, 'brier'].value:.4f}",
                f"{found['gene prior', 'brier'].value:.4f}",
            )
        )
    header = (
        "task", "line", "rows of", "rows", "perturbations", "abstained", "calibration error",
        "Brier", "gene prior's Brier",
    )  # fmt: skip
    return table(header, rows)


def _ahead(scores: Scores, task: TaskName) -> Table:
    gains = scores.where(task=task, cell_line=MEAN, split=tuple(ROWS), measure="auroc").gains
    return pivot(
        Scores(gains), "than", "split", signed, order=tuple(ROWS), names=ROWS,
        header="model minus", caption=TASK_NAMES[task],
    )  # fmt: skip


def _slices(scores: Scores) -> Section:
    titles = {
        "training rows": "by number of training rows of the readout in the line",
        "class": "by functional class of the perturbed gene",
    }
    tables = []
    for by, title in titles.items():
        for task in TASKS:
            mine = scores.where(by=by, task=task)
            found = mine.by("part", "measure")
            rows = (
                (part, *(f"{found[part, name].value.value:,.0f}" for name in ("rows", "readouts")),
                 found[part, "auroc"])
                for part in plots.telling(mine)
            )  # fmt: skip
            header = ("part", "rows", "readouts within folds", MODEL)
            tables.append(table(header, rows, f"{TASK_NAMES[task]}, {title}"))
    text = (
        "Held-out training rows of all lines; perturbations are ranked within the part, readout, "
        "line and fold; parts of fewer than 30 readouts are left out. "
        f"Classes: {slices.CLASS_SOURCE}."
    )
    return Section(
        "Where it is good, and where not", text, tuple(tables), ("training-rows", "classes")
    )


def _ablation(scores: Scores, task: TaskName) -> Table:
    mine = scores.where(about=ablation.ABOUT, task=task)
    left = mine.plain.by("predictor")
    rows = [
        (gain.than, left[gain.than,], signed(gain), "yes" if gain.verdict == "better" else "no")
        for gain in mine.gains
    ]
    header = ("family left out", "AUROC without it", "what is lost", "lost beyond chance")
    lost = sum(row[-1] == "yes" for row in rows)
    told = f"the loss of {lost} of {len(rows)} families" if lost else "no family's loss"
    return table(header, rows, f"{TASK_NAMES[task]}: {told} excludes zero")


def _faithfulness(scores: Scores) -> Section:
    every = scores.where(about="faithfulness")
    digits = {"ratio": 1, "cited": 3, "random": 3, "pairs": 0}
    told = pivot(
        every,
        "task",
        "measure",
        lambda one: f"{one.value.value:,.{digits[one.measure]}f}",
        order=tuple(digits),
    )
    rows = tuple((TASK_NAMES[task], *cells) for task, *cells in told.rows)
    header = ("task", "ratio", "change without cited rows", "without random rows", "pairs")
    text = (
        "How far predictions of official test pairs move (log-odds) when the training rows they "
        "cite are taken away, and when as many other rows of the same readout are, drawn among "
        "those that vote too where there are enough."
    )
    title = "Do the cited experiments carry the prediction?"
    return Section(title, text, (Table(header, rows),))


BENCHMARK = Benchmark("perturbqa", page, summary, plots.drawn)
