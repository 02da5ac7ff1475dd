"""One collection of a stored phenotype model: its terms and weights, and what is known of genes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import KnockwiseError
from models.genepheno.checkpoint import Checkpoint
from models.genepheno.network import Head
from models.genepheno.ontology import IntArray, ancestry, children_first
from models.genepheno.phenotypes import Collection, TermVocabulary

FloatArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One collection's way from functions to phenotypes, and what is known of genes.

    Attributes:
        vocabulary: The terms.
        head: From latent functions to terms.
        weights: From annotated functions to terms `(functions, terms)`.
        order: Terms, children before parents.
        below: Which terms are under each, itself included `(terms, terms)`.
        known: Rows of the terms stated of each gene; none where nothing abnormal was found.
    """

    vocabulary: TermVocabulary
    head: Head
    weights: FloatArray
    order: IntArray
    below: sparse.csr_array
    known: Mapping[str, IntArray]


def read_layer(checkpoint: Checkpoint, name: Collection, entry: FloatArray) -> Layer:
    """Return the layer of one collection.

    Args:
        checkpoint: Where it is stored.
        name: Of the collection.
        entry: What each function adds to the latent ones `(functions, rank)`.

    Raises:
        KnockwiseError: The checkpoint does not have it.
    """
    learnt = {one.collection: one for one in checkpoint.config.collections}
    if name not in learnt:
        raise KnockwiseError(
            f"The phenotype model does not predict {name!r}; choose among {', '.join(learnt)}."
        )
    names, arrays = checkpoint.names, checkpoint.arrays
    vocabulary = TermVocabulary(
        terms=names[f"{name}/terms"],
        names=names[f"{name}/names"],
        parents=ragged(arrays, f"{name}/parents"),
        systems=names[f"{name}/systems"],
        exclusive=arrays[f"{name}/exclusive"].astype(np.int64),
        exclusive_rate=learnt[name].exclusive_rate,
    )
    layer = Head(
        single(arrays[f"{name}/layer"]), single(arrays[f"{name}/prior"]), learnt[name].gain
    )
    known = ragged(arrays, f"{name}/known")
    below = ancestry(vocabulary.parents).T.tocsr()
    below.sort_indices()
    return Layer(
        vocabulary=vocabulary,
        head=layer,
        weights=entry @ layer.layer,
        order=children_first(vocabulary.parents),
        below=below,
        known=dict(zip(names.get(f"{name}/known", ()), known, strict=True)),
    )


def single(array: NDArray[Any]) -> FloatArray:
    """Return an array in single precision."""
    return np.asarray(array, np.float32)


def ragged(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[IntArray, ...]:
    """Return rows of different lengths, stored end to end with their lengths."""
    values = arrays[f"{name}/rows"].astype(np.int64)
    ends = np.cumsum(arrays[f"{name}/lengths"].astype(np.int64))
    return tuple(np.split(values, ends[:-1])) if len(ends) else ()
