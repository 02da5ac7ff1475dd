"""What a graph network must compute: the nodes within reach of a task, and products with edges.

A network computes only what its task needs. The nodes whose messages can arrive at the task's genes
are found once and all others left out, which changes no score.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.autograd.function import FunctionCtx

IntArray = NDArray[np.int64]


class SparseMatrix:
    """A constant sparse matrix that gradients pass through."""

    def __init__(self, matrix: sparse.csr_array) -> None:
        """Keep the matrix and its transpose, which the gradient needs."""
        self.shape: tuple[int, int] = matrix.shape
        self._forward = _compressed(matrix)
        self._backward = _compressed(matrix.T.tocsr())

    def __matmul__(self, x: Tensor) -> Tensor:
        """Return the product with a dense matrix `(columns, features)`."""
        product: Tensor = _Product.apply(x, self._forward, self._backward)  # type: ignore[no-untyped-call]
        return product


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed  # type: ignore[attr-defined]
        return matrix @ x

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None, None]:
        transposed: Tensor = ctx.transposed  # type: ignore[attr-defined]
        return transposed @ gradients[0].contiguous(), None, None


def _compressed(matrix: sparse.csr_array) -> Tensor:
    matrix.sort_indices()
    values = torch.from_numpy(matrix.data.astype(np.float32))
    return _matrix(_places(matrix), values, matrix.shape)


class WeighedSum:
    """Sums over the neighbours of each node whose weights are computed, head by head.

    Edges are those of a sparse matrix in its own order, row by row. Nothing of size edges by
    features is ever made: 600,000 edges of 64 features would be 150 MB in every step.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        """Keep the places of the entries of a matrix, target by source; values do not count."""
        matrix.sort_indices()
        self.shape: tuple[int, int] = matrix.shape
        numbered = sparse.csr_array(
            (np.arange(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape
        )
        transposed = numbered.T.tocsr()
        transposed.sort_indices()
        self._places = _places(matrix)
        self._transposed = _places(transposed)
        self._order = torch.from_numpy(np.asarray(transposed.data, np.int64))
        target = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        self.target = torch.from_numpy(target)
        self.source = torch.from_numpy(matrix.indices.astype(np.int64))

    def __call__(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return the sum of weights times source `(heads, targets, width)`.

        Args:
            weights: Of each edge `(heads, edges)`.
            x: Of each source `(heads, sources, width)`.
        """
        summed: Tensor = _Weighed.apply(weights, x, self)  # type: ignore[no-untyped-call]
        return summed

    def forward(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return what a call returns, without a gradient."""
        return torch.stack(
            [_matrix(self._places, w, self.shape) @ h for w, h in zip(weights, x, strict=True)]
        )

    def gradients(self, weights: Tensor, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of weights and sources, given that of the sums."""
        turned = (self.shape[1], self.shape[0])
        zero = torch.zeros(weights.shape[1])
        to_weights = [
            torch.sparse.sampled_addmm(_matrix(self._places, zero, self.shape), up, h.T).values()
            for up, h in zip(g, x, strict=True)
        ]
        to_x = [
            _matrix(self._transposed, w, turned) @ up
            for w, up in zip(weights.index_select(1, self._order), g, strict=True)
        ]
        return torch.stack(to_weights), torch.stack(to_x)

    def at_target(self, x: Tensor) -> Tensor:
        """Return the value of each edge's target `(heads, edges)` of `(heads, targets)`."""
        return x.index_select(1, self.target)

    def at_source(self, x: Tensor) -> Tensor:
        """Return the value of each edge's source `(heads, edges)` of `(heads, sources)`."""
        return x.index_select(1, self.source)


class _Weighed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, weights: Tensor, x: Tensor, edges: WeighedSum) -> Tensor:
        ctx.save_for_backward(weights, x)
        ctx.edges = edges  # type: ignore[attr-defined]
        return edges.forward(weights, x)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, x = ctx.saved_tensors  # type: ignore[attr-defined]
        edges: WeighedSum = ctx.edges  # type: ignore[attr-defined]
        return *edges.gradients(weights, x, gradients[0].contiguous()), None


def _places(matrix: sparse.csr_array) -> tuple[Tensor, Tensor]:
    # Four-byte indices make products 1.2 to 3 times as fast.
    return (
        torch.from_numpy(matrix.indptr.astype(np.int32)),
        torch.from_numpy(matrix.indices.astype(np.int32)),
    )


def _matrix(places: tuple[Tensor, Tensor], values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support")
        return torch.sparse_csr_tensor(*places, values, size=shape, check_invariants=False)


@dataclass(frozen=True, eq=False)
class Reach:
    """The nodes that messages to some nodes come from, hop by hop.

    Attributes:
        nodes: The nodes asked for, then those whose messages they get, then those whose messages
            these get, and so on; each but the first sorted.
        parts: Operator from the nodes of each hop to those before, from the outside in.
        own: Where the nodes of each hop are among those of the next, alongside `parts`.
    """

    nodes: tuple[IntArray, ...]
    parts: tuple[sparse.csr_array, ...]
    own: tuple[Tensor, ...]

    @classmethod
    def of(cls, matrix: sparse.csr_array, rows: IntArray, hops: int) -> "Reach":
        """Return the reach of `rows`.

        Args:
            matrix: Operator, target by source `(nodes, nodes)`; messages come from its entries.
            rows: Nodes asked for.
            hops: How many times messages are passed.
        """
        nodes, parts, own = [rows], [], []
        for _ in range(hops):
            part = matrix[nodes[-1]]
            needed = np.union1d(part.indices, nodes[-1])
            parts.append(part[:, needed].tocsr())
            own.append(torch.from_numpy(np.searchsorted(needed, nodes[-1])))
            nodes.append(needed.astype(np.int64))
        return cls(tuple(nodes), tuple(reversed(parts)), tuple(reversed(own)))

    @cached_property
    def operators(self) -> tuple[SparseMatrix, ...]:
        """The parts as products that gradients pass through."""
        return tuple(SparseMatrix(part) for part in self.parts)

    @cached_property
    def sums(self) -> tuple[WeighedSum, ...]:
        """The parts as sums whose weights are computed."""
        return tuple(WeighedSum(part) for part in self.parts)
