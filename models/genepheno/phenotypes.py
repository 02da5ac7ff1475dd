"""Which abnormalities genes are known to cause, by collection, up to date and propagated."""

from collections import Counter, defaultdict
from collections.abc import Collection as Members
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.ontology import GeneOntology
from knowledge.parsers.gmt import read_gmt
from knowledge.parsers.table import malformed, open_text, read_table
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from models.genepheno.ontology import (
    FILES as ONTOLOGY_FILES,
)
from models.genepheno.ontology import (
    NORMAL,
    NOTHING_FOUND,
    ROOTS,
    IntArray,
    below,
    coincidence,
    identifier_in,
    membership,
    opposites,
    parent_rows,
    read_ontology,
    system_of,
)
from models.genepheno.sequences import by_gene, read_proteins

BoolArray: TypeAlias = NDArray[np.bool_]
Collection = Literal["mp", "hpo", "hpo-2014", "komp", "hmd", "gwas"]
COLLECTIONS: tuple[Collection, ...] = get_args(Collection)
FILES: Mapping[Collection, str] = {
    "mp": "phenotype/enrichr/MGI_Mammalian_Phenotype_Level_4_2024.gmt",
    "hpo": "phenotype/hpo/genes_to_phenotype_2023.txt.gz",
    "hpo-2014": "phenotype/hpo/genes_to_phenotype_2014.txt.gz",
    "komp": "phenotype/enrichr/KOMP2_Mouse_Phenotypes_2022.gmt",
    "hmd": "phenotype/mgi/HMD_HumanPhenotype.rpt",
    "gwas": "phenotype/enrichr/GWAS_Catalog_2025.gmt",
}
"""Collection -> its file, relative to the root of the data."""
MP_NAMES = "phenotype/mgi/VOC_MammalianPhenotype.rpt"
TITLES: Mapping[Collection, str] = {
    "mp": "mouse mutant phenotypes (MGI, MP 2024)",
    "hpo": "human disease phenotypes (HPO 2023)",
    "hpo-2014": "human disease phenotypes as known in 2014 (HPO)",
    "komp": "mouse knockout phenotypes (IMPC/KOMP2 2022)",
    "hmd": "systems that mouse mutants alter (MGI HMD, May 2026)",
    "gwas": "traits of common variants (GWAS Catalog 2025)",
}
FEWEST_GENES = 10
"""A term that fewer genes with a sequence have is left out."""
_ONTOLOGY: Mapping[Collection, str] = {
    "mp": "MP", "komp": "MP", "hmd": "MP", "hpo": "HP", "hpo-2014": "HP",
}  # fmt: skip
# The column of the term's identifier, after those of the gene; the two years differ.
_HPO_TERM: Mapping[Collection, int] = {"hpo": 2, "hpo-2014": 3}
_HMD = ("human symbol", "Entrez", "mouse symbol", "MGI", "systems")


@dataclass(frozen=True, eq=False, slots=True)
class TermVocabulary:
    """The terms of one ontology that are predicted; with a term all its ancestors are among them.

    Attributes:
        terms: Identifiers, sorted; a trait's name where there is no ontology.
        names: What each term is called.
        parents: Rows of each term's direct parents.
        systems: Name of the top-level system of each term, the nearest if it has several; "" if it
            has none.
        exclusive: Rows of terms that say the two ends of one scale, such as increased and decreased
            body weight `(pairs, 2)`.
        exclusive_rate: Share of the gene-pair cases with either end that have both, over all genes
            of the collection; `coincidence` measures it on training genes alone.
    """

    terms: tuple[str, ...]
    names: tuple[str, ...]
    parents: tuple[IntArray, ...]
    systems: tuple[str, ...]
    exclusive: IntArray
    exclusive_rate: float

    def __len__(self) -> int:
        return len(self.terms)


@dataclass(frozen=True, slots=True)
class LabelAudit:
    """What became of the facts of a label file.

    Attributes:
        facts: Gene-term pairs of the file, each once.
        unknown_genes: Names in the file that are no gene of today, or could be several.
        renamed_genes: Names in the file that are another symbol today.
        dropped_terms: Terms of the file that are obsolete or say no abnormality.
        dropped_facts: Pairs lost with them or with unknown genes.
        unplaced_terms: Terms that the ontology does not have; they are kept without parents.
        tested_negative: Genes examined without a finding.
        unsequenced_genes: Labelled genes without a sequence.
    """

    facts: int = 0
    unknown_genes: int = 0
    renamed_genes: int = 0
    dropped_terms: int = 0
    dropped_facts: int = 0
    unplaced_terms: int = 0
    tested_negative: int = 0
    unsequenced_genes: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class PhenotypeLabels:
    """What is known of genes in one collection.

    A gene that is not among them is unknown or withheld, never negative.

    Attributes:
        collection: Which collection.
        genes: Approved symbols, sorted, each once.
        vocabulary: The columns.
        direct: What was stated, bool `(genes, terms)`.
        propagated: The same with all ancestors (the true-path rule), bool `(genes, terms)`.
        tested_negative: Which genes were examined without a finding `(genes,)`; their rows are
            empty, and that is a fact.
        audit: What became of the facts of the file.
    """

    collection: Collection
    genes: tuple[str, ...]
    vocabulary: TermVocabulary
    direct: sparse.csr_array
    propagated: sparse.csr_array
    tested_negative: BoolArray
    audit: LabelAudit = field(default_factory=LabelAudit)

    def __len__(self) -> int:
        return len(self.genes)

    def taking(self, rows: IntArray) -> "PhenotypeLabels":
        """Return the labels of these rows, in this order."""
        return replace(
            self,
            genes=tuple(self.genes[row] for row in rows),
            direct=self.direct[rows],
            propagated=self.propagated[rows],
            tested_negative=self.tested_negative[rows],
        )

    def among(self, genes: Container[str]) -> "PhenotypeLabels":
        """Return the labels of those of its genes that are in `genes`."""
        return self.taking(np.flatnonzero([gene in genes for gene in self.genes]))

    def frequencies(self) -> NDArray[np.float64]:
        """Return the share of its genes that have each term `(terms,)`."""
        count = np.asarray(self.propagated.sum(axis=0), np.float64).ravel()
        return count / max(len(self), 1)


@dataclass(frozen=True, eq=False, slots=True)
class _Scheme:
    """What the terms of a collection mean.

    `abnormal` holds the terms that are labels, none where there is no ontology; `names` those of
    terms that the ontology does not have.
    """

    ontology: GeneOntology
    root: str
    abnormal: frozenset[str]
    names: dict[str, str]

    @classmethod
    def read(cls, root: Path, collection: Collection) -> Self:
        if (kind := _ONTOLOGY.get(collection)) is None:
            return cls(GeneOntology((), {}, {}), "", frozenset(), {})
        ontology = read_ontology(root / ONTOLOGY_FILES[kind])
        names: dict[str, str] = {}
        if kind == "MP":
            if not (root / MP_NAMES).is_file():
                raise missing(root / MP_NAMES)
            rows = read_table(root / MP_NAMES, ("id", "name"), header=("id", "name", "definition"))
            names = {term: name for _, (term, name) in rows if not name.startswith("obsolete")}
        return cls(ontology, ROOTS[kind], below(ontology, ROOTS[kind], NORMAL), names)

    def unplaced(self, term: str) -> bool:
        """Return whether a term has a name but no place: newer than MP's ontology, or a trait."""
        return term in self.names and term not in self.ontology

    def counts(self, term: str) -> bool:
        return term in self.abnormal or term == NOTHING_FOUND or self.unplaced(term)

    def propagated(self, terms: Iterable[str]) -> set[str]:
        above = {one for term in terms for one in self.ontology.ancestors(term)}
        return set(terms) | (above & self.abnormal)

    def name(self, term: str) -> str:
        return self.ontology.term(term).name if term in self.ontology else self.names[term]

    def system(self, term: str) -> str:
        found = system_of(self.ontology, self.root, term) if term in self.ontology else ""
        return self.ontology.term(found).name if found else ""


def read_labels(
    data: Path,
    collection: Collection,
    min_genes: int = FEWEST_GENES,
    symbols: SymbolTable | None = None,
    sequenced: Members[str] | None = None,
    every: bool = False,
) -> PhenotypeLabels:
    """Return the labels of the genes that have a sequence.

    Args:
        data: A mirror, or a data folder with `sources`.
        collection: Which collection.
        min_genes: How many genes with a sequence a term needs to be kept, ancestors counted.
        symbols: The genes of today, if they are at hand.
        sequenced: The genes with a sequence, if they are at hand.
        every: Return the labelled genes without a sequence too.

    Raises:
        DataError: There is no such collection, or a file is missing or malformed.
    """
    if collection not in FILES:
        raise DataError(f"{collection}: no such collection; name {', '.join(COLLECTIONS)}.")
    root = sources_root(data)
    table = symbols or read_symbols(root)
    if sequenced is None:
        sequenced = by_gene(read_proteins(data, table)).keys()
    scheme = _Scheme.read(root, collection)
    known, audit = _settled(_facts(root, collection, scheme.names), scheme, table)
    kept = [gene for gene in known if every or gene in sequenced]
    negative = np.array([NOTHING_FOUND in known[gene] for gene in kept], bool)
    direct = {gene: terms - {NOTHING_FOUND} for gene, terms in known.items()}
    whole = {gene: scheme.propagated(terms) for gene, terms in direct.items()}
    count = Counter(chain.from_iterable(whole[gene] for gene in whole if gene in sequenced))
    terms = tuple(sorted(term for term, genes in count.items() if genes >= min_genes))
    names = tuple(scheme.name(term) for term in terms)
    propagated = membership(kept, terms, whole)
    exclusive = opposites(names)
    vocabulary = TermVocabulary(
        terms=terms,
        names=names,
        parents=parent_rows(terms, scheme.ontology),
        systems=tuple(scheme.system(term) for term in terms),
        exclusive=exclusive,
        exclusive_rate=coincidence(propagated, exclusive),
    )
    return PhenotypeLabels(
        collection=collection,
        genes=tuple(kept),
        vocabulary=vocabulary,
        direct=membership(kept, terms, direct),
        propagated=propagated,
        tested_negative=negative,
        audit=replace(audit, unsequenced_genes=sum(gene not in sequenced for gene in known)),
    )


def _facts(root: Path, collection: Collection, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield term and gene as the file calls them; names of terms that are new are added."""
    path = root / FILES[collection]
    if not path.is_file():
        raise missing(path)
    if collection in _HPO_TERM:
        yield from _hpo_facts(path, _HPO_TERM[collection])
        return
    if collection == "hmd":
        yield from _hmd_facts(path)
        return
    for title, _, members in read_gmt(path):
        term = identifier_in(title) if collection != "gwas" else title
        if not term:
            raise DataError(f"{path}: the set {title!r} has no term id; run `knockwise data pull`.")
        if not term.startswith("MP:"):  # a trait, or what a pathologist saw (MPATH)
            bare = title.replace(f"({term})", "").strip().lower()
            names.setdefault(term, title if term == title else bare)
        for member in members:
            yield term, member


def _hpo_facts(path: Path, column: int) -> Iterator[tuple[str, str]]:
    """Yield term, and symbol with Entrez id; the first line is a comment that names the columns."""
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) <= column or not fields[column].startswith("HP:"):
                raise malformed(path, number, f"an HPO id in column {column + 1}")
            yield fields[column], f"{fields[1]}\t{fields[0]}"


def _hmd_facts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the top-level term of each system, and human symbol with Entrez id."""
    for number, (symbol, entrez, systems) in read_table(
        path, ("human symbol", "Entrez", "systems"), header=_HMD
    ):
        for term in filter(None, map(str.strip, systems.split(","))):
            if not term.startswith("MP:"):
                raise malformed(path, number, "MP ids in column 5")
            yield term, f"{symbol}\t{entrez}"


def _settled(
    facts: Iterable[tuple[str, str]], scheme: _Scheme, symbols: SymbolTable
) -> tuple[dict[str, set[str]], LabelAudit]:
    """Return gene of today -> stated terms, genes sorted, and what became of the rest.

    A gene examined without a finding keeps `NOTHING_FOUND` only if nothing else was found.
    """
    pairs = list(dict.fromkeys(facts))
    entrez = {gene.entrez_id: gene.symbol for gene in symbols if gene.entrez_id}
    today: dict[str, str | None] = {}
    for word in {word for _, word in pairs}:
        symbol, _, number = word.partition("\t")
        today[word] = symbols.approved(symbol) or entrez.get(number)
    counted = {term: scheme.counts(term) for term, _ in pairs}
    found: dict[str, set[str]] = defaultdict(set)
    lost = 0
    for term, word in pairs:
        gene = today[word]
        if gene and counted[term]:
            found[gene].add(term)
        else:
            lost += 1
    for terms in found.values():
        if len(terms) > 1:
            terms.discard(NOTHING_FOUND)
    audit = LabelAudit(
        facts=len(pairs),
        unknown_genes=sum(gene is None for gene in today.values()),
        renamed_genes=sum(
            gene is not None and gene != word.partition("\t")[0] for word, gene in today.items()
        ),
        dropped_terms=sum(not good for good in counted.values()),
        dropped_facts=lost,
        unplaced_terms=sum(scheme.unplaced(term) for term in counted),
        tested_negative=sum(NOTHING_FOUND in terms for terms in found.values()),
    )
    return {gene: found[gene] for gene in sorted(found)}, audit
