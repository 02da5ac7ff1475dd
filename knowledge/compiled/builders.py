"""Turns upstream files into the rows of the compiled tables, all symbols approved ones."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from math import log2
from pathlib import Path
from typing import Any

from knowledge.cell_lines import load_cell_lines
from knowledge.parsers.complexes import RawComplex, read_complex_portal, read_corum
from knowledge.parsers.gaf import read_gaf
from knowledge.parsers.gmt import read_gmt
from knowledge.parsers.hgnc import read_hgnc
from knowledge.parsers.hpa import read_hpa_cell_lines
from knowledge.parsers.ncbi import Summary, read_gene_info, read_gene_summary
from knowledge.parsers.obo import read_obo
from knowledge.parsers.table import read_table
from knowledge.parsers.uniprot import read_uniprot_function
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable

Rows = list[dict[str, Any]]

# A "complex" larger than this (ribosome with all its factors, interactome hubs) says nothing
# about any one member.
MAX_COMPLEX = 150
_MIN_SYNONYM = 3


class Inputs:
    """The pulled files, and the symbol table that brings their symbols up to date.

    `dropped` counts, per source, the names that are no human gene of today.

    Args:
        paths: Source name -> file, for the sources that are there.
    """

    def __init__(self, paths: dict[str, Path]) -> None:
        self.paths = paths
        self.dropped: Counter[str] = Counter()
        self._approved: dict[str, str | None] = {}

    @cached_property
    def genes(self) -> tuple[Gene, ...]:
        """Return the human genes; NCBI's synonyms are added where HGNC gives them to no gene."""
        genes = tuple(read_hgnc(self.paths["hgnc"]))
        if "gene-info" not in self.paths:
            return genes
        table = SymbolTable(genes)
        extra: dict[str, tuple[str, ...]] = {}
        for entry in read_gene_info(self.paths["gene-info"]):
            gene = table.ground(f"entrez:{entry.entrez_id}").gene
            unclaimed = [
                name
                for name in entry.synonyms
                if len(name) >= _MIN_SYNONYM and not table.claimed(name)
            ]
            if gene and unclaimed:
                extra[gene.symbol] = tuple(unclaimed)
        return tuple(
            gene.model_copy(update={"aliases": (*gene.aliases, *extra[gene.symbol])})
            if gene.symbol in extra
            else gene
            for gene in genes
        )

    @cached_property
    def symbols(self) -> SymbolTable:
        """Return the symbol table of the human genes."""
        return SymbolTable(self.genes)

    def approved(self, name: str, source: str) -> str | None:
        """Return the approved symbol for a symbol or an identifier such as `uniprot:P04637`.

        A name that cannot be mapped is counted as dropped from `source`.
        """
        if name not in self._approved:
            found = self.symbols.approved(name)
            if found is None and ":" in name:
                gene = self.symbols.ground(name).gene
                found = gene.symbol if gene else None
            self._approved[name] = found
        symbol = self._approved[name]
        if symbol is None:
            self.dropped[source] += 1
        return symbol

    def members(self, names: Iterable[str], source: str) -> tuple[str, ...]:
        """Return the approved symbols of `names`, each once, without those unknown."""
        found = (self.approved(name, source) for name in names)
        return tuple(dict.fromkeys(symbol for symbol in found if symbol))


def build_genes(inputs: Inputs) -> dict[str, Rows]:
    """Return the gene table."""
    return {"genes": [gene.model_dump() for gene in inputs.genes]}


def build_summaries(inputs: Inputs) -> dict[str, Rows]:
    """Return the texts about each gene, one row per gene and source."""
    readers: dict[str, Callable[[Path], Iterator[Summary]]] = {
        "gene-summary": read_gene_summary,
        "uniprot-function": read_uniprot_function,
    }
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, reader in readers.items():
        if name in inputs.paths:
            for gene, source, text in reader(inputs.paths[name]):
                if symbol := inputs.approved(gene, name):
                    texts[symbol, source].append(text)
    return {
        "summaries": [
            {"symbol": symbol, "source": source, "text": " ".join(parts)}
            for (symbol, source), parts in texts.items()
        ]
    }


def build_ontology(inputs: Inputs) -> dict[str, Rows]:
    """Return the GO terms and the direct annotations of each gene."""
    terms: Rows = []
    if "go-basic" in inputs.paths:
        terms = [term._asdict() for term in read_obo(inputs.paths["go-basic"])]
    known = {str(term["id"]) for term in terms}
    annotations: dict[str, dict[str, None]] = defaultdict(dict)
    if "goa-human" in inputs.paths:
        for annotation in read_gaf(inputs.paths["goa-human"]):
            if annotation.negated or annotation.term not in known:
                continue
            if symbol := inputs.approved(annotation.symbol, "goa-human"):
                annotations[symbol][annotation.term] = None
    return {
        "go_terms": terms,
        "go_annotations": [
            {"symbol": symbol, "terms": list(found)} for symbol, found in annotations.items()
        ],
    }


def build_gene_sets(inputs: Inputs) -> dict[str, Rows]:
    """Return the pathways and complexes as sets of genes."""
    rows: Rows = []
    for name, source in (
        ("reactome", "Reactome"),
        ("wikipathways", "WikiPathways"),
        ("kegg", "KEGG"),
        ("hallmark", "MSigDB Hallmark"),
    ):
        if name in inputs.paths:
            rows.extend(_pathways(inputs, name, source))
    for source, entry, members in curated_complexes(inputs):
        rows.append(
            {
                "id": entry.id,
                "name": entry.name,
                "kind": "complex",
                "source": source,
                "reference": entry.reference,
                "members": list(members),
            }
        )
    return {"gene_sets": rows}


def curated_complexes(inputs: Inputs) -> Iterator[tuple[str, RawComplex, tuple[str, ...]]]:
    """Yield each curated complex with its database and approved members, each member set once."""
    seen: set[frozenset[str]] = set()
    readers: tuple[tuple[str, str, Callable[[Path], Iterator[RawComplex]]], ...] = (
        ("complex-portal", "Complex Portal", read_complex_portal),
        ("corum", "CORUM", read_corum),
    )
    for name, source, reader in readers:
        if name not in inputs.paths:
            continue
        for entry in reader(inputs.paths[name]):
            members = inputs.members(entry.members, name)
            if 2 <= len(members) <= MAX_COMPLEX and frozenset(members) not in seen:
                seen.add(frozenset(members))
                yield source, entry, members


def build_expression(inputs: Inputs) -> dict[str, Rows]:
    """Return the baseline expression of the known cell lines as log2(level + 1)."""
    if "hpa-cell-lines" not in inputs.paths:
        return {"expression": []}
    lines = load_cell_lines()
    best: dict[tuple[str, str], float] = {}
    for record in read_hpa_cell_lines(inputs.paths["hpa-cell-lines"]):
        gene = inputs.symbols.ground(record.ensembl_id).gene
        symbol = gene.symbol if gene else inputs.approved(record.symbol, "hpa-cell-lines")
        if not symbol:
            continue
        for name, level in record.levels.items():
            if name in lines:
                key = (lines.ground(name).name, symbol)
                best[key] = max(level, best.get(key, 0.0))
    return {
        "expression": [
            {"cell_line": line, "symbol": symbol, "log2_level": log2(level + 1)}
            for (line, symbol), level in best.items()
        ]
    }


def _pathways(inputs: Inputs, name: str, source: str) -> Iterator[dict[str, Any]]:
    references = _reactome_ids(inputs) if name == "reactome" else {}
    for entry in read_gmt(inputs.paths[name]):
        title, reference = entry.name, references.get(entry.name.casefold(), "")
        head, _, last = entry.name.rpartition(" ")
        if last.startswith(("WP", "R-HSA-")) and last[-1].isdigit():
            title, reference = head.strip(), last
        if members := inputs.members(entry.members, name):
            yield {
                "id": f"{name}:{reference or title}",
                "name": title,
                "kind": "pathway",
                "source": source,
                "reference": reference,
                "members": list(members),
            }


def _reactome_ids(inputs: Inputs) -> dict[str, str]:
    """Return Reactome's stable id of each pathway name; Enrichr's GMT leaves them out."""
    if "reactome-terms" not in inputs.paths:
        return {}
    rows = read_table(inputs.paths["reactome-terms"], ("identifier", "name"))
    return {
        name.casefold(): identifier
        for _, (identifier, name) in rows
        if identifier.startswith("R-HSA-")
    }
