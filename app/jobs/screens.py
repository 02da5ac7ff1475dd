"""The work behind `knockwise screen`: a file of one's own read as measured rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from knowledge.errors import QuestionError
from knowledge.own_screens import OwnScreen
from knowledge.progress import Progress
from knowledge.schema import Frozen, PerturbationKind

if TYPE_CHECKING:
    import pyarrow as pa

    from knowledge.base import Knowledge
    from models.expression.anndata_file import Layout
    from tools.lists.listed import ResultList

UNCHANGED, DOWN, UP = 0, 1, 2
# A t-test over cells takes them for replicates: small changes of many cells are not told as any.
LEAST_FOLD = 0.25
# Between these adjusted p-values a pair counts as neither changed nor unchanged.
QUIET = 0.2
Sorted = Literal["high", "low"]


class Wanted(Frozen):
    """How a file is read as a screen.

    Attributes:
        name: What the screen is called.
        cell_line: Where it was measured.
        kind: How genes were perturbed.
        private: Whether it stays out of reports.
        pert: The gene that was perturbed, of a table of one perturbation.
        pert_col: Column of a table, or of `obs`, that says what was perturbed.
        readout: Of a summary of MAGeCK, the gene whose level the cells were sorted by.
        sorted_for: In which cells enriched guides were found.
        alpha: The adjusted p-value up to which a gene changed.
        least_effect: The size of log fold change from which it did.
    """

    name: str
    cell_line: str
    kind: PerturbationKind = "knockdown"
    private: bool = False
    pert: str = ""
    pert_col: str | None = None
    readout: str = ""
    sorted_for: Sorted = "high"
    alpha: float = 0.05
    least_effect: float | None = None


class Rows(NamedTuple):
    """Measured rows, a list a column, and how they came about."""

    perturbation: list[str]
    gene: list[str]
    effect: list[float]
    padj: list[float]
    outcome: list[int]


class Read(NamedTuple):
    """A file as it was read: rows, how changes were told, cells behind them, and remarks."""

    rows: "pa.Table"
    method: str
    cells: int | None
    notes: tuple[str, ...]


def screen_of(path: Path, wanted: Wanted, read: Read) -> OwnScreen:
    """Return what a screen is, from its rows.

    Raises:
        QuestionError: It has none.
    """
    import pyarrow.compute as pc

    rows = read.rows
    if not rows.num_rows:
        raise QuestionError(f"{path} holds no measured pair of known genes; see what it names.")
    return OwnScreen(
        name=wanted.name,
        cell_line=wanted.cell_line,
        kind=wanted.kind,
        private=wanted.private,
        source=path.name,
        method=read.method,
        perturbations=len(pc.unique(rows.column("perturbation"))),
        readouts=len(pc.unique(rows.column("gene"))),
        rows=rows.num_rows,
        changed=int(pc.sum(pc.greater(rows.column("outcome"), UNCHANGED)).as_py() or 0),
        cells=read.cells,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_cells(
    path: Path, wanted: Wanted, layout: "Layout", knowledge: "Knowledge", progress: Progress
) -> Read:
    """Return the measured rows of an `.h5ad` file of cells, each perturbation against controls.

    Raises:
        DataError: It is not what it should be.
    """
    import numpy as np
    import pyarrow as pa

    from models.expression.moments import read_moments, tested

    least = LEAST_FOLD if wanted.least_effect is None else wanted.least_effect
    moments = read_moments(path, layout, knowledge.symbols, progress)
    readouts = np.array(moments.readouts)
    parts: dict[str, list[Any]] = {"pert": [], "gene": [], "effect": [], "padj": [], "outcome": []}
    for number, one in enumerate(tested(moments)):
        changed = (one.padj <= wanted.alpha) & (np.abs(one.effect) >= least)
        quiet = one.padj > max(QUIET, wanted.alpha)
        kept = (changed | quiet) & (readouts[one.readouts] != one.perturbation)
        outcome = np.where(changed, np.where(one.effect > 0, UP, DOWN), UNCHANGED)
        parts["pert"].append(np.full(int(kept.sum()), number, np.int32))
        parts["gene"].append(one.readouts[kept].astype(np.int32))
        parts["effect"].append(one.effect[kept].astype(np.float32))
        parts["padj"].append(one.padj[kept].astype(np.float32))
        parts["outcome"].append(outcome[kept].astype(np.int8))
    names = [one for one in moments.perturbations]
    joined = {name: np.concatenate(some) if some else np.zeros(0) for name, some in parts.items()}
    rows = pa.table({
        "perturbation": pa.DictionaryArray.from_arrays(
            pa.array(joined["pert"].astype(np.int32)), pa.array(names)
        ),
        "gene": pa.DictionaryArray.from_arrays(
            pa.array(joined["gene"].astype(np.int32)), pa.array(list(moments.readouts))
        ),
        "effect": joined["effect"].astype(np.float32),
        "padj": joined["padj"].astype(np.float32),
        "outcome": joined["outcome"].astype(np.int8),
    })  # fmt: skip
    notes = [
        f"Cells are taken for replicates, so a change needs a log2 fold change of {least:g} beside "
        f"an adjusted p-value of {wanted.alpha:g}; a table of DESeq2 on replicates is firmer."
    ]
    if moments.left_out:
        notes.append(
            f"{moments.left_out:,} cells of several genes, without a label or of fewer than ten "
            "cells a gene are left out."
        )
    return Read(rows, "Welch's t-test of log-normalised cells", int(moments.cells.sum()),
                tuple(notes))  # fmt: skip


def read_table(
    path: Path,
    wanted: Wanted,
    knowledge: "Knowledge",
    orthologues: Callable[[], Mapping[str, str]],
) -> Read:
    """Return the measured rows of a table: of one perturbation, of several, or of a sorted screen.

    Raises:
        QuestionError: It does not say what was perturbed, or cannot be read.
    """
    from app.jobs.pairs import ground_gene
    from tools.lists.listed import Reading
    from tools.lists.results import read_groups, read_result

    least = wanted.least_effect or 0.0
    reading = Reading(alpha=wanted.alpha, least_effect=least)
    symbols = knowledge.symbols
    rows = Rows([], [], [], [], [])
    if wanted.pert:
        gene = ground_gene(symbols, wanted.pert)
        result = read_result(str(path), symbols, reading, orthologues, gene)
        _check_measured(result)
        _add(rows, gene, result)
        return Read(_table(rows), result.description, None, result.notes)
    if wanted.readout:
        target = ground_gene(symbols, wanted.readout)
        result = read_result(str(path), symbols, reading, orthologues)
        if result.kind != "perturbed":
            raise QuestionError(
                f"{path} is {result.description}, whose genes were measured; name with --pert what "
                "was perturbed."
            )
        _add_hits(rows, target, result, wanted.sorted_for)
        return Read(_table(rows), result.description, None, result.notes)
    try:
        groups = read_groups(path, symbols, reading, wanted.pert_col, orthologues)
    except QuestionError as error:
        raise QuestionError(
            f"{error} Or name with --pert the gene that was perturbed, or of a summary of MAGeCK "
            "with --readout the gene whose level the cells were sorted by."
        ) from None
    read, passed = _perturbed(knowledge, list(groups))
    for group, gene in read.items():
        _check_measured(groups[group])
        _add(rows, gene, groups[group])
    if not read:
        raise QuestionError(
            f"No group of {path} names one perturbed gene ({', '.join(list(groups)[:5])}); name it "
            "with --pert, or another --pert-col."
        )
    first = groups[next(iter(read))]
    notes = [f"Left out, as they name no single gene: {', '.join(passed[:8])}."] if passed else []
    return Read(_table(rows), first.description, None, tuple(notes))


def _check_measured(result: "ResultList") -> None:
    if result.kind == "perturbed":
        raise QuestionError(
            f"{result.source} names perturbed genes; name with --readout the gene whose level the "
            "cells were sorted by."
        )


def _perturbed(
    knowledge: "Knowledge", groups: Sequence[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the gene of each group that names one, and the other groups."""
    from knowledge.user_tables.labels import LabelReader

    reader = LabelReader(knowledge.symbols, suggest=False)
    labels = {group: reader.read(group) for group in groups}
    read = {
        group: label.genes[0]
        for group, label in labels.items()
        if label.reading == "genes" and len(label.genes) == 1
    }
    return read, tuple(group for group in groups if group not in read)


def _add(rows: Rows, pert: str, result: "ResultList") -> None:
    """Add what one perturbation did to the genes of a result."""
    codes = {"up": UP, "down": DOWN}
    for one in result.genes:
        if not one.known or one.gene == pert or one.state == "between":
            continue
        if one.state == "changed" and one.direction is None:
            continue
        changed = one.state == "changed" and one.direction is not None
        rows.perturbation.append(pert)
        rows.gene.append(one.gene)
        rows.effect.append(float("nan") if one.effect is None else one.effect)
        rows.padj.append(float("nan") if one.padj is None else one.padj)
        rows.outcome.append(codes[one.direction] if changed and one.direction else UNCHANGED)


def _add_hits(rows: Rows, readout: str, result: "ResultList", sorted_for: Sorted) -> None:
    """Add what the loss of each gene of a sorted screen did to what it was sorted by."""
    from tools.lists.hits import moved

    for one in result.genes:
        if not one.known or one.gene == readout or one.state == "between":
            continue
        way = moved(one, sorted_for)
        rows.perturbation.append(one.gene)
        rows.gene.append(readout)
        rows.effect.append(float("nan") if one.effect is None else one.effect)
        rows.padj.append(float("nan") if one.padj is None else one.padj)
        hit = one.state == "changed" and way is not None
        rows.outcome.append((UP if way == "up" else DOWN) if hit else UNCHANGED)


def _table(rows: Rows) -> "pa.Table":
    import pyarrow as pa

    return pa.table({
        "perturbation": pa.array(rows.perturbation, pa.string()).dictionary_encode(),
        "gene": pa.array(rows.gene, pa.string()).dictionary_encode(),
        "effect": pa.array(rows.effect, pa.float32()),
        "padj": pa.array(rows.padj, pa.float32()),
        "outcome": pa.array(rows.outcome, pa.int8()),
    })  # fmt: skip
