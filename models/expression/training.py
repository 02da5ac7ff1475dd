"""Trains expression models: every context of the mirror, or a user's own screen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.schema import Frozen, PerturbationKind
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import sha256_of
from models.checkpoint import write_checkpoint
from models.expression import mirror
from models.expression.anndata_file import read_h5ad
from models.expression.baselines import Additive, NoChange, ScaledAdditive, TrainingMean
from models.expression.checkpoint import FORMAT, Checkpoint, Config, Context
from models.expression.choice import TASKS, Task, distances, folds_of
from models.expression.genes import GeneFeatures, StoredSimilarity, gene_features
from models.expression.kernel import Array, KernelResidual
from models.expression.screens import ExpressionScreen, Predictor
from models.inputs import annotations
from models.provenance import code_commit

SHIPPED_CONTEXTS = tuple(name for name in mirror.CONTEXTS if not name.startswith("replogle"))
"""Contexts whose licence allows weights to be shipped."""
INTERVAL = 0.9
FOLDS = 5
WIDE = 3.0
"""Width of an interval where there is one error, which no other can be compared with."""
RIVALS: Mapping[Task, tuple[Predictor, ...]] = {
    "singles": (NoChange(), TrainingMean()),
    "doubles": (Additive(), ScaledAdditive()),
}


class UserScreen(Frozen):
    """A user's own screen and how to read it.

    Attributes:
        path: The h5ad file.
        perturbation: Column of `obs` that says what was perturbed.
        control: Label of control cells in that column, or several.
        batch: Column of `obs` that says which cells were handled together.
        name: What its context is to be called; the file's name by default.
        cell_line: Cell line, for those who read it.
        kind: What was done to the perturbed genes.
        counts: Whether the file holds raw counts; seen from the values if `None`.
        n_top_genes: Readouts to keep, the most variable; all if `None`.
        layer: Layer that holds the values, or `raw`; X if `None`.
        genes: Column of `var` that names the genes; `var_names` if `None`.
        guide_pattern: What of a guide's label is the gene.
        skip_unknown: Leave out cells whose label is no gene.
    """

    path: Path
    perturbation: str
    control: str | tuple[str, ...]
    batch: str | None = None
    name: str | None = None
    cell_line: str = ""
    kind: PerturbationKind = "knockout"
    counts: bool | None = None
    n_top_genes: int | None = 5000
    layer: str | None = None
    genes: str | None = None
    guide_pattern: str | None = None
    skip_unknown: bool = False


def train(
    data: Path,
    out: Path,
    progress: Progress,
    contexts: Sequence[str] = SHIPPED_CONTEXTS,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Train on contexts of the mirror and write a checkpoint; return held-out errors as records.

    Raises:
        DataError: A source is missing, or a context is unknown.
    """
    progress("reading screens", 0.0)
    screens = mirror.read_contexts(data, contexts)
    described = {
        name: (known.description, known.cell_line)
        for name, known in mirror.CONTEXTS.items()
        if name in contexts
    }
    root = sources_root(data)
    names = (*mirror.files(contexts), *annotations.FILES)
    files = {name: sha256_of(root / name) for name in names}
    features = _features(screens, data, progress, seed)
    return train_screens(screens, described, features, out, progress, seed, files)


def train_file(
    user: UserScreen, data: Path, out: Path, progress: Progress, seed: int = 0
) -> list[dict[str, Any]]:
    """Train on a user's own screen and write a checkpoint; return held-out errors as records.

    Args:
        user: The file and its columns.
        data: A mirror, or a data folder with `sources`: what is known of the genes.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        seed: Of the folds.

    Raises:
        DataError: The file cannot be used, or a source is missing.
    """
    progress("reading the screen", 0.0)
    root = sources_root(data)
    screen = read_user_screen(user, root)
    described = {screen.context: (f"The user's screen {user.path.name}.", user.cell_line)}
    files = {name: sha256_of(root / name) for name in annotations.FILES}
    files[user.path.name] = sha256_of(user.path)
    features = _features([screen], data, progress, seed)
    return train_screens([screen], described, features, out, progress, seed, files)


def read_user_screen(user: UserScreen, root: Path) -> ExpressionScreen:
    """Return the mean responses of a user's screen, its symbols approved.

    Raises:
        DataError: The file cannot be used.
    """
    return read_h5ad(
        user.path,
        user.perturbation,
        user.control,
        user.batch,
        user.name,
        user.kind,
        user.n_top_genes,
        user.counts,
        symbols=read_symbols(root),
        layer=user.layer,
        genes=user.genes,
        guide_pattern=user.guide_pattern,
        skip_unknown=user.skip_unknown,
    )


def train_screens(
    screens: Sequence[ExpressionScreen],
    described: Mapping[str, tuple[str, str]],
    features: GeneFeatures,
    out: Path,
    progress: Progress,
    seed: int = 0,
    files: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Train on screens that were read and write a checkpoint; return held-out errors as records.

    Args:
        screens: One per context.
        described: Description and cell line of each context, by its name.
        features: What is known of all genes.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        seed: Of the folds.
        files: SHA-256 of what was read, by name.

    Raises:
        DataError: A screen is too small to learn from.
    """
    commit = code_commit()
    for screen in screens:
        if len(screen) < FOLDS:
            raise DataError(
                f"{screen.context} holds {len(screen)} perturbations; {FOLDS} are the fewest that "
                "anything can be learnt from."
            )
    contexts, figures = [], []
    for done, screen in enumerate(screens):
        progress(f"learning {screen.context}", 0.3 + 0.6 * done / len(screens))
        found, scored = _learn(screen, features, *described[screen.context], seed)
        contexts.append(found)
        figures += scored
    perturbed = _perturbed(screens)
    stored = StoredSimilarity.of(features, features.symbols, perturbed)
    names = {"genes": features.symbols, "perturbed": perturbed}
    arrays: dict[str, Any] = {"similarity": stored.levels}
    for screen in screens:
        names[screen.context] = screen.readouts
        arrays[f"{screen.context}/response"] = screen.response.astype(np.float16)
        arrays[f"{screen.context}/cells"] = screen.cells.astype(np.int32)
        if screen.baseline is not None:
            arrays[f"{screen.context}/baseline"] = screen.baseline.astype(np.float32)
    progress("writing", 0.95)
    config = Config(seed=seed, contexts=tuple(contexts))
    record = {
        "seed": seed,
        "folds": FOLDS,
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "metrics": figures,
        "sources": dict(files or {}),
    }
    write_checkpoint(out, FORMAT, Checkpoint(config, names, arrays), record)
    progress("done", 1.0)
    return figures


def _perturbed(screens: Sequence[ExpressionScreen]) -> tuple[str, ...]:
    return tuple(sorted({gene for screen in screens for gene in screen.genes}))


def _features(
    screens: Sequence[ExpressionScreen], data: Path, progress: Progress, seed: int
) -> GeneFeatures:
    progress("reading what is known of the genes", 0.1)
    return gene_features(data, _perturbed(screens), seed)


def _learn(
    screen: ExpressionScreen, features: GeneFeatures, description: str, cell_line: str, seed: int
) -> tuple[Context, list[dict[str, Any]]]:
    """Return a context's settings, and the held-out error of the model and of what it must beat."""
    model = KernelResidual(features)
    fitted = model.fit(screen, seed)
    pairs = fitted.pairs
    context = Context(
        name=screen.context,
        description=description,
        cell_line=cell_line,
        kind=screen.kind,
        unit=screen.unit,
        readouts=len(screen.readouts),
        perturbations=screen.perturbations,
        variances=fitted.variances,
        pairs=None if pairs is None else pairs.settings,
        widths=(_width(fitted.errors), None if pairs is None else _width(pairs.errors)),
    )
    figures = []
    for task in TASKS:
        folds = folds_of(screen, task, FOLDS, seed)
        if not folds:
            continue
        rivals = (
            (NoChange(), TrainingMean()) if task == "singles" else (Additive(), ScaledAdditive())
        )
        errors = {one.name: distances(one, screen, folds, seed) for one in (model, *rivals)}
        figures.append(
            {
                "context": screen.context,
                "task": task,
                "perturbations": len(errors[model.name]),
                "mean_l2": {name: round(float(found.mean()), 4) for name, found in errors.items()},
            }
        )
    return context, figures


def _width(errors: Array) -> float:
    """Return what the typical error of a readout is multiplied with to hold 90 % of new errors.

    Each error is compared with the typical one of the other rows, as a new one will be.
    """
    size = np.abs(errors)
    if len(size) < 2:
        return WIDE
    others = (size.sum(0) - size) / (len(size) - 1)
    return float(np.quantile(size[others > 0] / others[others > 0], INTERVAL))
