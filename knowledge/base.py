"""Loads what Knockwise knows: the starter pack, and the compiled full data where pulled."""

import gc
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from knowledge.cell_lines import CellLines, load_cell_lines
from knowledge.compiled.open import Compiled, open_compiled
from knowledge.drugs import Drugs
from knowledge.expression import BaselineExpression
from knowledge.gene_sets import GeneSet, GeneSets
from knowledge.graph import Group, SignedGraph
from knowledge.ontology import GeneOntology
from knowledge.schema import Gene
from knowledge.starter import FOLDER as STARTER_FOLDER
from knowledge.starter import Programme, Starter, load_starter
from knowledge.symbols import SymbolTable, merged


@dataclass(frozen=True)
class Knowledge:
    """What the tools and the agent reason over.

    `ontology` and `expression` are None without full data. `versions` names what each part was
    loaded from; `warnings` are sentences for the user. `summary_sources` says which database wrote
    a summary, where it was not the starter pack.
    """

    symbols: SymbolTable
    graph: SignedGraph
    gene_sets: GeneSets
    ontology: GeneOntology | None
    cell_lines: CellLines
    expression: BaselineExpression | None
    summaries: Mapping[str, str]
    programmes: tuple[Programme, ...]
    versions: dict[str, str]
    scope: Literal["starter", "full"]
    warnings: tuple[str, ...] = ()
    summary_sources: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None

    @cached_property
    def drugs(self) -> Drugs:
        """The drugs that are known: of the starter pack, and of the tables that were pulled."""
        return Drugs.opened(self.data, self.symbols)


def load_knowledge(data_dir: Path, extra_genes: Iterable[Gene] = ()) -> Knowledge:
    """Return the starter pack, joined with the full data under `data_dir` where it is compiled.

    Args:
        data_dir: The data folder; it need not exist.
        extra_genes: Further genes that must be grounded, such as a model's vocabulary.

    Raises:
        DataError: A compiled table is corrupted; names the file and the remedy.
    """
    with collector_paused():
        return _load(data_dir, tuple(extra_genes))


def load_symbols(data_dir: Path, extra_genes: Iterable[Gene] = ()) -> SymbolTable:
    """Return the genes of `load_knowledge` alone, in a fraction of the time.

    Raises:
        DataError: A compiled table is corrupted; names the file and the remedy.
    """
    with collector_paused():
        return _symbols(load_starter(), open_compiled(data_dir), tuple(extra_genes))


def _symbols(starter: Starter, compiled: Compiled, extra_genes: tuple[Gene, ...]) -> SymbolTable:
    if compiled.manifest is None:
        return SymbolTable(_united((*starter.genes, *extra_genes)))
    return _up_to_date(compiled.genes(), (*starter.genes, *extra_genes))


def _load(data_dir: Path, extra_genes: tuple[Gene, ...]) -> Knowledge:
    starter = load_starter()
    compiled = open_compiled(data_dir)
    if compiled.manifest is None:
        return _starter_scope(starter, extra_genes, compiled, data_dir)
    summaries = compiled.summaries()
    groups = _joined_groups(starter.groups, compiled.groups())
    cell_lines = load_cell_lines()
    return Knowledge(
        symbols=_symbols(starter, compiled, extra_genes),
        graph=SignedGraph((*starter.edges, *compiled.edges()), groups),
        gene_sets=GeneSets((*_starter_sets(starter), *compiled.gene_sets())),
        ontology=compiled.ontology(),
        cell_lines=cell_lines,
        expression=compiled.expression(),
        summaries={
            **{symbol: text for symbol, (_, text) in summaries.items()},
            **starter.summaries,
        },
        programmes=starter.programmes,
        versions={"starter": _starter_version(), **compiled.manifest.versions},
        scope="full",
        warnings=compiled.warnings,
        summary_sources={
            symbol: source
            for symbol, (source, _) in summaries.items()
            if symbol not in starter.summaries
        },
        data=data_dir,
    )


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector off while a million long-lived objects are made.

    It would walk all of them again and again and triple the loading time. Afterwards it is as it
    was: the process may be somebody else's.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _starter_scope(
    starter: Starter, extra_genes: tuple[Gene, ...], compiled: Compiled, data_dir: Path
) -> Knowledge:
    return Knowledge(
        symbols=_symbols(starter, compiled, extra_genes),
        graph=SignedGraph(starter.edges, starter.groups),
        gene_sets=GeneSets(_starter_sets(starter)),
        ontology=None,
        cell_lines=load_cell_lines(),
        expression=None,
        summaries=starter.summaries,
        programmes=starter.programmes,
        versions={"starter": _starter_version()},
        scope="starter",
        warnings=compiled.warnings,
        data=data_dir,
    )


def _up_to_date(genes: Iterable[Gene], others: Iterable[Gene]) -> SymbolTable:
    """Return the table of `genes` and of those `others` that no symbol of it stands for."""
    table = SymbolTable(genes)
    new = [gene for gene in others if table.approved(gene.symbol) is None]
    return SymbolTable((*table, *_united(new))) if new else table


def _joined_groups(starter: Iterable[Group], compiled: Iterable[Group]) -> Iterable[Group]:
    """Return both, without compiled groups that are called like one of the starter pack."""
    yield from starter
    taken = {group.name for group in starter}
    yield from (group for group in compiled if group.name not in taken)


def _united(genes: Iterable[Gene]) -> Iterable[Gene]:
    """Return one gene per approved symbol, entries of the same symbol merged."""
    table: dict[str, Gene] = {}
    for gene in genes:
        known = table.get(gene.symbol)
        table[gene.symbol] = merged(known, gene) if known else gene
    return table.values()


def _starter_sets(starter: Starter) -> Iterable[GeneSet]:
    for programme in starter.programmes:
        yield GeneSet(
            id=f"starter:{programme.id}",
            name=programme.name,
            kind="process",
            source="starter",
            members=programme.genes,
        )
    for group in starter.groups:
        if group.members:
            yield GeneSet(
                id=f"{group.source}:{group.name}",
                name=group.name,
                kind=group.kind,
                source="starter",
                members=group.members,
            )


def _starter_version() -> str:
    """Return a hash of the starter pack's files."""
    digest = hashlib.sha256()
    for path in sorted(STARTER_FOLDER.rglob("*")):
        if path.suffix in {".yaml", ".tsv"}:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
