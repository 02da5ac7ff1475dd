"""What a predictor of gene properties may see besides labels: a graph, and texts on its nodes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from knowledge.ontology import GeneOntology
from knowledge.progress import Progress
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.symbols import SymbolTable
from knowledge.texts.encoder import Encoder
from models.genen.graphs import (
    GraphKind,
    PropertyGraph,
    gene_universe,
    read_graph,
    read_ontology,
)
from models.genen.texts import (
    BoolArray,
    FloatArray,
    GeneText,
    embed,
    gene_texts,
    masked,
    term_texts,
)


@dataclass(frozen=True, eq=False)
class GeneInputs:
    """A graph and what is written about its nodes.

    Two of them are equal only if they are one object, so that what is computed from one can be
    kept by it.

    Attributes:
        graph: Genes, terms and the edges among them.
        gene_x: Embedded text of each gene, zeros where it is hidden or absent `(genes, d)`.
        term_x: Embedded text of each term `(terms, d)`, `(0, d)` in a graph of interactions alone.
        texts: Description of each gene, empty where it is hidden or absent.
    """

    graph: PropertyGraph
    gene_x: FloatArray
    term_x: FloatArray
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        genes, terms = len(self.graph.genes), len(self.graph.terms)
        if len(self.gene_x) != genes or len(self.texts) != genes:
            raise ValueError(
                f"expected texts of {genes} genes, found {len(self.texts)} and "
                f"embeddings {self.gene_x.shape}"
            )
        if self.term_x.shape != (terms, self.gene_x.shape[1]):
            raise ValueError(f"expected embeddings of {terms} terms, found {self.term_x.shape}")

    @property
    def described(self) -> BoolArray:
        """Return which genes have a text to be seen `(genes,)`."""
        return np.array([bool(text) for text in self.texts], bool)

    def without_texts(self, hidden: BoolArray) -> "GeneInputs":
        """Return the same graph with some genes' texts hidden, embeddings and words alike.

        Args:
            hidden: Which texts to hide `(genes,)`.
        """
        texts = tuple("" if gone else t for t, gone in zip(self.texts, hidden, strict=True))
        return replace(self, gene_x=masked(self.gene_x, hidden), texts=texts)

    def over(self, graph: PropertyGraph) -> "GeneInputs":
        """Return the same texts over other edges among the same nodes, such as rewired ones.

        Raises:
            ValueError: The nodes are not the same.
        """
        if graph.genes != self.graph.genes or graph.terms != self.graph.terms:
            raise ValueError("the other graph has other nodes")
        return replace(self, graph=graph)


def read_inputs(
    data: Path,
    kind: GraphKind,
    encoder: Encoder,
    cache: Path | None,
    *,
    compartment: bool = False,
    symbols: SymbolTable | None = None,
    ontology: GeneOntology | None = None,
    texts: Sequence[GeneText] | None = None,
    progress: Progress | None = None,
) -> GeneInputs:
    """Return the graph of all protein-coding genes and their embedded texts, from the mirror.

    A gene that nobody described has a vector of zeros: its name alone is no text.

    Args:
        data: A mirror, or a data folder with `sources`.
        kind: Whether the graph has interactions, terms or both.
        encoder: Embeds the texts.
        cache: Folder that keeps embeddings from run to run.
        compartment: Whether to take GO's cellular components in.
        symbols: The genes of today, if they are at hand.
        ontology: The Gene Ontology, if it is at hand.
        texts: What is written about the genes of `gene_universe(data)`, if it is at hand.
        progress: Told how far the encoding is.

    Raises:
        DataError: The data or the cache cannot be read.
    """
    table = symbols or read_symbols(sources_root(data))
    known = None if kind == "ppi" else (ontology or read_ontology(data, table))
    genes = gene_universe(data)
    graph = read_graph(data, kind, genes, compartment=compartment, symbols=table, ontology=known)
    written = gene_texts(data, genes) if texts is None else tuple(texts)
    if tuple(text.symbol for text in written) != genes:
        raise ValueError("the texts are not of the protein-coding genes in their order")
    # Embedded as one, so that one look into the cache serves genes and terms.
    words = [text.text if text.description else "" for text in written]
    if known is not None:
        words.extend(term_texts(known, graph.terms))
    vectors = embed(words, encoder, cache, progress)
    return GeneInputs(
        graph,
        vectors[: len(genes)],
        vectors[len(genes) :],
        tuple(text.description for text in written),
    )
