"""The eight gene properties that Genen predicts, with one settled label per gene of today."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable

Kind = Literal["binary", "multiclass", "multilabel", "regression"]
TaskName = Literal[
    "dosage-sensitivity",
    "bivalent-lys4",
    "bivalent-non-methylated",
    "tf-range",
    "tf-target-type",
    "solubility",
    "localisation",
    "conservation",
]
TASKS: tuple[TaskName, ...] = get_args(TaskName)
FOLDER = "genen/litgene"
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class LabelAudit:
    """What became of the rows of a label file.

    Attributes:
        rows: Rows of the file.
        unlabelled: Rows without a gene or without a label.
        unknown: Rows whose name is no human gene of today, or could be several.
        renamed: Rows whose gene has another symbol today.
        repeated: Rows that say again what another row said of the gene, or that a row under the
            gene's symbol of today overrules.
        conflicting: Genes left out because their rows disagree.
        incomplete: Genes left out because the file is silent about one of several labels.
    """

    rows: int
    unlabelled: int = 0
    unknown: int = 0
    renamed: int = 0
    repeated: int = 0
    conflicting: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class PropertyTask:
    """One property of genes and what is known of it.

    Attributes:
        name: What tables and commands call it.
        kind: What the labels are.
        title: The property in words.
        genes: Approved symbols, sorted, each once.
        labels: Class of each gene `(genes,)`, 1 where each class applies `(genes, classes)` for
            multilabel, or the value itself `(genes,)` for regression.
        classes: Name of each class; that of label 1 is the positive one of a binary task.
        compartment_answers: Whether GO's cellular components tell the answer, so that results
            without them come first.
        audit: What became of the rows of the file.
    """

    name: TaskName
    kind: Kind
    title: str
    genes: tuple[str, ...]
    labels: NDArray[Any]
    classes: tuple[str, ...]
    compartment_answers: bool
    audit: LabelAudit

    def __len__(self) -> int:
        return len(self.genes)

    def counts(self) -> dict[str, int]:
        """Return how many genes each class has; nothing for a regression."""
        if self.kind == "multilabel":
            sizes = self.labels.sum(axis=0)
        else:
            sizes = [np.count_nonzero(self.labels == code) for code in range(len(self.classes))]
        return {name: int(size) for name, size in zip(self.classes, sizes, strict=True)}

    def among(self, genes: Container[str]) -> "PropertyTask":
        """Return the task with those of its genes that are in `genes`."""
        kept = np.flatnonzero([gene in genes for gene in self.genes])
        return replace(self, genes=tuple(self.genes[row] for row in kept), labels=self.labels[kept])


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a task's labels lie, and what the words of the file mean.

    `votes` holds for each word of the file what it says of each class; of binary and multiclass
    tasks there is one vote, the class's number.
    """

    kind: Kind
    title: str
    file: str
    gene: str
    label: str
    classes: tuple[str, ...] = ()
    votes: Mapping[str, tuple[int, ...]] | None = None
    compartment_answers: bool = False


def _one_of(*words: str) -> dict[str, tuple[int, ...]]:
    return {word: (code,) for code, word in enumerate(words)}


# Which class is 1 follows the files' own coding, so that F1 is of the class published F1 is of.
_SOURCES: Mapping[TaskName, _Source] = {
    "dosage-sensitivity": _Source(
        "binary",
        "transcription factor that one lost copy harms",
        "DosageSensitivity.csv",
        "Gene name",
        "StrLabel",
        ("insensitive", "sensitive"),
        _one_of("DosageInsensitive", "DosageSensitive"),
    ),
    "bivalent-lys4": _Source(
        "binary",
        "chromatin bivalent or Lys4 only methylated",
        "BivalentVsLys4.csv",
        "Gene name",
        "StrLabel",
        ("bivalent", "Lys4 only"),
        _one_of("Bivalent", "Lys4Only"),
    ),
    "bivalent-non-methylated": _Source(
        "binary",
        "chromatin bivalent or not methylated",
        "BivalentVsNonMethylated.csv",
        "Gene name",
        "StrLabel",
        ("bivalent", "non-methylated"),
        _one_of("Bivalent", "NonMethylated"),
    ),
    "tf-range": _Source(
        "binary",
        "transcription factor that acts at long or short range",
        "Tf_range.csv",
        "Gene name",
        "StrLabel",
        ("long range", "short range"),
        _one_of("Long_range", "Short_range"),
    ),
    # Every gene is a target of both factors, of each directly or indirectly, and "combo" says again
    # that both are direct: two yes-or-no labels, not the six exclusive ones that the file lists.
    "tf-target-type": _Source(
        "multilabel",
        "direct rather than indirect target of GATA4, of TBX5",
        "TF_target_type.csv.gz",
        "Gene name",
        "StrLabel",
        ("GATA4 direct", "TBX5 direct"),
        {
            "gata4_direct": (1, _ABSENT),
            "gata4_indirect": (0, _ABSENT),
            "tbx5_direct": (_ABSENT, 1),
            "tbx5_indirect": (_ABSENT, 0),
            "gata4_tbx5_combo_targets": (1, 1),
            "housekeeping_genes": (_ABSENT, _ABSENT),
        },
    ),
    "solubility": _Source(
        "binary",
        "protein in a membrane or soluble",
        "solubility.csv.gz",
        "Gene name",
        "StrLabel",
        ("membrane", "soluble"),
        _one_of("Membrane", "Soluble"),
        compartment_answers=True,
    ),
    "localisation": _Source(
        "multiclass",
        "where in the cell the protein is",
        "old_subcellular_location.csv",
        "GeneSymbol",
        "Subcellular_location",
        ("cell membrane", "cytoplasm", "nucleus"),
        _one_of("Cell membrane", "Cytoplasm", "Nucleus"),
        compartment_answers=True,
    ),
    "conservation": _Source(
        "regression",
        "mean phastCons score",
        "old_phastcons.csv",
        "GeneSymbol",
        "Conservation",
    ),
}
FILES = tuple(f"{FOLDER}/{source.file}" for source in _SOURCES.values())
"""What is read, relative to the root of the data."""


def read_tasks(
    data: Path, names: Sequence[TaskName] = TASKS, symbols: SymbolTable | None = None
) -> tuple[PropertyTask, ...]:
    """Return the tasks of these names.

    A gene whose rows disagree is left out, never decided by a vote; a gene called by several names
    counts once. All that happened to the rows is in each task's `audit`.

    Args:
        data: A mirror, or a data folder with `sources`.
        names: Which tasks.
        symbols: The genes of today, if they are at hand.

    Raises:
        DataError: A name is not a task, or a file is missing or holds a word it should not.
    """
    if unknown := [name for name in names if name not in _SOURCES]:
        raise DataError(f"{', '.join(unknown)}: no such task; name {', '.join(TASKS)}.")
    root = sources_root(data)
    table = symbols or read_symbols(root)
    return tuple(_read(root / FOLDER, name, table) for name in names)


def _read(folder: Path, name: TaskName, symbols: SymbolTable) -> PropertyTask:
    source = _SOURCES[name]
    rows, audit = _approved(folder / source.file, source, symbols)
    if source.kind == "regression":
        genes, labels, audit = _values(folder / source.file, rows, audit)
    else:
        genes, labels, audit = _settled(folder / source.file, rows, source, audit)
    return PropertyTask(
        name=name,
        kind=source.kind,
        title=source.title,
        genes=genes,
        labels=labels,
        classes=source.classes,
        compartment_answers=source.compartment_answers,
        audit=audit,
    )


def _approved(path: Path, source: _Source, symbols: SymbolTable) -> tuple[pd.DataFrame, LabelAudit]:
    """Return `gene`, `word` (as the file calls it) and `label` of the rows that can be used."""
    columns = [source.gene, source.label]
    try:
        # "NA" is a missing label, but NA could be a gene: only labels are read as missing.
        table = pd.read_csv(path, usecols=columns, dtype=str, keep_default_na=False)[columns]
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected {', '.join(columns)}; {error}.") from error
    table.columns = pd.Index(["word", "label"])
    table = table.assign(word=table.word.str.strip(), label=table.label.str.strip())
    empty = table.label.isin(["", "NA", "nan"]) | table.word.isin(["", "NA"])
    used = table[~empty]
    today = {word: symbols.approved(word) for word in used.word.unique()}
    used = used.assign(gene=used.word.map(today))
    known = used.dropna(subset="gene")
    audit = LabelAudit(
        rows=len(table),
        unlabelled=int(empty.sum()),
        unknown=len(used) - len(known),
        renamed=int((known.gene != known.word).sum()),
    )
    return known, audit


def _settled(
    path: Path, rows: pd.DataFrame, source: _Source, audit: LabelAudit
) -> tuple[tuple[str, ...], NDArray[Any], LabelAudit]:
    """Return the genes whose rows agree on every class, and what they say."""
    votes = source.votes or {}
    if strange := sorted(set(rows.label) - set(votes)):
        raise DataError(
            f"{path}: unknown label {strange[0]!r}; expected one of {', '.join(votes)}."
        )
    distinct = rows.drop_duplicates(["gene", "label"])
    said = np.array([votes[label] for label in distinct.label], np.int64)
    said = said.reshape(len(distinct), -1)
    genes, row = np.unique(distinct.gene.to_numpy(str), return_inverse=True)
    highest = np.full((len(genes), said.shape[1]), _ABSENT)
    np.maximum.at(highest, row, said)
    lowest = np.full_like(highest, np.iinfo(np.int64).max)
    np.minimum.at(lowest, row, np.where(said == _ABSENT, lowest[row], said))
    silent = (highest == _ABSENT).any(axis=1)
    torn = ((highest != lowest) & (highest != _ABSENT)).any(axis=1)
    kept = ~silent & ~torn
    labels = highest[kept] if source.kind == "multilabel" else highest[kept, 0]
    audit = replace(
        audit,
        repeated=len(rows) - len(distinct),
        conflicting=tuple(genes[torn].tolist()),
        incomplete=tuple(genes[silent & ~torn].tolist()),
    )
    return tuple(genes[kept].tolist()), labels, audit


def _values(
    path: Path, rows: pd.DataFrame, audit: LabelAudit
) -> tuple[tuple[str, ...], NDArray[Any], LabelAudit]:
    """Return one value per gene: that under its symbol of today, else the mean of the older ones.

    Older symbols are often of a neighbouring transcript that was merged into the gene.
    """
    try:
        values = rows.assign(value=rows.label.astype(float), current=rows.gene == rows.word)
    except ValueError as error:
        raise DataError(f"{path}: expected a number for every gene; {error}.") from None
    best = values[values.current == values.groupby("gene").current.transform("max")]
    mean = best.groupby("gene").value.mean().sort_index()
    audit = replace(audit, repeated=len(rows) - len(mean))
    return tuple(str(gene) for gene in mean.index), mean.to_numpy(np.float32), audit
