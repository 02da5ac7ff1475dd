"""Whom a gene works with and what it is annotated to: small enough to ship, exact to name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.genen.graphs import PropertyGraph
from models.genen.texts import FloatArray

STEPS = 255
# A single doubtful partner should not be heard as loudly as twenty sure ones.
_PRIOR_CONFIDENCE = 1.0
# As in the graph: a term of every gene says little.
_LEAST_INFORMATION = 0.05


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The neighbours of every gene in the graph of interactions and annotations.

    Attributes:
        genes: Approved symbols.
        terms: GO ids.
        partners: Confidence of each interaction, both ways, in steps of 1/255 `(genes, genes)`.
        direct: 1 where a gene is annotated to a term itself `(genes, terms)`.
        parents: 1 where a term is a kind or a part of another `(terms, terms)`.
    """

    genes: tuple[str, ...]
    terms: tuple[str, ...]
    partners: sparse.csr_array
    direct: sparse.csr_array
    parents: sparse.csr_array

    @classmethod
    def of(cls, graph: PropertyGraph) -> Self:
        """Return the neighbourhood in a graph of interactions, direct annotations, or both."""
        size, terms = len(graph.genes), len(graph.terms)
        index = {one.name: one.index for one in graph.relations}
        none = np.zeros((2, 0), np.int64)
        partners = _csr(none, (size, size))
        if "interacts" in index:
            sure = graph.relation("interacts").weight
            level = np.asarray(np.maximum(np.rint(sure * STEPS), 1) / STEPS, np.float32)
            partners = _csr(index["interacts"], (size, size), level)
        return cls(
            graph.genes,
            graph.terms,
            partners,
            _csr(index.get("annotated", none), (size, terms)),
            _csr(index.get("specialises", none), (terms, terms)),
        )

    @classmethod
    def restored(
        cls, genes: tuple[str, ...], terms: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Return what `arrays` was made of.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not fit the genes and terms.
        """
        size, count = len(genes), len(terms)
        upper = _unpacked(arrays, "partners", (size, size))
        upper.data = arrays["partners/confidence"].astype(np.float32) / STEPS
        return cls(
            genes,
            terms,
            sparse.csr_array(upper + upper.T),
            _unpacked(arrays, "annotations", (size, count)),
            _unpacked(arrays, "parents", (count, count)),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays of few bytes: of each interaction one direction."""
        upper = sparse.csr_array(sparse.triu(self.partners, 1))
        return {
            **_packed("partners", upper),
            "partners/confidence": np.rint(upper.data * STEPS).astype(np.uint8),
            **_packed("annotations", self.direct),
            **_packed("parents", self.parents),
        }

    @cached_property
    def hearing(self) -> sparse.csr_array:
        """How much of each partner's text a gene hears, at most 1 in all `(genes, genes)`."""
        total = np.asarray(self.partners.sum(axis=1)).ravel() + _PRIOR_CONFIDENCE
        return sparse.csr_array(sparse.diags_array(1 / total) @ self.partners, dtype=np.float32)

    @cached_property
    def annotated(self) -> sparse.csr_array:
        """What a gene is annotated to, by the true-path rule, by information `(genes, terms)`."""
        above = sparse.csr_array(sparse.eye_array(len(self.terms), dtype=np.float32) + self.parents)
        known = 0
        while above.nnz != known:
            known = above.nnz
            above = sparse.csr_array(above @ above)
            above.data[:] = 1
        found = sparse.csr_array(self.direct @ above)
        found.data[:] = 1
        members = np.maximum(np.asarray(found.sum(axis=0)).ravel(), 1)
        size = max(len(self.genes), 2)
        information = np.clip(-np.log(members / size) / np.log(size), _LEAST_INFORMATION, 1)
        return sparse.csr_array(found @ sparse.diags_array(information), dtype=np.float32)

    @cached_property
    def rows(self) -> sparse.csr_array:
        """Return partners, then terms, of each gene, either of unit length `(genes, both)`."""
        both = [_unit(self.partners), _unit(self.annotated)]
        return sparse.csr_array(sparse.hstack(both), dtype=np.float32)

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Return which genes have a partner or a term `(genes,)`."""
        return np.asarray(np.diff(self.rows.indptr) > 0)


def _csr(
    index: NDArray[np.int64], shape: tuple[int, int], values: FloatArray | None = None
) -> sparse.csr_array:
    data = np.ones(index.shape[1], np.float32) if values is None else values
    matrix = sparse.csr_array((data, (index[0], index[1])), shape=shape, dtype=np.float32)
    matrix.sort_indices()
    return matrix


def _unit(matrix: sparse.csr_array) -> sparse.csr_array:
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(length, 1e-9)) @ matrix)


def _packed(name: str, matrix: sparse.csr_array) -> dict[str, NDArray[Any]]:
    return {
        f"{name}/count": np.diff(matrix.indptr).astype(np.uint16),
        f"{name}/column": matrix.indices.astype(np.uint16),
    }


def _unpacked(
    arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, int]
) -> sparse.csr_array:
    count, column = arrays[f"{name}/count"], arrays[f"{name}/column"].astype(np.int32)
    start = np.concatenate([[0], np.cumsum(count, dtype=np.int64)]).astype(np.int32)
    if len(count) != shape[0] or start[-1] != len(column) or column.max(initial=-1) >= shape[1]:
        raise ValueError(f"{name} do not fit {shape[0]:,} rows and {shape[1]:,} columns")
    return sparse.csr_array((np.ones(len(column), np.float32), column, start), shape=shape)
