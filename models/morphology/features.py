"""What is known of genes before any picture: annotations, networks, texts, and plain traits."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.symbols import SymbolTable
from models.inputs.annotations import annotations, baseline, essentiality

FloatArray = NDArray[np.float32]
DIMENSIONS = 128
TERMS = ("process", "function", "compartment", "complex", "pathway")
"""Families whose terms people wrote."""
PARTS = 3
"""Of an embedding: the gene's text, its partners' texts, its place."""


@dataclass(frozen=True)
class GeneFeatures:
    """Genes as vectors.

    Attributes:
        genes: Approved symbols, sorted.
        vectors: Of what is known of them; an inner product is how alike two genes are
            `(genes, DIMENSIONS)`.
        traits: Baseline expression and essentiality, standardised; 0 where unknown `(genes, 9)`.
        whole: All families side by side, of which `vectors` keeps the main directions.
        terms: Which terms a gene has `(genes, terms)`.
        complexes: The terms that are complexes `(genes, complexes)`.
    """

    genes: tuple[str, ...]
    vectors: FloatArray
    traits: FloatArray
    whole: sparse.csr_array
    terms: sparse.csr_array
    complexes: sparse.csr_array


def gene_features(
    root: Path,
    genes: Sequence[str],
    symbols: SymbolTable,
    embedded: tuple[Sequence[str], NDArray[np.floating]] | None = None,
    seed: int = 0,
) -> GeneFeatures:
    """Return features of genes; no picture and no screen of the project is looked at.

    Args:
        root: A mirror, or `sources` of a data folder.
        genes: Approved symbols.
        symbols: The genes of today.
        embedded: Genes and vectors of another model, in `PARTS` parts, that joins the families.
        seed: Of the decomposition.
    """
    from sklearn.utils.extmath import randomized_svd

    names = tuple(sorted(set(genes)))
    families = annotations(root, names, symbols)
    by_name = {one.family: sparse.csr_array(one.matrix) for one in families}
    parts = list(by_name.values())
    if embedded is not None:
        row = {gene: i for i, gene in enumerate(names)}
        known = [(row[gene], i) for i, gene in enumerate(embedded[0]) if gene in row]
        at, source = (np.array(one) for one in zip(*known, strict=True))
        for block in np.array_split(np.asarray(embedded[1], np.float32), PARTS, axis=1):
            dense = np.zeros((len(names), block.shape[1]), np.float32)
            length = np.linalg.norm(block[source], axis=1, keepdims=True)
            dense[at] = block[source] / np.maximum(length, 1e-6)
            parts.append(sparse.csr_array(dense))
    whole = sparse.csr_array(sparse.hstack(parts)) / np.sqrt(len(parts))
    left, singular, _ = randomized_svd(whole, DIMENSIONS, random_state=seed, n_iter=3)
    traits = np.column_stack([baseline(root, names, symbols), essentiality(root, names, symbols)])
    traits = (traits - np.nanmean(traits, axis=0)) / np.nanstd(traits, axis=0)
    return GeneFeatures(
        names,
        (left * singular).astype(np.float32),
        np.clip(np.nan_to_num(traits), -4, 4).astype(np.float32),
        sparse.csr_array(whole),
        sparse.csr_array(sparse.hstack([by_name[name] for name in TERMS]) > 0).astype(np.float32),
        sparse.csr_array(by_name["complex"] > 0).astype(np.float32),
    )
