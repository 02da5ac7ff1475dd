"""What genes are described by without any label: words, texts, neighbourhoods, spread texts."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evals.genen.inputs import GeneInputs
from evals.genen.rivals.propagation import NEAREST, adjacency, mean_of_neighbours, symmetric
from models.genen.graphs import PropertyGraph
from models.genen.texts import FloatArray

Block: TypeAlias = sparse.csr_array | FloatArray
"""One description of all genes: a row per gene, of unit length or zero `(genes, features)`."""
_LEAST_USES = 3
# What a gene's own column weighs beside its neighbours' in its row of interactions.
_SELF = 0.5
# Each step up the ontology halves what a term says of the gene.
_PARENT, _GENERATIONS = 0.5, 3
LATENT = 256
"""Dimensions that words are reduced to before they spread."""


@lru_cache(maxsize=2)
def words(texts: tuple[str, ...]) -> sparse.csr_array:
    """Return the TF-IDF of texts, rows of unit length, zero for an empty one `(texts, words)`.

    Words in fewer than three texts and English stop words are left out.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    counter = TfidfVectorizer(
        sublinear_tf=True, min_df=_LEAST_USES, stop_words="english", dtype=np.float32
    )
    try:
        return sparse.csr_array(counter.fit_transform(texts))
    except ValueError:  # not one word is left
        return sparse.csr_array((len(texts), 1), dtype=np.float32)


def reduced(block: Block, width: int, seed: int = 0) -> FloatArray:
    """Return the block in its principal directions, `width` at most `(rows, width)`.

    Products of rows stay what they are where rows or directions are no more than `width`, and are
    approximated as well as that width allows otherwise (Halko et al., 2011).
    """
    rows, columns = block.shape
    if rows <= width or columns <= width:
        if columns <= rows:
            return _dense(block)
        values, vectors = np.linalg.eigh(_dense(block @ block.T).astype(np.float64))
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), np.float32)
    from sklearn.utils.extmath import randomized_svd

    # scikit-learn multiplies sparse matrices faster than sparse arrays it does not know.
    matrix = sparse.csr_matrix(block) if sparse.issparse(block) else block
    left, values, _ = randomized_svd(matrix, width, n_iter=2, random_state=seed)
    return np.asarray(left * values, np.float32)


def _dense(block: Block) -> FloatArray:
    return np.asarray(block if isinstance(block, np.ndarray) else block.toarray(), np.float32)


@lru_cache(maxsize=2)
def latent_words(texts: tuple[str, ...]) -> FloatArray:
    """Return texts in latent semantic directions `(texts, LATENT)`."""
    return reduced(words(texts), LATENT)


@lru_cache(maxsize=2)
def blocks(inputs: GeneInputs) -> Mapping[str, Block]:
    """Return every description of the genes that the inputs allow, by name."""
    return {"words": words(inputs.texts), "text": unit(inputs.gene_x), **graph_blocks(inputs)}


def graph_blocks(inputs: GeneInputs) -> Mapping[str, Block]:
    """Return the descriptions that need the graph, by name."""
    graph, found = inputs.graph, dict[str, Block]()
    names = {relation.name for relation in graph.relations}
    found.update(neighbourhoods(graph))
    # What graph networks see (SGC, Wu et al., 2019): A^ A^ X of all edges as they weigh, and
    # A^ A^ A^ X of the strongest. TF range gains .04 from the two, other tasks .00 to .01.
    nodes, every = node_features(inputs), symmetric(adjacency(graph))
    strongest = symmetric(adjacency(graph, weighted=False, most=NEAREST))
    genes = slice(len(graph.genes))
    found["text two steps wide"] = unit((every @ (every @ nodes))[genes])
    found["text three steps wide"] = unit((strongest @ (strongest @ (strongest @ nodes)))[genes])
    if "interacts" in names:
        nearby = mean_of_neighbours(gene_matrix(graph, "interacts"))
        found["words of partners"] = unit(nearby @ latent_words(inputs.texts))
        found["text of partners"] = unit(nearby @ inputs.gene_x)
    if "annotated" in names:
        held = mean_of_neighbours(gene_matrix(graph, "annotated"))
        found["text of terms"] = unit(held @ inputs.term_x)
        members = mean_of_neighbours(gene_matrix(graph, "annotated").T.tocsr())
        found["words of like genes"] = unit(held @ (members @ latent_words(inputs.texts)))
    return found


def neighbourhoods(graph: PropertyGraph) -> Mapping[str, sparse.csr_array]:
    """Return the genes' rows of interactions and of terms: edges alone, no text."""
    from sklearn.preprocessing import normalize

    found = {}
    names = {relation.name for relation in graph.relations}
    if "interacts" in names:
        partners = normalize(gene_matrix(graph, "interacts"))
        own = sparse.diags_array(np.full(len(graph.genes), _SELF, np.float32), format="csr")
        # A gene without partners is described by nothing, not by itself.
        own = own @ sparse.diags_array((partners.sum(axis=1) > 0).astype(np.float32))
        found["partners"] = sparse.csr_array(normalize(partners + own))
    if "annotated" in names:
        held = gene_matrix(graph, "annotated")
        above = mean_of_neighbours(_parents(graph))
        for _ in range(_GENERATIONS):
            held = gene_matrix(graph, "annotated") + _PARENT * (held @ above)
        found["terms"] = sparse.csr_array(normalize(held))
    return found


def gene_matrix(graph: PropertyGraph, name: str) -> sparse.csr_array:
    """Return the weights of a relation from genes, source by target `(genes, targets)`."""
    relation = graph.relation(name)
    size = len(graph.genes) if relation.target == "gene" else len(graph.terms)
    return sparse.csr_array(
        (relation.weight, (relation.index[0], relation.index[1])), shape=(len(graph.genes), size)
    )


def _parents(graph: PropertyGraph) -> sparse.csr_array:
    upward = graph.relation("specialises")
    size = len(graph.terms)
    return sparse.csr_array((upward.weight, (upward.index[0], upward.index[1])), (size, size))


def unit(vectors: NDArray[np.float32]) -> FloatArray:
    """Return rows scaled to unit length; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1), np.float32)


def _nodes(inputs: GeneInputs) -> FloatArray:
    return np.concatenate([inputs.gene_x, inputs.term_x])


@lru_cache(maxsize=2)
def node_features(inputs: GeneInputs, width: int = 128) -> FloatArray:
    """Return what networks read of genes, then terms, `width` columns at most `(nodes, width)`.

    The texts' principal directions, centred and scaled to a mean square of one. A node without
    text has zeros, which is the mean of the others.
    """
    nodes = _nodes(inputs)
    told = np.abs(nodes).sum(axis=1) > 0
    if not told.any():
        return np.zeros((len(nodes), min(width, nodes.shape[1])), np.float32)
    centred = np.where(told[:, None], nodes - nodes[told].mean(axis=0), np.float32(0))
    if centred.shape[1] > width:
        _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        centred = centred @ directions[:, : -width - 1 : -1].astype(np.float32)
    scale = max(float(np.sqrt(np.mean(centred[told] ** 2))), 1e-9)
    return np.asarray(centred / scale, np.float32)
