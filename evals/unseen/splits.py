"""Folds over training rows in which perturbations, their families, readouts or both are unseen."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from scipy import sparse

from knowledge.parsers.table import read_table
from knowledge.symbols import SymbolTable
from models.inputs.screens import UNKNOWN, BoolArray, IntArray, Rows

SplitName = Literal["perturbation", "family", "as many", "readout", "both"]
SPLITS: Mapping[SplitName, str] = {
    "perturbation": "the perturbation is unseen, in every line",
    "family": "and so are all that share a complex or are paralogues",
    "as many": "and so are as many others, drawn at random",
    "readout": "the readout is unseen, in every line",
    "both": "perturbation and readout are unseen: no row that was seen shares either",
}
COMPLEXES = "networks/complexes/corum_4.1_human.tsv"
PARALOGUES = "networks/modules/paralog_pairs_dekegel2019.tsv"
LARGEST_COMPLEX = 100
"""Larger ones, such as a whole ribosome with all its factors, join what has little in common."""


class Folds(NamedTuple):
    """Which rows each fold tests, and which it must not see.

    Attributes:
        perturbation: Fold of each perturbation, `UNKNOWN` where perturbations are not held out.
        readout: Fold of each readout, `UNKNOWN` where readouts are not held out.
        besides: Perturbations that a fold must not see besides its own `(folds, perturbations)`.
    """

    perturbation: IntArray
    readout: IntArray
    besides: BoolArray

    def hidden(self, rows: Rows, k: int) -> BoolArray:
        """Return the rows that share a perturbation or a readout with what fold `k` tests."""
        perturbed = (self.perturbation == k) | self.besides[k]
        found: BoolArray = perturbed[rows.pert] | (self.readout[rows.readout] == k)
        return found

    def asked(self, rows: Rows, k: int) -> BoolArray:
        """Return the rows of fold `k`: of its perturbations and, of those, its readouts."""
        found: BoolArray = np.isin(self.perturbation[rows.pert], (k, UNKNOWN)) & np.isin(
            self.readout[rows.readout], (k, UNKNOWN)
        )
        return found


def split(
    name: SplitName,
    rows: Rows,
    related: sparse.csr_array,
    readouts: int,
    folds: int,
    rng: np.random.Generator,
) -> Folds:
    """Return the folds of a split; the same generator deals the same perturbations in each.

    Args:
        name: What is held out.
        rows: The training rows.
        related: Which perturbations are of one family `(perturbations, perturbations)`.
        readouts: How many there are.
        folds: How many.
        rng: Deals them.
    """
    perts = related.shape[0]
    of_pert, of_readout = rng.permutation(perts) % folds, rng.permutation(readouts) % folds
    besides = np.zeros((folds, perts), np.bool_)
    if name in ("family", "as many"):
        measured = np.isin(np.arange(perts), rows.pert)
        for k in range(folds):
            mine = of_pert == k
            family = (related[mine].sum(0) > 0) & ~mine & measured
            others = rng.permutation(np.flatnonzero(~mine & measured))[: int(family.sum())]
            besides[k] = family if name == "family" else np.isin(np.arange(perts), others)
    return Folds(
        np.full(perts, UNKNOWN) if name == "readout" else of_pert,
        of_readout if name in ("readout", "both") else np.full(readouts, UNKNOWN),
        besides,
    )


def related(perturbations: Sequence[str], groups: Iterable[Sequence[str]]) -> sparse.csr_array:
    """Return which perturbations are together in a group `(perturbations, perturbations)`.

    Args:
        perturbations: Approved symbols.
        groups: Approved symbols that belong together.
    """
    at = {gene: i for i, gene in enumerate(perturbations)}
    found = [[at[gene] for gene in group if gene in at] for group in groups]
    row = np.concatenate([np.zeros(0, np.int64), *(np.array(g, np.int64) for g in found)])
    column = np.repeat(np.arange(len(found)), [len(group) for group in found])
    shape = (len(at), len(found))
    member = sparse.csr_array((np.ones(len(row), np.float32), (row, column)), shape=shape)
    return sparse.csr_array(member @ member.T)


def read_groups(root: Path, symbols: SymbolTable) -> list[tuple[str, ...]]:
    """Return complexes of at most `LARGEST_COMPLEX` members (CORUM) and pairs of paralogues.

    Raises:
        DataError: A file is missing or malformed.
    """
    complexes = (genes.split(";") for _, (genes,) in read_table(root / COMPLEXES, ("genes",)))
    pairs = (pair for _, pair in read_table(root / PARALOGUES, ("A1", "A2")))
    found = ([one.strip() for one in group] for group in (*complexes, *pairs))
    return [
        tuple(s for word in group if (s := symbols.approved(word)))
        for group in found
        if len(group) <= LARGEST_COMPLEX
    ]
