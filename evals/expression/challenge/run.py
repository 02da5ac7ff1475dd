"""Scores predicted cells by the challenge's six measures in a run folder.

`units/` holds a table per context, task and predictor, a row per perturbation, and the tables of
the replicates that the scale ends at.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals.expression import challenge as benchmark
from evals.expression.challenge import package
from evals.expression.challenge.facts import MEASURES, Facts, PanelFacts
from evals.expression.challenge.measures import (
    Reference,
    differential,
    fold_change_error,
    measured,
)
from evals.expression.challenge.page import BENCHMARK
from evals.expression.challenge.panel import Panel, read_file_panels, read_panel
from evals.expression.challenge.predictors import Entry, by_name, controls, other_lines, unseen
from evals.expression.challenge.score import DRAWS, MEAN, scale_of, scores, value
from evals.harness.run import Inputs, Run, Unit
from evals.harness.scores import Results, Score
from knowledge.progress import Progress
from knowledge.schema import Frozen, PerturbationKind
from knowledge.sources.genes import sources_root
from models import expression as model
from models.expression import mirror
from models.expression.choice import FEWEST
from models.expression.genes import GeneFeatures, gene_features
from models.inputs import annotations

SPLITS = 5
CELLS = 400
"""Of a perturbation, and of the controls, at most; the challenge gives as many."""
UNSEEN, LINE = "unseen perturbations", "a line left out"
LINES = ("mcfaline-a172", "mcfaline-t98g", "mcfaline-u87mg")
"""Contexts of the mirror that perturbed the same genes in the same way."""


class ChallengeFile(Frozen):
    """A file of raw counts, such as the challenge's.

    Attributes:
        path: The .h5ad file.
        perturbation: Column of the perturbed gene.
        control: Labels of unperturbed cells.
        line: Column of the cell line, if there are several.
        kind: What was done to the genes.
        cells: Of a perturbation in a line, at most.
    """

    path: Path
    perturbation: str = "target_gene"
    control: tuple[str, ...] = ("non-targeting",)
    line: str | None = None
    kind: PerturbationKind = "knockdown"
    cells: int = CELLS


class ChallengeEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    contexts: tuple[str, ...] = Field(mirror.WITH_CELLS, description="Screens of the mirror.")
    own: ChallengeFile | None = Field(None, description="A file, scored instead.")
    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(5, ge=2, description="Folds over perturbations.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")
    package: Path | None = Field(None, description="Python in which cell-eval2 is installed.")


def evaluate(data: Path, out: Path, settings: ChallengeEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        KnockwiseError: The package cannot be run.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    files = {name: root / name for name in [*mirror.files(settings.contexts), *annotations.FILES]}
    if settings.own is not None:
        files[settings.own.path.name] = settings.own.path
    versions = {} if settings.package is None else package.installed(settings.package)
    inputs = Inputs(files, (benchmark, model), versions)
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(data, run, settings), progress
    )


def _evaluated(data: Path, run: Run, settings: ChallengeEval) -> Results:
    with run.clock("read"):
        run.progress("reading cells", 0.0)
        panels = _panels(data, settings)
        genes = {gene for panel in panels for gene in panel.perturbations}
        features = gene_features(data, also=genes)
    told: list[Score] = []
    about: list[PanelFacts] = []
    worst: list[float] = []
    for number, panel in enumerate(panels):
        run.progress(panel.context, 0.1 + 0.8 * number / len(panels))
        with run.clock("reference"):
            reference = Reference.of(panel)
        tables, roles = _tables(run, panel, reference, panels, features, settings)
        replicates = run.table(
            f"{panel.context}/replicates", partial(_replicates, panel, reference), "replicates"
        )
        zero = tables[UNSEEN][MEAN]
        about.append(_facts(panel, reference, zero, replicates))
        for task, mine in tables.items():
            told += scores(about[-1], task, mine, roles[task], settings.seed, settings.draws)
        if settings.package is not None:
            worst.append(_checked(run, panel, zero, settings))
    version = "" if settings.package is None else package.installed(settings.package)["cell-eval2"]
    difference = max(worst) if worst else None
    facts = Facts(panels=tuple(about), package=version, difference=difference)
    return Results.of(BENCHMARK.kind, told, facts)


def _panels(data: Path, settings: ChallengeEval) -> list[Panel]:
    """Return the panels with enough perturbations to hold any out."""
    seed = settings.seed
    if (own := settings.own) is not None:
        found = read_file_panels(
            own.path, own.perturbation, own.control, own.kind, own.cells, seed, own.line
        )
    else:
        found = [
            read_panel(data, name, mirror.CONTEXTS[name].kind, seed, CELLS)
            for name in settings.contexts
        ]
    return [panel for panel in found if len(panel.cells) >= FEWEST]


def _tables(
    run: Run,
    panel: Panel,
    reference: Reference,
    panels: Sequence[Panel],
    features: GeneFeatures,
    settings: ChallengeEval,
) -> tuple[dict[str, dict[str, pd.DataFrame]], dict[str, Mapping[str, str]]]:
    """Return the table and the role of every predictor, by what was held out."""
    shared = controls(panel, settings.seed)
    work = {UNSEEN: [*shared, *unseen(panel, features, settings.folds, settings.seed)]}
    if others := _others(panel, panels, settings):
        work[LINE] = [*shared, *other_lines(panel, others, settings.seed)]
    tables = {
        task: {entry.name: run.table(*_unit(panel, task, entry, reference)) for entry in entries}
        for task, entries in work.items()
    }
    return tables, {task: by_name(entries) for task, entries in work.items()}


def _others(panel: Panel, panels: Sequence[Panel], settings: ChallengeEval) -> list[Panel]:
    """Return the other lines with the same perturbations."""
    if settings.own is None and panel.context not in LINES:
        return []
    return [
        one for one in panels
        if one is not panel and (settings.own is not None or one.context in LINES)
    ]  # fmt: skip


def _unit(panel: Panel, task: str, entry: Entry, reference: Reference) -> Unit:
    # Controls know nothing of the task, and are measured once.
    where = "controls" if entry.role == "control" else task
    return Unit(
        f"{panel.context}/{where}/{entry.name}",
        lambda: measured(reference, entry.cells(), panel.control),
        entry.name,
    )


def _replicates(panel: Panel, reference: Reference) -> pd.DataFrame:
    """Return one half of the cells as a prediction of the other, five times.

    Each half has its own controls. Fold changes are judged over the readouts that all cells
    together call, by both halves, as halves call fewer.
    """
    seeds = np.random.SeedSequence(0).generate_state(SPLITS)
    found = []
    for split, seed in enumerate(seeds):
        first, second = panel.halves(int(seed))
        table = measured(Reference.of(first), list(second.cells.values()), second.control)
        table["fold change"] = list(_between(reference, first, second))
        found.append(table.assign(split=split))
    return pd.concat(found, ignore_index=True)


def _between(reference: Reference, first: Panel, second: Panel) -> Iterator[float]:
    own = reference.own
    for row, name in enumerate(reference.panel.perturbations):
        one, other = (
            differential(half.cells[name], half.control, reference.tested).lfc
            for half in (first, second)
        )
        kept = ~own[row][reference.tested]
        yield fold_change_error(one, reference.tables[row], kept, other)


def _facts(
    panel: Panel, reference: Reference, zero: pd.DataFrame, replicates: pd.DataFrame
) -> PanelFacts:
    return PanelFacts(
        context=panel.context,
        perturbations=len(panel.cells),
        cells=int(np.median([one.shape[0] for one in panel.cells.values()])),
        controls=panel.control.shape[0],
        tested=int(reference.tested.sum()),
        readouts=len(panel.genes),
        called=float(np.mean([table.called.sum() for table in reference.tables])),
        scales={name: scale_of(zero, replicates, name) for name in MEASURES},
    )


def _checked(run: Run, panel: Panel, zero: pd.DataFrame, settings: ChallengeEval) -> float:
    """Return the largest difference between the package's values of the mean response and ours."""
    entry = next(one for one in controls(panel, settings.seed) if one.name == MEAN)
    theirs = run.figures(
        f"{panel.context}/cell-eval2",
        dict[str, float | None],
        lambda: package.scored(settings.package or Path(), panel, entry.cells()),
    )
    mine = {name: value(zero, name) for name in MEASURES}
    return max(
        (abs(mine[name] - one) for name, one in theirs.items()
         if one is not None and np.isfinite(mine[name])),
        default=0.0,
    )  # fmt: skip
