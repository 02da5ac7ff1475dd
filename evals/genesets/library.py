"""The named gene sets that a list of genes is compared with, read from the sources of the data."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from knowledge.compiled.builders import Inputs, build_gene_sets, build_ontology
from knowledge.gene_sets import GeneSet
from knowledge.ontology import GeneOntology, Term
from knowledge.sources.registry import load_registry, missing
from knowledge.symbols import SymbolTable

SOURCES = (
    "hgnc", "go-basic", "goa-human", "reactome", "reactome-terms", "wikipathways", "kegg",
    "hallmark", "corum", "complex-portal",
)  # fmt: skip
"""What the library reads, by the names of `knowledge/sources/sources.toml`."""
SMALLEST, LARGEST = 2, 1000
COMPLEX = "GO:0032991"
"""GO's protein-containing complex: the terms below it name complexes."""


@dataclass(frozen=True)
class Library:
    """Named sets of genes under approved symbols.

    Attributes:
        sets: Each set, its id unique.
        symbols: Brings the symbols of a user's list up to date.
    """

    sets: tuple[GeneSet, ...]
    symbols: SymbolTable

    @cached_property
    def background(self) -> frozenset[str]:
        """Return every gene that is in some set."""
        return frozenset(gene for one in self.sets for gene in one.members)

    @cached_property
    def by_id(self) -> dict[str, GeneSet]:
        """Return the sets by id."""
        return {one.id: one for one in self.sets}

    def approved(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return the approved symbols among `words`, each once; unknown words stay as written."""
        return tuple(dict.fromkeys(self.symbols.approved(word) or word for word in words))


def library_files(root: Path) -> dict[str, Path]:
    """Return source name -> file of the library.

    Raises:
        DataError: A file is missing.
    """
    files = {one.name: root / one.path for one in load_registry().select(SOURCES)}
    for path in files.values():
        if not path.is_file():
            raise missing(path)
    return files


def read_library(root: Path) -> Library:
    """Return pathways, complexes, GO processes and GO complexes.

    Raises:
        DataError: A file is missing.
    """
    inputs = Inputs(library_files(root))
    sets = [GeneSet.model_validate(row) for row in build_gene_sets(inputs)["gene_sets"]]
    tables = build_ontology(inputs)
    terms = [
        Term(id=str(t["id"]), name=str(t["name"]), namespace=str(t["namespace"]))
        for t in tables["go_terms"]
    ]
    ontology = GeneOntology(
        terms,
        {str(t["id"]): tuple(t["parents"]) for t in tables["go_terms"]},
        {str(row["symbol"]): tuple(row["terms"]) for row in tables["go_annotations"]},
    )
    annotated = {str(row["symbol"]): tuple(row["terms"]) for row in tables["go_annotations"]}
    return Library(usable([*sets, *ontology_sets(ontology, annotated)]), inputs.symbols)


def ontology_sets(ontology: GeneOntology, annotated: dict[str, tuple[str, ...]]) -> list[GeneSet]:
    """Return GO's processes and complexes, with the annotations of all terms below each."""
    members: dict[str, set[str]] = defaultdict(set)
    for symbol, terms in annotated.items():
        for up in {up for one in terms for up in (one, *ontology.ancestors(one))}:
            members[up].add(symbol)
    out = []
    for term in ontology:
        process = term.namespace == "biological_process"
        if term.id not in members or not (process or COMPLEX in ontology.ancestors(term.id)):
            continue
        out.append(
            GeneSet(
                id=term.id,
                name=term.name,
                kind="process" if process else "complex",
                source="Gene Ontology",
                reference=term.id,
                members=tuple(sorted(members[term.id])),
            )
        )
    return out


def usable(sets: Sequence[GeneSet]) -> tuple[GeneSet, ...]:
    """Return the sets of a size that says something, each id once."""
    kept = {one.id: one for one in sets if SMALLEST <= len(one.members) <= LARGEST}
    return tuple(kept.values())
