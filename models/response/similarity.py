"""How alike each gene is to every perturbed gene, kept as short lists of relatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.inputs.screens import IntArray

if TYPE_CHECKING:
    # It reads tables with pandas, which predicting must not wait for.
    from models.inputs.annotations import Annotations

FloatArray = NDArray[np.float32]

# Weight of each family and the exponent that sharpens it; chosen by cross-validation.
WEIGHTS: Mapping[str, float] = {
    "string": 1.0, "interaction": 0.6, "module": 0.6, "complex": 0.4, "pathway": 0.25,
    "compartment": 0.25, "process": 0.2, "text": 0.2,
}  # fmt: skip
SHARPNESS = 1.25
RELATIVES = 128
# Genes that no training screen perturbed get shorter lists: they are most of the weights' size.
RELATIVES_OF_OTHERS = 64
EXPLAINED = 40
REASONS = 2
# Families whose terms a reader understands, and how a shared term is introduced.
NAMED = {
    "complex": "both in the complex {}",
    "pathway": "both in the pathway {}",
    "process": "both annotated to {}",
    "module": "both in {}",
    "compartment": "both located in {}",
}
UNNAMED = {
    "string": "STRING neighbours or sharing them",
    "interaction": "shared protein interactions",
    "text": "similar descriptions",
    "domain": "shared domains or gene family",
}
SCALE = 255


@dataclass(frozen=True, slots=True)
class Relatives:
    """The nearest perturbed genes of every gene.

    Attributes:
        index: Perturbations, nearest first `(genes, relatives)`.
        level: Square root of the similarity in steps of 1/255; 0 fills short lists.
        reason: Into `reasons`, what is shared with the nearest `(genes, 40, 2)`; 0: nothing.
        reasons: Sentences.
    """

    index: NDArray[np.uint16]
    level: NDArray[np.uint8]
    reason: NDArray[np.uint16]
    reasons: tuple[str, ...]

    def rows(self, genes: IntArray, n_perturbations: int) -> FloatArray:
        """Return the similarity of `genes` to all perturbations `(genes, perturbations)`."""
        out = np.zeros((len(genes), n_perturbations), np.float32)
        values = (self.level[genes].astype(np.float32) / SCALE) ** 2
        # Added, not put: the fillers of a short list share index 0 and add nothing.
        np.add.at(out, (np.arange(len(genes))[:, None], self.index[genes]), values)
        return out

    def between(self, perturbations: IntArray) -> FloatArray:
        """Return the symmetric similarity among perturbations, given their gene indices."""
        rows = self.rows(perturbations, len(perturbations))
        return np.maximum(rows, rows.T)

    def profiles(
        self,
        genes: IntArray,
        n_perturbations: int,
        nearest: int | None = None,
        dtype: type[np.floating] = np.float32,
    ) -> sparse.csr_array:
        """Return the similarity of `genes` to perturbations as rows of length 1.

        Args:
            genes: Indices into the vocabulary of genes.
            n_perturbations: How many perturbations there are.
            nearest: How many relatives of a gene count; all that are kept by default.
            dtype: Of the values.

        Returns:
            A matrix `(genes, perturbations)`; a gene without relatives has an empty row.
        """
        values = (self.level[genes, :nearest].astype(dtype) / SCALE) ** 2
        index = self.index[genes, :nearest]
        where = (np.repeat(np.arange(len(genes)), values.shape[1]), index.ravel())
        shape = (len(genes), n_perturbations)
        found = sparse.csr_array(sparse.coo_array((values.ravel(), where), shape=shape))
        length = np.sqrt(found.multiply(found).sum(axis=1))
        scale = sparse.diags_array(1 / np.maximum(length, np.finfo(np.float32).tiny))
        return sparse.csr_array(scale @ found)

    def why(self, gene: int, perturbation: int) -> tuple[str, ...]:
        """Return what `gene` shares with `perturbation`, strongest first."""
        explained = self.reason.shape[1]
        at = np.flatnonzero(self.index[gene, :explained] == perturbation)
        found = self.reason[gene, at[0]] if len(at) else np.zeros(0, np.uint16)
        return tuple(self.reasons[i] for i in found if i)


@dataclass(frozen=True, slots=True)
class Kin:
    """How alike the readout genes are to every perturbed gene.

    Attributes:
        direct: Similarity `(perturbations, readouts)`.
        unit: The same with columns of unit length.
    """

    direct: sparse.csr_array
    unit: sparse.csr_array


def kin_of(relatives: Relatives, readout_genes: IntArray, n_perturbations: int) -> Kin:
    """Return how alike `readout_genes` are to the perturbations."""
    level = relatives.level[readout_genes].astype(np.float32) / SCALE
    mate = relatives.index[readout_genes].astype(np.int64)
    column = np.broadcast_to(np.arange(len(readout_genes))[:, None], mate.shape)
    shape = (n_perturbations, len(readout_genes))
    # Fillers of short lists add zeros to the first perturbation.
    direct = sparse.csr_array((level.ravel() ** 2, (mate.ravel(), column.ravel())), shape=shape)
    length = np.sqrt(direct.multiply(direct).sum(0))
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return Kin(direct, (direct @ sparse.diags_array(scale)).tocsr().astype(np.float32))


def similarity_to(
    relatives: Relatives, between: FloatArray, genes: IntArray, own: IntArray
) -> FloatArray:
    """Return the similarity of `genes` to all perturbations `(genes, perturbations)`.

    Args:
        relatives: The nearest perturbations of every gene.
        between: The symmetric similarity among perturbations.
        genes: Indices into the vocabulary of genes.
        own: Each gene's index among the perturbations, -1 where it is none.
    """
    out = relatives.rows(genes, len(between))
    known = own >= 0
    out[known] = between[own[known]]
    return out


def relatives(
    families: Sequence["Annotations"],
    perturbations: IntArray,
    weights: Mapping[str, float] = WEIGHTS,
    sharpness: float = SHARPNESS,
    n_relatives: int = RELATIVES,
    chunk: int = 1000,
) -> Relatives:
    """Return the nearest perturbations of every gene.

    Args:
        families: "Annotations" over the same genes.
        perturbations: Gene index of each perturbation.
        weights: Weight per family name; families without one are left out.
        sharpness: Exponent on each family's cosine similarity.
        n_relatives: Length of each list.
        chunk: Genes handled at once.
    """
    used = [family for family in families if weights.get(family.family)]
    total = sum(weights[family.family] for family in used)
    n_genes = used[0].matrix.shape[0]
    width = min(n_relatives, len(perturbations))
    index = np.zeros((n_genes, width), np.uint16)
    level = np.zeros((n_genes, width), np.uint8)
    explained = min(EXPLAINED, width)
    reason = np.zeros((n_genes, explained, REASONS), np.uint16)
    sentences: dict[str, int] = {"": 0}
    column = np.full(n_genes, -1)
    column[perturbations] = np.arange(len(perturbations))
    for start in range(0, n_genes, chunk):
        genes = np.arange(start, min(start + chunk, n_genes))
        parts = []
        for family in used:
            cosine = (family.matrix[genes] @ family.matrix[perturbations].T).toarray()
            parts.append(weights[family.family] * np.clip(cosine, 0, 1) ** sharpness)
        joined = sum(parts[1:], parts[0]) / total
        own = column[genes]
        joined[np.flatnonzero(own >= 0), own[own >= 0]] = 0
        nearest = np.argsort(-joined, axis=1, kind="stable")[:, :width]
        values = np.take_along_axis(joined, nearest, 1)
        index[genes] = nearest
        index[genes[own < 0], RELATIVES_OF_OTHERS:] = 0
        level[genes] = np.rint(np.sqrt(values) * SCALE)
        level[genes[own < 0], RELATIVES_OF_OTHERS:] = 0
        shares = np.stack([np.take_along_axis(part, nearest[:, :explained], 1) for part in parts])
        reason[genes] = _reasons(
            used, shares, genes, perturbations[nearest[:, :explained]], sentences
        )
    return Relatives(index, level, reason, tuple(sentences))


def _reasons(
    families: Sequence["Annotations"],
    shares: FloatArray,
    genes: IntArray,
    mates: IntArray,
    sentences: dict[str, int],
) -> NDArray[np.uint16]:
    """Return the sentence numbers of the strongest shared facts `(genes, relatives, 2)`."""
    best = np.argsort(-shares, axis=0)[:REASONS]
    out = np.zeros((*mates.shape, REASONS), np.uint16)
    for f, family in enumerate(families):
        for slot in range(len(best)):
            row, col = np.nonzero((best[slot] == f) & (shares[f] > 0))
            if not len(row):
                continue
            if family.family in NAMED:
                both = family.matrix[genes[row]].multiply(family.matrix[mates[row, col]]).tocsr()
                texts = [NAMED[family.family].format(family.terms[t]) for t in _strongest(both)]
            else:
                texts = [UNNAMED.get(family.family, family.family)] * len(row)
            for r, c, text in zip(row, col, texts, strict=True):
                number = sentences.setdefault(text, len(sentences))
                out[r, c, slot] = number if number < np.iinfo(np.uint16).max else 0
    return out


def _strongest(matrix: sparse.csr_array) -> list[int]:
    """Return the column of each row's largest value."""
    bounds = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    return [int(matrix.indices[a + np.argmax(matrix.data[a:b])]) for a, b in bounds]
