"""Phenotype ontologies, and gene functions, as terms in columns with their parents."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.ontology import GeneOntology, Term
from knowledge.parsers.table import read_table
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable

IntArray: TypeAlias = NDArray[np.int64]
FOLDER = "phenotype/ontology"
FILES = {"MP": f"{FOLDER}/mp_ontologyIndex.tsv.gz", "HP": f"{FOLDER}/hp_ontologyIndex.tsv.gz"}
"""Ontology -> its file, relative to the root of the data."""
ROOTS = {"MP": "MP:0000001", "HP": "HP:0000118"}
"""Ontology -> the term that every abnormality is a kind of; true of every gene, so no label."""
NORMAL = "MP:0002873"
"""MP's "normal phenotype": what was looked for and not found, a statement of another kind."""
NOTHING_FOUND = "MP:0002169"
"""MP's "no abnormal phenotype detected"."""
GO_FILES = ("knowledge/go-basic.obo.gz", "knowledge/goa_human.gaf.gz")
FEWEST_ANNOTATED = 20
"""A function that fewer genes are annotated to cannot be learnt."""
_COLUMNS = ["id", "name", "parents", "obsolete"]
# The two ends of one scale, as the names of MP and HPO say them at their beginning.
_OPPOSITES = (
    ("increased ", "decreased "),
    ("elevated ", "reduced "),
    ("elevated ", "decreased "),
    ("increased ", "reduced "),
    ("long ", "short "),
    ("large ", "small "),
    ("enlarged ", "small "),
    ("tall ", "short "),
    ("hyper", "hypo"),
    ("macro", "micro"),
    ("tachy", "brady"),
)


def read_ontology(path: Path) -> GeneOntology:
    """Return the live terms of an ontology and their parents.

    Args:
        path: A table with `id`, `name`, `parents` (joined by `|`) and `obsolete` (0 or 1).

    Raises:
        DataError: The file is missing or is no such table.
    """
    if not path.is_file():
        raise missing(path)
    live = [
        (identifier, name, tuple(filter(None, parents.split("|"))))
        for _, (identifier, name, parents, obsolete) in read_table(path, _COLUMNS)
        if obsolete == "0" and ":" in identifier
    ]
    if not live:
        raise DataError(f"{path} has no terms; run `knockwise data pull` again.")
    space = path.name.partition("_")[0]
    return GeneOntology(
        (Term(id=identifier, name=name, namespace=space) for identifier, name, _ in live),
        {identifier: parents for identifier, _, parents in live},
        {},
    )


def below(ontology: GeneOntology, root: str, without: str = "") -> frozenset[str]:
    """Return the terms under `root`, itself left out, and so are `without` and all under it."""
    found = set()
    for term in ontology:
        above = ontology.ancestors(term.id)
        if root in above and without != term.id and without not in above:
            found.add(term.id)
    return frozenset(found)


def system_of(ontology: GeneOntology, root: str, identifier: str) -> str:
    """Return the child of `root` nearest above a term, or the term if it is one; "" if none is.

    Of several equally near the first by id.
    """
    level = {identifier}
    while level:
        if found := [one for one in level if root in ontology.parents(one)]:
            return min(found)
        level = {parent for one in level for parent in ontology.parents(one)}
    return ""


def parent_rows(terms: Sequence[str], ontology: GeneOntology) -> tuple[IntArray, ...]:
    """Return for each term the rows of its parents among `terms`."""
    row = {term: number for number, term in enumerate(terms)}
    return tuple(
        np.array(sorted(row[p] for p in ontology.parents(term) if p in row), np.int64)
        for term in terms
    )


def ancestry(parents: Sequence[IntArray]) -> sparse.csr_array:
    """Return which term is above which, itself included: bool `(terms, ancestors)`."""
    n = len(parents)
    rows = np.repeat(np.arange(n), [len(above) for above in parents])
    cols = np.concatenate([np.asarray(above, np.int64) for above in parents] or [rows])
    step = sparse.csr_array((np.ones(len(rows), np.int32), (rows, cols)), shape=(n, n))
    reached = (step + sparse.eye_array(n, dtype=np.int32)).tocsr()
    reached.data[:] = 1
    while True:
        further = (reached @ reached).tocsr()
        further.data[:] = 1
        if further.nnz == reached.nnz:
            further.sort_indices()
            closed: sparse.csr_array = further.astype(bool)
            return closed
        reached = further


def children_first(parents: Sequence[IntArray]) -> IntArray:
    """Return the rows of the terms in an order in which every child precedes its parents."""
    depth = np.asarray(ancestry(parents).sum(axis=1)).ravel()
    # A term has more ancestors than any of its ancestors has.
    return np.argsort(-depth, kind="stable").astype(np.int64)


def opposites(names: Sequence[str]) -> IntArray:
    """Return pairs of terms that say the two ends of one scale `(pairs, 2)`, the higher end first.

    Only names that are equal but for their beginning count, such as "increased body weight" and
    "decreased body weight".
    """
    row = {name.casefold(): number for number, name in enumerate(names)}
    pairs = {
        (number, row[low + name[len(high) :]])
        for name, number in row.items()
        for high, low in _OPPOSITES
        if name.startswith(high) and low + name[len(high) :] in row
    }
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def coincidence(labels: sparse.csr_array, pairs: IntArray) -> float:
    """Return the share of gene-pair cases with either opposite that have both; 0 if there is none.

    Args:
        labels: Bool `(genes, terms)`.
        pairs: Columns of opposites `(pairs, 2)`.
    """
    if not len(pairs):
        return 0.0
    columns = labels.tocsc().astype(np.int32)
    high, low = columns[:, pairs[:, 0]], columns[:, pairs[:, 1]]
    both = int(high.multiply(low).sum())
    either = int(high.sum() + low.sum()) - both
    return both / either if either else 0.0


@dataclass(frozen=True, eq=False, slots=True)
class GeneFunctions:
    """What GO says of genes, propagated to ancestors.

    Attributes:
        genes: Approved symbols, in the order asked for.
        terms: GO ids, sorted; the three roots are left out.
        names: Name of each term.
        aspects: Namespace of each term, such as `biological_process`.
        parents: Rows of each term's parents.
        matrix: Bool `(genes, terms)`.
        annotated: Which genes GO says anything of `(genes,)`; of the others it is silent, which
            is no statement.
    """

    genes: tuple[str, ...]
    terms: tuple[str, ...]
    names: tuple[str, ...]
    aspects: tuple[str, ...]
    parents: tuple[IntArray, ...]
    matrix: sparse.csr_array
    annotated: NDArray[np.bool_]

    def common(self, genes: Collection[str], min_genes: int = FEWEST_ANNOTATED) -> Self:
        """Return the functions that so many of `genes` (those of training) have, for all genes."""
        wanted = frozenset(genes)
        voters = np.array([gene in wanted for gene in self.genes], bool)
        count = np.asarray(self.matrix[voters].sum(axis=0)).ravel()
        # An ancestor has at least the genes of its descendants: parents of what is kept are kept.
        kept = np.flatnonzero(count >= min_genes)
        place = {int(old): new for new, old in enumerate(kept)}
        return replace(
            self,
            terms=tuple(self.terms[row] for row in kept),
            names=tuple(self.names[row] for row in kept),
            aspects=tuple(self.aspects[row] for row in kept),
            parents=tuple(
                np.array([place[int(parent)] for parent in self.parents[row]], np.int64)
                for row in kept
            ),
            matrix=self.matrix[:, kept].tocsr(),
        )


def read_functions(
    data: Path,
    genes: Sequence[str],
    counted: Collection[str] | None = None,
    min_genes: int = FEWEST_ANNOTATED,
    symbols: SymbolTable | None = None,
) -> GeneFunctions:
    """Return the GO functions of genes.

    Args:
        data: A mirror, or a data folder with `sources`.
        genes: Approved symbols, the rows.
        counted: The genes (of training) that decide which functions are common enough; all of
            `genes` where they are left out.
        min_genes: How many of them a function needs.
        symbols: The genes of today, if they are at hand.

    Raises:
        DataError: A file is missing or malformed.
    """
    root = sources_root(data)
    for file in GO_FILES:
        if not (root / file).is_file():
            raise missing(root / file)
    obo, gaf = (root / file for file in GO_FILES)
    ontology = GeneOntology.from_files(obo, gaf, symbols or read_symbols(root))
    voters = frozenset(genes if counted is None else counted)
    said = {gene: ontology.annotations(gene, propagate=True) for gene in {*genes, *voters}}
    terms = _common((said[gene] for gene in voters), min_genes, ontology)
    found = [ontology.term(term) for term in terms]
    return GeneFunctions(
        genes=tuple(genes),
        terms=terms,
        names=tuple(term.name for term in found),
        aspects=tuple(term.namespace for term in found),
        parents=parent_rows(terms, ontology),
        matrix=membership(genes, terms, said),
        annotated=np.array([bool(said[gene]) for gene in genes], bool),
    )


def membership(
    genes: Sequence[str], terms: Sequence[str], said: Mapping[str, Iterable[str]]
) -> sparse.csr_array:
    """Return which gene has which term, bool `(genes, terms)`; other terms are skipped."""
    column = {term: number for number, term in enumerate(terms)}
    kept = [sorted({column[t] for t in said.get(gene, ()) if t in column}) for gene in genes]
    start = np.concatenate([[0], np.cumsum([len(one) for one in kept], dtype=np.int64)])
    columns = np.fromiter((c for one in kept for c in one), np.int64, int(start[-1]))
    shape = (len(genes), len(terms))
    return sparse.csr_array((np.ones(len(columns), bool), columns, start), shape=shape)


def _common(
    said: Iterable[Iterable[str]], min_genes: int, ontology: GeneOntology
) -> tuple[str, ...]:
    count: dict[str, int] = {}
    for terms in said:
        for term in terms:
            count[term] = count.get(term, 0) + 1
    return tuple(
        sorted(
            term
            for term, genes in count.items()
            if genes >= min_genes and term in ontology and ontology.parents(term)
        )
    )


_IDENTIFIER = re.compile(r"\b(?:MP|HP|MPATH):\d+\b")


def identifier_in(name: str) -> str:
    """Return the term id in a gene set's name, such as "ATAXIA MP:0001393"; "" if none."""
    found = _IDENTIFIER.search(name)
    return found[0] if found else ""
