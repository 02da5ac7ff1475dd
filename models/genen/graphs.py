"""The graphs that Genen passes messages over: protein interactions, the Gene Ontology, or both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy import sparse

from knowledge.errors import DataError
from knowledge.ontology import GeneOntology
from knowledge.sources.genes import protein_coding, read_symbols, sources_root
from knowledge.symbols import SymbolTable
from models.genen.interactions import (
    DEFAULT_SOURCES,
    FloatArray,
    IntArray,
    Interactions,
    Source,
    read_interactions,
)

if TYPE_CHECKING:
    from torch_geometric.data import Data, HeteroData

NodeKind = Literal["gene", "term"]
GraphKind = Literal["ppi", "go", "go+ppi"]
GRAPH_KINDS: tuple[GraphKind, ...] = get_args(GraphKind)
COMPARTMENT = "cellular_component"
OBO, GAF = "knowledge/go-basic.obo.gz", "knowledge/goa_human.gaf.gz"
# A term of every gene says little, but an edge without weight would not be one.
_LEAST_INFORMATION = 0.05


@dataclass(frozen=True, eq=False)
class Relation:
    """Edges of one kind, from nodes of one kind to nodes of one kind.

    Attributes:
        source: Kind of the nodes that messages come from.
        name: What the edge says.
        target: Kind of the nodes that messages go to.
        index: Source and target row of each edge `(2, edges)`.
        weight: How sure or how informative each edge is, above 0 and at most 1 `(edges,)`.
        channels: What each column of `features` is.
        features: What a model may learn its own weight of an edge from `(edges, channels)`.
    """

    source: NodeKind
    name: str
    target: NodeKind
    index: IntArray
    weight: FloatArray
    channels: tuple[str, ...]
    features: FloatArray

    def __len__(self) -> int:
        return int(self.index.shape[1])

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what PyG calls it."""
        return self.source, self.name, self.target

    def reversed(self, name: str) -> "Relation":
        """Return the same edges the other way round."""
        return replace(
            self, source=self.target, target=self.source, name=name, index=self.index[::-1]
        )


@dataclass(frozen=True, eq=False)
class PropertyGraph:
    """Genes, GO terms and the relations among them, every edge in both directions.

    No label is part of it: an edge or a node never depends on what is predicted.

    Attributes:
        kind: What it is made of.
        genes: Approved symbols; those without an edge are there too.
        terms: GO ids.
        compartment: Whether GO's cellular components are among the terms.
        relations: The edges.
    """

    kind: GraphKind
    genes: tuple[str, ...]
    terms: tuple[str, ...]
    compartment: bool
    relations: tuple[Relation, ...]

    @cached_property
    def gene_row(self) -> Mapping[str, int]:
        """Row of each gene."""
        return {gene: row for row, gene in enumerate(self.genes)}

    @cached_property
    def term_row(self) -> Mapping[str, int]:
        """Row of each term."""
        return {term: row for row, term in enumerate(self.terms)}

    @property
    def edges(self) -> int:
        """Return how many edges there are, both directions counted."""
        return sum(len(relation) for relation in self.relations)

    def relation(self, name: str) -> Relation:
        """Return the relation of this name.

        Raises:
            KeyError: This graph has no such relation.
        """
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise KeyError(name)

    def degree(self, kind: NodeKind = "gene") -> IntArray:
        """Return how many edges reach each node of a kind `(nodes,)`."""
        size = len(self.genes) if kind == "gene" else len(self.terms)
        ends = [r.index[1] for r in self.relations if r.target == kind]
        return np.bincount(np.concatenate([np.zeros(0, np.int64), *ends]), minlength=size)

    def isolated(self) -> tuple[str, ...]:
        """Return the genes that no edge reaches: messages tell them nothing."""
        return tuple(self.genes[row] for row in np.flatnonzero(self.degree() == 0))

    def rows(self, genes: Iterable[str]) -> IntArray:
        """Return the rows of genes.

        Raises:
            KeyError: A gene is not in the graph.
        """
        return np.array([self.gene_row[gene] for gene in genes], np.int64)

    def hetero(
        self, gene_x: FloatArray | None = None, term_x: FloatArray | None = None
    ) -> "HeteroData":
        """Return the graph with its kinds of nodes and edges apart; it shares the graph's memory.

        Args:
            gene_x: Features of the genes `(genes, features)`.
            term_x: Features of the terms `(terms, features)`.
        """
        import torch
        from torch_geometric.data import HeteroData

        data = HeteroData()
        nodes: tuple[tuple[NodeKind, int, FloatArray | None], ...] = (
            ("gene", len(self.genes), gene_x),
            ("term", len(self.terms), term_x),
        )
        for kind, size, features in nodes:
            if kind == "gene" or size:
                data[kind].num_nodes = size
                if features is not None:
                    data[kind].x = torch.from_numpy(_checked(features, size, kind))
        for relation in self.relations:
            data[relation.key].edge_index = torch.from_numpy(np.ascontiguousarray(relation.index))
            data[relation.key].edge_weight = torch.from_numpy(relation.weight)
            data[relation.key].edge_attr = torch.from_numpy(relation.features)
        return data

    def homogeneous(
        self, gene_x: FloatArray | None = None, term_x: FloatArray | None = None
    ) -> "Data":
        """Return the graph with genes first, then terms, as nodes alike.

        `node_type` is 0 for genes and 1 for terms, `edge_type` the place in `relations`.

        Args:
            gene_x: Features of the genes `(genes, features)`.
            term_x: Features of the terms, as many of each as of a gene `(terms, features)`.
        """
        import torch
        from torch_geometric.data import Data

        offset = {"gene": 0, "term": len(self.genes)}
        index = np.zeros((2, self.edges), np.int64)
        weight = np.zeros(self.edges, np.float32)
        kind = np.zeros(self.edges, np.int64)
        start = 0
        for number, relation in enumerate(self.relations):
            part = slice(start, start + len(relation))
            index[0, part] = relation.index[0] + offset[relation.source]
            index[1, part] = relation.index[1] + offset[relation.target]
            weight[part], kind[part] = relation.weight, number
            start = part.stop
        size = len(self.genes) + len(self.terms)
        data = Data(
            edge_index=torch.from_numpy(index),
            edge_weight=torch.from_numpy(weight),
            edge_type=torch.from_numpy(kind),
            node_type=torch.from_numpy((np.arange(size) >= len(self.genes)).astype(np.int64)),
            num_nodes=size,
        )
        if gene_x is not None:
            parts = [_checked(gene_x, len(self.genes), "gene")]
            if self.terms:
                if term_x is None:
                    raise ValueError("a graph with terms needs features of the terms too")
                parts.append(_checked(term_x, len(self.terms), "term"))
            data.x = torch.from_numpy(np.concatenate(parts))
        return data


def gene_universe(data: Path, also: Iterable[str] = ()) -> tuple[str, ...]:
    """Return every protein-coding gene and `also` those named, sorted.

    Raises:
        DataError: The data is missing.
    """
    return tuple(sorted({*protein_coding(sources_root(data)), *also}))


def read_ontology(data: Path, symbols: SymbolTable | None = None) -> GeneOntology:
    """Return the Gene Ontology with the annotations of the human genes.

    Raises:
        DataError: The data is missing.
    """
    root = sources_root(data)
    return GeneOntology.from_files(root / OBO, root / GAF, symbols or read_symbols(root))


def read_graph(
    data: Path,
    kind: GraphKind,
    genes: Sequence[str],
    *,
    compartment: bool = False,
    sources: Sequence[Source] = DEFAULT_SOURCES,
    propagate: bool = False,
    every_term: bool = False,
    symbols: SymbolTable | None = None,
    ontology: GeneOntology | None = None,
) -> PropertyGraph:
    """Return a graph over `genes`, read from the mirror.

    Args:
        data: A mirror, or a data folder with `sources`.
        kind: Whether it has interactions, terms or both.
        genes: Approved symbols, such as those of `gene_universe`; each is a node.
        compartment: Whether to take GO's cellular components in.
        sources: Databases of interactions.
        propagate: Whether genes are joined to the ancestors of their terms as well.
        every_term: Whether terms that no gene here has are nodes too.
        symbols: The genes of today, if they are at hand.
        ontology: The Gene Ontology, if it is at hand.

    Raises:
        DataError: `kind` is no kind of graph, or a file is missing or malformed.
    """
    if kind not in GRAPH_KINDS:
        raise DataError(f"{kind}: no such graph; name {', '.join(GRAPH_KINDS)}.")
    root = sources_root(data)
    table = symbols or read_symbols(root)
    interactions = None if kind == "go" else read_interactions(root, genes, table, sources)
    terms = None if kind == "ppi" else (ontology or read_ontology(data, table))
    return build_graph(
        genes,
        interactions,
        terms,
        compartment=compartment,
        propagate=propagate,
        every_term=every_term,
    )


def build_graph(
    genes: Sequence[str],
    interactions: Interactions | None = None,
    ontology: GeneOntology | None = None,
    *,
    compartment: bool = False,
    propagate: bool = False,
    every_term: bool = False,
) -> PropertyGraph:
    """Return the graph of interactions, of an ontology, or of both; see `read_graph`.

    Raises:
        ValueError: A gene is named twice, or there is neither interactions nor ontology.
    """
    if len(set(genes)) < len(genes):
        raise ValueError("a gene is named twice")
    relations: list[Relation] = []
    terms: tuple[str, ...] = ()
    if interactions is not None:
        relations.append(_interacting(interactions))
    if ontology is not None:
        terms, found = _annotated(
            genes,
            ontology,
            lambda space: compartment or space != COMPARTMENT,
            propagate,
            every_term,
        )
        relations.extend(found)
    if interactions is None and ontology is None:
        raise ValueError("a graph needs interactions, an ontology, or both")
    kind: GraphKind = "ppi" if ontology is None else "go" if interactions is None else "go+ppi"
    return PropertyGraph(
        kind, tuple(genes), terms, compartment and ontology is not None, tuple(relations)
    )


def _interacting(found: Interactions) -> Relation:
    both = np.concatenate([found.pairs, found.pairs[:, ::-1]]).T
    return Relation(
        "gene",
        "interacts",
        "gene",
        both,
        np.tile(found.weight, 2),
        found.sources,
        np.tile(found.confidence, (2, 1)),
    )


def _annotated(
    genes: Sequence[str],
    ontology: GeneOntology,
    wanted: Callable[[str], bool],
    propagate: bool,
    every_term: bool,
) -> tuple[tuple[str, ...], list[Relation]]:
    """Return the terms, and their relations to genes and to each other in both directions."""
    listed = [term.id for term in ontology if wanted(term.namespace)]
    row = {term: i for i, term in enumerate(listed)}
    upward = [(row[t], row[p]) for t in listed for p in ontology.parents(t) if p in row]
    direct = [
        (i, row[t]) for i, gene in enumerate(genes) for t in ontology.annotations(gene) if t in row
    ]
    parents = _incidence(upward, len(listed), len(listed))
    own = _incidence(direct, len(genes), len(listed))
    closed = _with_ancestors(own, parents)
    members = np.asarray(closed.sum(axis=0)).ravel()
    kept = np.arange(len(listed)) if every_term else np.flatnonzero(members)
    # The share of genes that a term does not hold, on the scale of surprise.
    surprise = -np.log(np.maximum(members, 1) / max(len(genes), 1)) / np.log(max(len(genes), 2))
    information = np.clip(surprise, _LEAST_INFORMATION, 1).astype(np.float32)[kept]
    annotated = (closed if propagate else own)[:, kept].tocoo()
    hierarchy = parents[kept][:, kept].tocoo()
    up = _plain("term", "specialises", "term", hierarchy, np.ones(hierarchy.nnz, np.float32))
    down = up.reversed("generalises")
    has = _plain("gene", "annotated", "term", annotated, information[annotated.col])
    return tuple(listed[i] for i in kept), [has, has.reversed("annotates"), up, down]


def _incidence(entries: Sequence[tuple[int, int]], rows: int, columns: int) -> sparse.csr_array:
    pairs = np.array(entries, np.int64).reshape(-1, 2)
    matrix = sparse.csr_array(
        (np.ones(len(pairs), np.float32), (pairs[:, 0], pairs[:, 1])), shape=(rows, columns)
    )
    matrix.data[:] = 1
    return matrix


def _with_ancestors(own: sparse.csr_array, parents: sparse.csr_array) -> sparse.csr_array:
    """Return what each gene is annotated to, directly or by the true-path rule."""
    reached, edge = own, own
    while edge.nnz:
        above = edge @ parents
        above.data[:] = 1
        edge = above - above.multiply(reached)
        edge.eliminate_zeros()
        reached = reached + edge
    closed: sparse.csr_array = reached.tocsr()
    return closed


def _plain(
    source: NodeKind, name: str, target: NodeKind, matrix: sparse.coo_array, weight: FloatArray
) -> Relation:
    index = np.stack([matrix.row, matrix.col]).astype(np.int64)
    return Relation(source, name, target, index, weight, ("weight",), weight[:, None])


def _checked(features: FloatArray, size: int, kind: NodeKind) -> FloatArray:
    if features.ndim != 2 or len(features) != size:
        raise ValueError(f"{kind} features: expected {size} rows, found {features.shape}")
    return np.ascontiguousarray(features, np.float32)
