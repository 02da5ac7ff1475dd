"""Proteins of the mirror, one per gene, and those that a person brings in a FASTA file."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Literal

from knowledge.errors import DataError, QuestionError
from knowledge.parsers.table import read_table
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from knowledge.user_tables.file import regular_file
from knowledge.user_tables.labels import Label, LabelReader
from knowledge.user_tables.orthologues import ORTHOLOGUES, read_orthologues
from knowledge.user_tables.text import opened, sniffed

Species = Literal["human", "mouse", "other"]
FOLDER = "phenotype/sequences"
UNIPROT = f"{FOLDER}/deeploc_val_test_hard_seqs.tsv.gz"
ENSEMBL = f"{FOLDER}/human_SHS148k_seqs.tsv.gz"
MOUSE = f"{FOLDER}/mouse_PIC_6050_seq_viability.tsv.gz"
FILES = (UNIPROT, ENSEMBL, MOUSE, ORTHOLOGUES)
"""What is read, relative to the root of the data."""
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
UNKNOWN_RESIDUE = "X"
SHORTEST = 20
"""A shorter sequence is predicted, with a note: it is hardly a protein."""
SHORTEST_DNA = 30
"""A shorter string of A, C, G and T may be a peptide."""
# The nearest of the twenty; B, J and Z stand for one of two and say no more than X.
_LEGAL = str.maketrans({"U": "C", "O": "K", "B": "X", "J": "X", "Z": "X"})
_STRANGE = re.compile(f"[^{RESIDUES}{UNKNOWN_RESIDUE}]")
_NUCLEOTIDES = frozenset("ACGTN")
"""U has become C, and gaps are gone, when a sequence is looked at."""
_GENE = re.compile(r"(?:\bGN=|\bgene_symbol:|\[gene=)(?P<gene>[^\s\]]+)")
_ACCESSION = re.compile(r"(?:sp|tr)\|(?P<accession>\w+)(?:-\d+)?\|")
_MOSTLY = 0.95
"""DNA may hold a few codes for one of several bases; no protein is so poor in residues."""


@dataclass(frozen=True, slots=True)
class Protein:
    """A protein sequence and the gene it is known to be of.

    Attributes:
        gene: Approved human symbol; "" if unknown. A mouse protein has its orthologue's.
        species: Whose sequence it is.
        sequence: The twenty residues and X, upper case.
        source: Identifier where it came from.
        inferred: The gene was inferred by likeness to the mouse orthologue, not told by a database.
    """

    gene: str
    species: Species
    sequence: str
    source: str
    inferred: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One record of a FASTA file.

    Attributes:
        identifier: The first word of its header.
        description: The whole header.
        sequence: The twenty residues and X, upper case; "" if nothing can be predicted from it.
        replaced: How many characters are no residue and became X.
        notes: What was done to the sequence, each a clause for a person.
        problem: Why nothing can be predicted from it; "" if something can.
    """

    identifier: str
    description: str
    sequence: str
    replaced: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""


def residues(text: str) -> tuple[str, int]:
    """Return a sequence in the twenty residues and X, and how many characters made no sense.

    Blanks, gaps and a final stop are dropped, selenocysteine and pyrrolysine become the residue
    that they resemble, and ambiguity codes become X.
    """
    bare = re.sub(r"[\s.\-]", "", text).upper().rstrip("*").translate(_LEGAL)
    return _STRANGE.subn(UNKNOWN_RESIDUE, bare)


def read_proteins(
    data: Path, symbols: SymbolTable | None = None, every: bool = False
) -> tuple[Protein, ...]:
    """Return one protein per gene, sorted by gene, then those whose gene is unknown.

    Of a gene's sequences the human one comes first, then the mouse orthologue's. A mouse gene with
    several human orthologues stands for one of them only: the one of its name, else the first.

    Args:
        data: A mirror, or a data folder with `sources`.
        symbols: The genes of today, if they are at hand.
        every: Return every sequence of a gene, the best first.

    Raises:
        DataError: A file is missing or malformed.
    """
    root = sources_root(data)
    for file in FILES:
        if not (root / file).is_file():
            raise missing(root / file)
    table = symbols or read_symbols(root)
    found: dict[str, list[Protein]] = {}
    nameless: dict[str, Protein] = {}
    for protein in chain(_uniprot(root, table), _ensembl(root, table), _mouse(root, table)):
        if not protein.sequence.strip(UNKNOWN_RESIDUE):
            continue
        if protein.gene:
            found.setdefault(protein.gene, []).append(protein)
        else:
            nameless.setdefault(protein.sequence, protein)
    named: list[Protein] = []
    for gene in sorted(found):
        ranked = sorted(found[gene], key=_preference)
        named += ranked if every else ranked[:1]
    known = {protein.sequence for proteins in found.values() for protein in proteins}
    return (*named, *(one for text, one in nameless.items() if text not in known))


def by_gene(proteins: Sequence[Protein]) -> dict[str, Protein]:
    """Return the first protein of each known gene."""
    found: dict[str, Protein] = {}
    for protein in proteins:
        if protein.gene:
            found.setdefault(protein.gene, protein)
    return found


def read_fasta(path: Path) -> tuple[Query, ...]:
    """Return the records of a FASTA file, compressed or not, in its order.

    A record that nothing can be predicted from is among them and says why in `problem`.

    Raises:
        DataError: The file is missing, empty, not FASTA, or no record of it can be used.
    """
    from Bio import SeqIO
    from Bio.SeqRecord import SeqRecord

    if not path.exists():
        raise DataError(f"{path}: no such file; name a FASTA file of proteins.")
    try:
        kept = regular_file(path)
        with opened(kept, sniffed(kept, "protein sequences in FASTA format").encoding) as handle:
            text = "\n".join(handle.read().splitlines()).removeprefix("\ufeff").lstrip()
    except QuestionError as error:
        raise DataError(str(error)) from error
    if not text:
        raise DataError(f"{path} is empty; give protein sequences in FASTA format.")
    if not text.startswith(">"):
        raise DataError(
            f"{path} is not FASTA: it begins with {text.split()[0][:20]!r} where a header such as "
            "'>name' should be."
        )
    parsed: Iterable[SeqRecord] = SeqIO.parse(StringIO(text), "fasta")  # type: ignore[no-untyped-call]
    records = [(one.id or "", one.description, str(one.seq)) for one in parsed]
    seen = Counter(identifier for identifier, _, _ in records)
    queries = tuple(
        _query(number, *record, repeated=seen[record[0]] > 1)
        for number, record in enumerate(records, start=1)
    )
    if all(query.problem for query in queries):
        first = queries[0]
        raise DataError(f"{path}: {first.identifier} {first.problem}.")
    return queries


def named_genes(found: Sequence[Query], symbols: SymbolTable) -> tuple[Label, ...]:
    """Return what the name of each record means, read as strictly as a label in a table.

    Where the header says the gene, as those of UniProt, Ensembl and NCBI do, that is read.
    """
    reader = LabelReader(symbols, suggest=False, perturbed=False)
    return tuple(reader.read(_gene_word(one)) for one in found)


def _gene_word(found: Query) -> str:
    if match := _GENE.search(found.description):
        return match["gene"]
    if match := _ACCESSION.match(found.identifier):
        return match["accession"]
    return found.identifier


def query(sequence: str, identifier: str = "sequence") -> Query:
    """Return a sequence that a person typed, checked like a record of a FASTA file."""
    return _query(1, identifier, identifier, sequence, repeated=False)


def _query(number: int, identifier: str, description: str, text: str, repeated: bool) -> Query:
    name = identifier or f"sequence {number}"
    bare = re.sub(r"\s", "", text)
    sequence, replaced = residues(bare)
    inner_stops = bare.rstrip("*").count("*")
    if not sequence:
        return Query(name, description, "", problem="has no sequence; delete it or fill it in")
    bases = sum(letter in _NUCLEOTIDES for letter in sequence)
    if len(sequence) >= SHORTEST_DNA and bases >= _MOSTLY * len(sequence):
        problem = "is DNA or RNA, not protein; translate it first"
        return Query(name, description, "", problem=problem)
    if not sequence.strip(UNKNOWN_RESIDUE):
        problem = "has no known residue; give a protein sequence"
        return Query(name, description, "", replaced, problem=problem)
    notes = []
    if replaced - inner_stops:
        notes.append(f"{replaced - inner_stops} characters that are no residue were read as X")
    if inner_stops:
        notes.append(f"{inner_stops} stops inside the sequence were read as X")
    if re.search(r"[.\-]", bare):
        notes.append("gaps were removed")
    if len(sequence) < SHORTEST:
        notes.append(f"only {len(sequence)} residues, hardly a protein")
    if repeated:
        notes.append("another record has the same name")
    return Query(name, description, sequence, replaced, tuple(notes))


def _preference(protein: Protein) -> tuple[bool, bool]:
    return protein.species != "human", protein.inferred


def _uniprot(root: Path, symbols: SymbolTable) -> Iterator[Protein]:
    columns = ("uniprot", "species_by_map", "symbol", "sequence")
    human_of = read_orthologues(root / ORTHOLOGUES)
    for _, (accession, species, symbol, text) in read_table(root / UNIPROT, columns):
        if species == "human":
            gene = symbols.approved(symbol)
            yield _protein(gene, "human", text, accession)
        elif species == "mouse":
            gene = symbols.approved(human_of.get(symbol, ""))
            yield _protein(gene, "mouse", text, accession)
        else:
            yield _protein(None, "other", text, accession)


def _ensembl(root: Path, symbols: SymbolTable) -> Iterator[Protein]:
    columns = ("ensp", "inferred_symbol", "map_method", "sequence")
    for _, (identifier, symbol, method, text) in read_table(root / ENSEMBL, columns):
        gene = symbols.approved(symbol) if symbol else None
        yield _protein(gene, "human", text, identifier, inferred=method.startswith("mouse"))


def _mouse(root: Path, symbols: SymbolTable) -> Iterator[Protein]:
    columns = ("ensmusg", "mouse_symbol", "human_symbols", "sequence")
    for _, (identifier, name, humans, text) in read_table(root / MOUSE, columns):
        genes = [found for one in humans.split("|") if one and (found := symbols.approved(one))]
        same = [gene for gene in genes if gene == name.upper()]
        yield _protein(next(iter(same or genes), None), "mouse", text, identifier)


def _protein(
    gene: str | None, species: Species, text: str, source: str, inferred: bool = False
) -> Protein:
    sequence, _ = residues(text)
    return Protein(gene or "", species, sequence, source, bool(gene) and inferred)
