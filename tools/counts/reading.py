"""What is analysed, and how it is read: counts, design, names of genes, samples or cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from knowledge.errors import QuestionError
from knowledge.schema import Frozen, PerturbationKind
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import ColumnReading, mostly_mouse
from knowledge.user_tables.labels import LabelReader
from tools.counts.checks import SAMPLE_COLUMNS, Check, SampleCheck, check_samples
from tools.counts.contrast import Wanted
from tools.counts.design import Design, designed, joined, read_samples, sample_names
from tools.counts.differential import ALPHA, LEAST_COUNTS
from tools.counts.matrix import CELLS, CountTable, gene_names, open_h5ad, read_counts
from tools.counts.raw import raw_counts

if TYPE_CHECKING:
    from anndata import AnnData

    from tools.counts.cells import CellData


class Cells(Frozen):
    """How single cells are compared.

    Attributes:
        sample: Column of `obs` that names samples; counts are summed by it.
        cluster: Column that names cell types or clusters.
        of: The one cluster that is compared.
        trajectory: Whether cells are ordered by pseudotime too.
    """

    sample: str | None = None
    cluster: str | None = None
    of: str | None = None
    trajectory: bool = False


class Request(Frozen):
    """What is analysed.

    Attributes:
        counts: File or folder.
        design: Table of samples; None where an h5ad says what they are.
        wanted: What is compared.
        perturbed: Genes that were perturbed in the group of interest, by approved symbol.
        kind: How.
        cell_line: Whose networks paths are followed in; "" for the usual one.
        transcripts: For salmon and kallisto: transcript and gene.
        layer: Of an h5ad.
        cells: For single cells.
        alpha: The adjusted p-value up to which a gene changed.
        least_effect: The size of log2 fold change from which it did.
        least_counts: Features with fewer counts in all are left out.
        jobs: Processes.
    """

    counts: Path
    design: Path | None = None
    wanted: Wanted = Wanted()
    perturbed: tuple[str, ...] = ()
    kind: PerturbationKind = "knockout"
    cell_line: str = ""
    transcripts: Path | None = None
    layer: str | None = None
    cells: Cells = Cells()
    alpha: float = ALPHA
    least_effect: float = 0.0
    least_counts: int = LEAST_COUNTS
    jobs: int = 2


@dataclass(frozen=True)
class Read:
    """Counts, design and names, read and checked: what can be tested.

    Attributes:
        counts: `(features, samples)`, of cells that are tested as such the sums of both groups.
        names: Approved symbol of each feature, "" where none is known.
        design: What is compared.
        samples: What the samples are like.
        notes: How things were read, each a sentence.
        cells: Single cells, where these were given.
    """

    counts: pd.DataFrame
    names: list[str]
    design: Design
    samples: SampleCheck
    notes: tuple[str, ...]
    cells: "CellData | None" = None


def read(
    request: Request, symbols: SymbolTable, orthologues: Callable[[], "dict[str, str]"]
) -> Read:
    """Return what is to be tested.

    Raises:
        QuestionError: It cannot be tested honestly; says why and what to do.
    """
    samples = read_samples(request.design) if request.design else None
    if request.counts.suffix == ".h5ad" and request.counts.is_file():
        data = open_h5ad(request.counts)
        if data.n_obs >= CELLS:
            return _read_cells(request, data, samples, symbols, orthologues)
        del data
    table = read_counts(
        request.counts,
        sample_names(samples) if samples is not None else (),
        request.transcripts,
        request.layer,
    )
    if samples is None:
        if table.samples is None or not len(table.samples.columns):
            raise QuestionError(
                f"{table.source} does not say what its samples are; name with --design a table "
                "with a row for each sample: its name, its group, and whatever else differs."
            )
        samples = table.samples.astype(str).rename_axis("sample").reset_index()
    table, samples, notes = joined(table, samples, request.wanted.leave_out)
    table, made = raw_counts(table)
    return prepared(table, samples, request, symbols, orthologues, [*notes, *made])


def _read_cells(
    request: Request,
    data: "AnnData",
    samples: pd.DataFrame | None,
    symbols: SymbolTable,
    orthologues: Callable[[], "dict[str, str]"],
) -> Read:
    """Return single cells: summed by sample where samples are named, else as they are."""
    from tools.counts import cells as single

    how, source = request.cells, request.counts.name
    cells = single.chosen(single.checked(data, request.layer, source), how.cluster, how.of)
    if how.sample is not None:
        table, known = single.pseudobulk(cells, how.sample, source)
        table, ordered, notes = joined(
            table, known if samples is None else samples, request.wanted.leave_out
        )
        found = prepared(table, ordered, request, symbols, orthologues, notes)
        return replace(found, cells=cells)
    if samples is not None:
        raise QuestionError(
            f"{source} holds {data.n_obs:,} cells; name with --sample the column of obs that says "
            "which sample of the design each is of."
        )
    design = single.cell_design(cells, request.wanted, how.cluster)
    names, told = grounded(single.symbols_of(cells.data), symbols, orthologues)
    sums = {
        level: np.asarray(cells.data[design.members(level)].X.sum(axis=0)).ravel()
        for level in (design.test, design.reference)
    }
    counts = pd.DataFrame(sums, index=cells.data.var_names.astype(str))
    warned = Check(
        name="replicates", level="warning", text=design.notes[-1],
        numbers=tuple(float(len(design.members(one))) for one in sums),
    )  # fmt: skip
    empty = pd.DataFrame(columns=list(SAMPLE_COLUMNS)).rename_axis("sample")
    checks = SampleCheck(empty, (0.0, 0.0), pd.DataFrame(), (warned,))
    notes_ = (*cells.notes, *design.notes[:-1], *told)
    return Read(counts, names, design, checks, notes_, cells)


def prepared(
    table: CountTable,
    samples: pd.DataFrame,
    request: Request,
    symbols: SymbolTable,
    orthologues: Callable[[], "dict[str, str]"],
    notes: Sequence[str] = (),
) -> Read:
    """Return counts of samples with their design, names and checks."""
    design = designed(samples, request.wanted)
    counts = table.counts[list(design.samples.index)]
    told: list[str] = []

    def ground(words: Sequence[str]) -> list[str]:
        found, said = grounded(words, symbols, orthologues)
        told.extend(said)
        return found

    names = gene_names([str(one) for one in counts.index], table.symbols, ground)
    known = sum(map(bool, names))
    if known < len(names):
        told.append(
            f"{known:,} of {len(names):,} features are genes that Knockwise knows by name; the "
            "others are tested under their own ids."
        )
    if not known:
        told.append("No gene is known by its name: no gene set, regulator or path can be told.")
    checked = check_samples(counts, names, design, request.perturbed)
    everything = (*table.notes, *notes, *design.notes, *dict.fromkeys(told))
    return Read(counts, names, design, checked, everything)


def grounded(
    words: Sequence[str], symbols: SymbolTable, orthologues: Callable[[], "dict[str, str]"]
) -> tuple[list[str], list[str]]:
    """Return the approved symbol of each word, "" for none, and how they were read."""
    filled = [word for word in words if word]
    if not filled:
        return ["" for _ in words], []
    mouse = mostly_mouse(filled)
    human = orthologues() if mouse else {}
    read_ = ColumnReading(
        filled,
        lambda entrez: LabelReader(
            symbols, entrez=entrez, orthologues=human, perturbed=False, suggest=False
        ),
        "gene",
        whole=True,
    )
    found = {word: label.genes[0] if label.genes else "" for word, label in read_.labels.items()}
    notes = []
    if mouse:
        how = "by orthology" if human else "by their spelling, as no table of orthologues is there"
        notes.append(
            "These are mouse genes: the test is of mouse counts as they are; gene sets, regulators "
            f"and paths are human and read {how}, which misses what differs between the species."
        )
    return [found.get(word, "") if word else "" for word in words], notes
