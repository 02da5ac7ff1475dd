"""The tasks of gene-benchmark whose labels the mirror holds, and a few more of the same kind.

Kan-Tor, Danziger, Zohar, Ninio and Shimoni, "Does your model understand genes?" (arXiv 2412.04075);
task lists of BiomedSciAI/gene-benchmark. A task is the benchmark's own where its labels come from
the same source, and near where they are of another release or made by the source's own rule from
its data. All genes are approved symbols of today, each once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import RootModel

from evals.genes.expression import distribution, specificity
from evals.genes.facts import Group, Origin
from knowledge.errors import DataError
from knowledge.parsers.gmt import read_gmt
from knowledge.sources.genes import HGNC
from knowledge.sources.registry import missing
from knowledge.strict_yaml import read_yaml
from knowledge.symbols import SymbolTable
from models.genen import labels
from models.genen.labels import Kind, TaskName

IntArray = NDArray[np.int64]
BENCHMARK = "genen/benchmark"
PATHWAYS = f"{BENCHMARK}/gene_benchmark_top_level_pathways.csv"
DERIVED = f"{BENCHMARK}/derived_binary_tasks.yaml"
REACTOME = "knowledge/pathways/Reactome_Pathways_2024.gmt.gz"
LOCATIONS = "knowledge/localization/hpa_subcellular_location_v21.1.tsv.gz"
CELL_LINES = "knowledge/expression/hpa_rna_celline_69lines_NX.tsv.gz"
FEATURES = "phenotype/sequences/uniprot_PTM_counts_with_symbols.csv"
ESSENTIAL, NONESSENTIAL = "networks/essentiality/CEGv2.tsv", "networks/essentiality/NEGv1.tsv"
GNOMAD = "networks/essentiality/gnomad_v2.1.1_pLI_and_pHaplo_pTriplo.tsv"
FILES = (
    HGNC, PATHWAYS, DERIVED, REACTOME, LOCATIONS, CELL_LINES, FEATURES, ESSENTIAL, NONESSENTIAL,
    GNOMAD, *labels.FILES,
)  # fmt: skip
"""What is read, relative to the root of the data."""
RAREST_LABEL = 0.05
"""Labels that fewer genes have are no part of a multi-label task (`--multi-label-th 0.05`)."""
_INTOLERANT, _TOLERANT = 0.9, 0.1


class _Names(RootModel[tuple[str, ...]]):
    """A list of tasks, as the benchmark keeps it."""


@dataclass(frozen=True, eq=False, slots=True)
class GeneTask:
    """One property of genes as the benchmark asks for it.

    Attributes:
        name: The benchmark's name; a derived task's is `task;class`.
        group: Which group of properties.
        kind: What the labels are.
        origin: Whether published scores are of the same labels.
        source: Where the labels come from.
        genes: Approved symbols, sorted, each once.
        labels: Class of each gene `(genes,)`, 1 where a class applies `(genes, classes)`, or a
            value `(genes,)`.
        classes: Name of each class.
        published_genes: Size of the task as published, 0 where that is not said.
    """

    name: str
    group: Group
    kind: Kind
    origin: Origin
    source: str
    genes: tuple[str, ...]
    labels: NDArray[Any]
    classes: tuple[str, ...]
    published_genes: int = 0

    def __len__(self) -> int:
        return len(self.genes)


# The benchmark names a task after Lys4-only and non-methylated genes, but makes it of Geneformer's
# list of bivalent and Lys4-only ones (Genecorpus_tasks_creation.py), as its 171 genes confirm.
_GENEN: Mapping[TaskName, tuple[str, Group, Origin, int]] = {
    "dosage-sensitivity": (
        "dosage sensitive vs insensitive TF", "Genomic properties", "benchmark", 487
    ),
    "bivalent-non-methylated": (
        "bivalent vs non-methylated", "Genomic properties", "benchmark", 133
    ),
    "bivalent-lys4": (
        "Lys4-only-methylated vs non-methylated", "Genomic properties", "benchmark", 171
    ),
    "tf-range": ("long vs short range TF", "Regulatory functions", "benchmark", 174),
    "tf-target-type": ("GATA4 and TBX5 targets", "Regulatory functions", "additional", 0),
    "conservation": ("conservation", "Genomic properties", "additional", 0),
    "solubility": ("membrane or soluble", "Localization", "additional", 0),
    "localisation": ("subcellular location (UniProt)", "Localization", "additional", 0),
}  # fmt: skip


def read_tasks(
    root: Path, symbols: SymbolTable, coding: frozenset[str], *, derived: bool = True
) -> tuple[GeneTask, ...]:
    """Return the tasks in the order of their groups, derived ones after what they derive from.

    Args:
        root: Folder in the mirror's layout.
        symbols: The genes of today.
        coding: Approved symbols of protein-coding genes.
        derived: Whether single classes of multi-label tasks become tasks of their own.

    Raises:
        DataError: A file is missing or is not what it should be.
    """
    wanted = derived_names(root) if derived else ()
    makers: Sequence[Callable[[], Iterator[GeneTask]]] = (
        lambda: _genen(root, symbols, coding),
        lambda: _chromosome(root),
        lambda: _intolerance(root, symbols),
        lambda: _locations(root, symbols, wanted),
        lambda: _cell_lines(root, symbols),
        lambda: _hla(root),
        lambda: _pathways(root, symbols, wanted),
        lambda: _essentiality(root, symbols),
        lambda: _sequence_features(root, symbols, wanted),
    )
    return tuple(task for make in makers for task in make())


def derived_names(root: Path) -> tuple[str, ...]:
    """Return the names of the benchmark's derived tasks, `task;class`.

    Raises:
        DataError: The list is missing or is none.
    """
    return task_names(root / DERIVED)


def task_names(path: Path) -> tuple[str, ...]:
    """Return the task names that a list of the benchmark holds.

    Raises:
        DataError: The file is missing or is no list of names.
    """
    if not path.is_file():
        raise missing(path)
    return read_yaml(path, _Names, closed=False).root


def table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return the columns of a table as words, an empty cell as an empty word.

    Raises:
        DataError: The file is missing or lacks a column.
    """
    separator = "," if ".csv" in path.suffixes else "\t"
    try:
        return pd.read_csv(
            path, sep=separator, usecols=list(columns), dtype=str, keep_default_na=False
        )
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected {', '.join(columns)}; {error}.") from error


def _genen(root: Path, symbols: SymbolTable, coding: frozenset[str]) -> Iterator[GeneTask]:
    for task in labels.read_tasks(root, tuple(_GENEN), symbols):
        name, group, origin, published = _GENEN[task.name]
        kept = task.among(coding) if task.kind == "regression" else task
        said = "LitGene's copy of Genecorpus" if published else "LitGene"
        yield GeneTask(
            name, group, kept.kind, origin, f"{said}: {kept.title}", kept.genes,
            kept.labels, kept.classes, published,
        )  # fmt: skip


def _chromosome(root: Path) -> Iterator[GeneTask]:
    rows = table(root / HGNC, ("symbol", "locus_group", "location"))
    rows = rows[rows.locus_group == "protein-coding gene"]
    place = rows.location.str.extract(r"^(\d+|X|Y|mitochondria)")[0]
    words = dict(zip(rows.symbol, place, strict=True))
    yield _classes(
        {gene: word for gene, word in words.items() if isinstance(word, str)},
        "Chromosome", "Genomic properties", "near", "HGNC's locations, 2024-11 (HPA's: Ensembl)",
        19784,
    )  # fmt: skip


def _intolerance(root: Path, symbols: SymbolTable) -> Iterator[GeneTask]:
    rows = table(root / GNOMAD, ("gene", "pLI"))
    score = pd.to_numeric(rows.pLI, errors="coerce")
    sure = (score >= _INTOLERANT) | (score <= _TOLERANT)
    said = np.where(score >= _INTOLERANT, "intolerant", "tolerant")
    yield _classes(
        _settled(rows.gene[sure], said[sure], symbols), "loss-of-function intolerance",
        "Genomic properties", "additional", "gnomAD 2.1.1: pLI at least .9 or at most .1",
    )  # fmt: skip


def _locations(root: Path, symbols: SymbolTable, wanted: Sequence[str]) -> Iterator[GeneTask]:
    # What HPA only predicts to be secreted is no class of the benchmark.
    rows = table(root / LOCATIONS, ("Gene.name", "Main.location", "Additional.location"))
    members: dict[str, set[str]] = {}
    for word, *cells in rows.itertuples(index=False):
        if gene := symbols.approved(word):
            places = (place.strip() for cell in cells for place in cell.split(";"))
            members.setdefault(gene, set()).update(place for place in places if place)
    yield from _labels(
        members, "Subcellular location", "Genomic properties", "near",
        "HPA 21.1, immunofluorescence", 13039, wanted,
    )  # fmt: skip


def _cell_lines(root: Path, symbols: SymbolTable) -> Iterator[GeneTask]:
    """Yield HPA's classes of expression over cell lines, by its own rules (release 20)."""
    path = root / CELL_LINES
    try:
        rows = pd.read_csv(path, sep="\t", keep_default_na=False)
        level = rows.drop(columns=["GeneID", "symbol"]).to_numpy(float)
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected GeneID, symbol and numbers; {error}.") from error
    for name, words in (
        ("RNA cell line distribution", distribution(level)),
        ("RNA cell line specificity", specificity(level)),
    ):
        yield _classes(
            _settled(rows.symbol, words, symbols), name, "Localization", "near",
            "HPA's rule on its 69 cell lines, release 20 (published: release 23)",
            19784,
        )  # fmt: skip


def _hla(root: Path) -> Iterator[GeneTask]:
    rows = table(root / HGNC, ("symbol", "name", "gene_group"))
    rows = rows[rows.gene_group.str.split("|").map(lambda g: "Histocompatibility complex" in g)]
    words = {gene: name.split(",")[1].strip() for gene, name in
             zip(rows.symbol, rows.name, strict=True) if name.count(",")}  # fmt: skip
    yield _classes(
        {gene: word for gene, word in words.items() if word in ("class I", "class II")},
        "HLA class I vs class II", "Biological processes", "benchmark",
        "HGNC gene group 588, 2024-11", 44,
    )  # fmt: skip


def _pathways(root: Path, symbols: SymbolTable, wanted: Sequence[str]) -> Iterator[GeneTask]:
    names = table(root / PATHWAYS, ("Pathway name",))["Pathway name"]
    top = {name.casefold(): name for name in names}
    members: dict[str, set[str]] = {}
    found = set()
    try:
        for one in read_gmt(root / REACTOME):
            if (name := top.get(one.name.casefold())) is None:
                continue
            found.add(name)
            for word in one.members:
                if gene := symbols.approved(word):
                    members.setdefault(gene, set()).add(name)
    except FileNotFoundError:
        raise missing(root / REACTOME) from None
    if lost := sorted(set(top.values()) - found):
        raise DataError(f"{root / REACTOME} has no pathway {lost[0]}; pull the data anew.")
    yield from _labels(
        members, "Pathways", "Biological processes", "near", "Reactome 2024, top level", 10969,
        wanted,
    )  # fmt: skip


def _essentiality(root: Path, symbols: SymbolTable) -> Iterator[GeneTask]:
    genes = [table(root / path, ("GENE",)).GENE for path in (ESSENTIAL, NONESSENTIAL)]
    words = ["essential"] * len(genes[0]) + ["not essential"] * len(genes[1])
    yield _classes(
        _settled(pd.concat(genes), words, symbols), "essential in cell lines",
        "Biological processes", "additional", "Hart's CEGv2 and NEGv1",
    )  # fmt: skip


def _sequence_features(
    root: Path, symbols: SymbolTable, wanted: Sequence[str]
) -> Iterator[GeneTask]:
    """Yield keywords that UniProt gives to every protein with the feature of that name."""
    modified = ("Glycosylation", "Cross-link", "Modified residue", "Disulfide bond")
    columns = ("symbol", *modified, "Signal")
    rows = table(root / FEATURES, columns)
    rows = rows.assign(gene=rows.symbol.map(lambda word: symbols.approved(word) if word else None))
    try:
        counts = rows.dropna(subset="gene").set_index("gene")[list(columns[1:])].astype(int)
    except ValueError as error:
        raise DataError(f"{root / FEATURES}: expected counts; {error}.") from None
    has = counts.groupby(level=0).max().sort_index() > 0
    of_some = has[has[list(modified)].any(axis=1)]
    for feature, name, among in (
        ("Glycosylation", "UniProt keyword PTM;Glycoprotein", of_some),
        ("Disulfide bond", "UniProt keyword PTM;Disulfide bond", of_some),
        ("Signal", "UniProt keyword Domain;Signal", has),
    ):
        if name in wanted:
            yield GeneTask(
                name, "Protein properties", "binary", "near",
                f"UniProt 2024-03, feature {feature.lower()}", tuple(among.index),
                among[feature].to_numpy(np.int64), ("no", "yes"),
            )  # fmt: skip


def _settled(
    words: "pd.Series[str]", said: Sequence[str] | NDArray[Any], symbols: SymbolTable
) -> dict[str, str]:
    """Return what is said of each gene; one of which two things are said is left out."""
    votes: dict[str, set[str]] = {}
    for word, vote in zip(words, said, strict=True):
        if gene := symbols.approved(word):
            votes.setdefault(gene, set()).add(str(vote))
    return {gene: next(iter(vote)) for gene, vote in votes.items() if len(vote) == 1}


def _classes(
    words: Mapping[str, str],
    name: str,
    group: Group,
    origin: Origin,
    source: str,
    published: int = 0,
) -> GeneTask:
    """Return a task with one class per gene, binary where there are two."""
    genes = tuple(sorted(words))
    classes, codes = np.unique([words[gene] for gene in genes], return_inverse=True)
    kind: Kind = "binary" if len(classes) == 2 else "multiclass"
    names = tuple(str(one) for one in classes)
    return GeneTask(
        name, group, kind, origin, source, genes, codes.astype(np.int64), names, published
    )


def _labels(
    members: Mapping[str, set[str]],
    name: str,
    group: Group,
    origin: Origin,
    source: str,
    published: int,
    wanted: Sequence[str],
) -> Iterator[GeneTask]:
    """Yield a task of several labels, and those of its classes that `wanted` names `task;class`."""
    genes = tuple(sorted(gene for gene, said in members.items() if said))
    classes = tuple(sorted({one for gene in genes for one in members[gene]}))
    has = np.array([[one in members[gene] for one in classes] for gene in genes], np.int64)
    common = np.flatnonzero(has.mean(axis=0) > RAREST_LABEL)
    whole = GeneTask(
        name, group, "multilabel", origin, source, genes, has[:, common],
        tuple(classes[column] for column in common), published,
    )  # fmt: skip
    yield whole
    for column, one in enumerate(classes):
        if (full := f"{name};{one}") in wanted:
            yield replace(
                whole, name=full, kind="binary", labels=has[:, column], classes=("no", "yes")
            )
