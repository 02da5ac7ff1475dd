"""Extra evidence of the setting `extended`: which readouts a screen's knockdowns moved, and how.

The collections name what changed and nothing else. But a screen's set is over all it read: a
readout that the screen's sets ever name and that is not in a perturbation's set did not change
enough to be called. So every measured perturbation has a complete row, and no negatives are drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse

from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from models.inputs.screens import (
    CELL_LINES,
    BoolArray,
    IntArray,
    Screens,
    approve,
    tested_perturbations,
)
from models.response.field import FloatArray
from models.response.query import Query

if TYPE_CHECKING:
    import pandas as pd

SET_FILES = (
    "perturbseq/replogle_signed_sets_train.parquet",
    "perturbseq/adamson_datlinger_significant_train.parquet",
)
# Axes of the sets' responses, and how many relatives' weights a rate or a vote is shrunk by.
RANK = 32
SUPPORT = 0.05
SET_FEATURES = (
    *(
        f"{where}_{what}"
        for where in ("sets", "sets_elsewhere")
        for what in ("vote", "direction", "factors", "strength")
    ),
    *(f"sets_exact_{what}" for what in ("sign", "beyond_rate", "factors", "size")),
    "sets_rate",
)
STUDY_LINES = {"adamson": "K562", "datlinger": "Jurkat"}


@dataclass(frozen=True, slots=True)
class SignedSets:
    """What was seen to change.

    Attributes:
        members: Per line, +1 up, -1 down `(perturbations, readouts)`.
        measured: Per line, which perturbations have a set `(lines, perturbations)`.
    """

    members: tuple[sparse.csr_array, ...]
    measured: BoolArray

    def without(self, line: IntArray, pert: IntArray) -> Self:
        """Return the sets less those of the given perturbations in the given lines."""
        measured = self.measured.copy()
        measured[line, pert] = False
        members = tuple(
            (sparse.diags_array(kept.astype(np.float32)) @ matrix).tocsr()
            for kept, matrix in zip(measured, self.members, strict=True)
        )
        return replace(self, members=members, measured=measured)


def read_set_rows(root: Path, symbols: SymbolTable) -> "pd.DataFrame":
    """Return `line`, `pert`, `gene` (approved symbols) and `sign` of every set.

    Sets of a line's own test perturbations are left out. The files have most of them removed
    already, but not those written under another symbol than in PerturbQA, such as C12ORF45.

    Raises:
        DataError: A file is missing.
    """
    # Predicting with the shipped weights imports this module, and must not wait for pandas.
    import pandas as pd

    parts = []
    for name in SET_FILES:
        try:
            table = pd.read_parquet(root / name)
        except FileNotFoundError:
            raise missing(root / name) from None
        if "study_id" in table:
            table = table.rename(columns={"perturbation": "pert"})
            table["cell_line"] = table.study_id.str.partition("_")[0].map(STUDY_LINES)
            table["sign"] = np.sign(table.log2fc).astype(np.int64)
        else:
            table = table.rename(columns={"target": "pert"})
        parts.append(table[["cell_line", "pert", "gene", "sign"]])
    rows = pd.concat(parts, ignore_index=True)
    approved = {word: approve(word, symbols) for word in {*rows.pert, *rows.gene}}
    rows["pert"], rows["gene"] = rows.pert.map(approved), rows.gene.map(approved)
    tested = {
        (line, pert) for line in CELL_LINES for pert in tested_perturbations(root, line, symbols)
    }
    allowed = [pair not in tested for pair in zip(rows.cell_line, rows.pert, strict=True)]
    # The first file is the larger screen; it has the say where both have a pair.
    return rows[allowed].drop_duplicates(["cell_line", "pert", "gene"]).reset_index(drop=True)


def signed_sets(rows: "pd.DataFrame", screens: Screens) -> SignedSets:
    """Return the sets over the vocabulary; what is not in it is left out."""
    import pandas as pd

    pert = pd.Index(screens.perturbations).get_indexer(pd.Index(rows.pert))
    gene = pd.Index(screens.readouts).get_indexer(pd.Index(rows.gene))
    measured = np.zeros((len(CELL_LINES), len(screens.perturbations)), np.bool_)
    members = []
    for line, name in enumerate(CELL_LINES):
        here = (rows.cell_line == name).to_numpy() & (pert >= 0)
        measured[line, pert[here]] = True
        here &= gene >= 0
        values = rows.sign.to_numpy(np.float32)[here]
        shape = (len(screens.perturbations), len(screens.readouts))
        members.append(sparse.csr_array((values, (pert[here], gene[here])), shape=shape))
    return SignedSets(tuple(members), measured)


@dataclass(frozen=True, slots=True)
class SetEvidence:
    """What the visible sets say, ready to be asked.

    Attributes:
        sets: The visible sets.
        changed: Per line, 1 where a readout changed.
        read: Per line, which readouts the screen's sets ever name.
        rate: Per line, how often a readout changed.
        axes: Directions in which the sets differ `(readouts, rank)`.
        latent: Where each perturbation lies on them, per line `(lines, perturbations, rank)`.
    """

    sets: SignedSets
    changed: tuple[sparse.csr_array, ...]
    read: BoolArray
    rate: FloatArray
    axes: FloatArray
    latent: FloatArray


def fit_sets(sets: SignedSets) -> SetEvidence:
    """Return what the visible sets say."""
    from sklearn.utils.extmath import randomized_svd

    changed = tuple(abs(matrix) for matrix in sets.members)
    totals = np.stack([matrix.sum(0) for matrix in changed])
    rate = (totals + 1) / (sets.measured.sum(1)[:, None] + 20)
    stacked = sparse.vstack(
        [sparse.diags_array(_inverse_norm(matrix)) @ matrix for matrix in sets.members]
    ).tocsr()
    rank = min(RANK, min(stacked.shape) - 1)
    _, _, axes = randomized_svd(stacked, rank, n_iter=3, random_state=0)
    axes = axes * np.where((axes**3).sum(1) < 0, -1.0, 1.0)[:, None]
    loadings = axes.T.astype(np.float32)
    latent = np.stack([matrix @ loadings for matrix in sets.members]).astype(np.float32)
    return SetEvidence(sets, changed, totals > 0, rate.astype(np.float32), loadings, latent)


def _inverse_norm(matrix: sparse.csr_array) -> FloatArray:
    size = matrix.multiply(matrix).sum(1)
    scale: FloatArray = (1 / np.sqrt(size + 1)).astype(np.float32)
    return scale


def set_planes(query: Query, evidence: SetEvidence) -> Iterator[tuple[str, FloatArray]]:
    """Yield each feature by name, broadcastable to `(queries, readouts)`."""
    n_lines = len(CELL_LINES)
    others = [line for line in range(n_lines) if line != query.line]
    yield from _set_votes("sets", query, evidence, [query.line])
    yield from _set_votes("sets_elsewhere", query, evidence, others)
    yield from _exact(query, evidence, others)


def _set_votes(
    name: str, query: Query, evidence: SetEvidence, lines: list[int]
) -> Iterator[tuple[str, FloatArray]]:
    """Yield how often, beyond its rate, related perturbations moved the readout, and which way."""
    w, measured = query.similarity, evidence.sets.measured
    shape = (len(w), evidence.rate.shape[1])
    beyond, signed, moved = (np.zeros(shape, np.float32) for _ in range(3))
    support = np.zeros((len(w), 1), np.float32)
    latent = np.zeros((len(w), evidence.axes.shape[1]), np.float32)
    for line in lines:
        mine = w @ measured[line].astype(np.float32)
        hits = w @ evidence.changed[line]
        beyond += hits - mine[:, None] * evidence.rate[line]
        moved += hits
        signed += w @ evidence.sets.members[line]
        latent += w @ evidence.latent[line]
        support += mine[:, None]
    scale = np.sqrt(evidence.rate[lines].mean(0)) + 0.05
    yield f"{name}_vote", beyond / (support + SUPPORT) / scale
    yield f"{name}_direction", signed / (moved + SUPPORT)
    yield f"{name}_factors", (latent / (support + SUPPORT)) @ evidence.axes.T
    yield f"{name}_strength", moved.sum(1, keepdims=True) / (support + SUPPORT)


def _exact(
    query: Query, evidence: SetEvidence, others: list[int]
) -> Iterator[tuple[str, FloatArray]]:
    """Yield what the very same perturbation did in other lines; nan where no set says."""
    shape = (len(query.own), evidence.rate.shape[1])
    total, lines = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    beyond = np.zeros(shape, np.float32)
    latent = np.zeros((len(query.own), evidence.axes.shape[1]), np.float32)
    size = np.zeros((len(query.own), 1), np.float32)
    for line in others:
        known = np.flatnonzero(query.own >= 0)
        known = known[evidence.sets.measured[line, query.own[known]]]
        mine = query.own[known]
        total[known] += evidence.sets.members[line][mine].toarray()
        changed = evidence.changed[line][mine].toarray()
        beyond[known] += changed - evidence.rate[line]
        lines[known] += evidence.read[line]
        latent[known] += evidence.latent[line, mine]
        size[known, 0] += changed.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        yield "sets_exact_sign", np.where(lines > 0, total, np.nan)
        yield "sets_exact_beyond_rate", np.where(lines > 0, beyond / lines, np.nan)
    any_set = (lines > 0).any(1, keepdims=True)
    yield "sets_exact_factors", np.where(any_set, latent @ evidence.axes.T, np.nan)
    yield "sets_exact_size", np.where(any_set, np.log1p(size), np.nan)
    yield "sets_rate", evidence.rate[[0, 1]].mean(0)[None]
