"""Finds what would produce a list: candidates scored by prediction, measurement and footprint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from tools.lists.atlas import Atlas, decoding
from tools.lists.kept import SignedRows
from tools.lists.signatures import parts, rarity

Floats = NDArray[np.float64]
Way = Literal["loss", "gain"]

# No gene of a list may decide alone: probabilities are taken to be no more extreme than this.
LEAST_CHANGE = 0.01
LEAST_WAY = 0.1
# How much each part counts, in standard deviations over all candidates; chosen by
# `knockwise eval lists` on a fold of training perturbations that its figures leave out.
WEIGHTS: Mapping[str, float] = {"predicted": 0.8, "measured": 1.0, "footprint": 0.1}
LEAST_LIST = 3
# What of its relatives' likeness counts for a candidate that was not measured, and how many
# relatives' weight it is shrunk by.
BY_KIN = 1.4
SUPPORT = 0.2


@dataclass(frozen=True)
class Scores:
    """The parts of every candidate's score, NaN where a part does not know the candidate.

    Attributes:
        genes: The candidates.
        parts: Of each part, a value a candidate.
    """

    genes: tuple[str, ...]
    parts: Mapping[str, Floats]

    def joined(self, weights: Mapping[str, float] = WEIGHTS) -> Floats:
        """Return one score a candidate: the weighted sum of standardised parts."""
        total = np.zeros(len(self.genes))
        for name, weight in weights.items():
            total += weight * standardised(self.parts[name])
        return total


def standardised(values: Floats) -> Floats:
    """Return values in standard deviations from their mean; what is not known lies there."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return np.zeros(len(values))
    spread = values[known].std()
    out = (values - values[known].mean()) / max(float(spread), 1e-9)
    return np.where(known, out, 0.0)


@dataclass(frozen=True)
class Library:
    """What a list is laid beside.

    Attributes:
        atlas: All predictions; may be empty.
        signatures: Measured knockdowns, rows named `GENE@LINE`.
        footprints: Losses by signed paths.
        kinship: How alike each gene is to measured ones, squared; rows are candidates.
    """

    atlas: Atlas
    signatures: SignedRows
    footprints: SignedRows
    kinship: SignedRows

    @cached_property
    def rarity(self) -> NDArray[np.float32]:
        """How much a gene's change says, by the measured knockdowns."""
        return rarity(self.signatures)

    @cached_property
    def weighted(self) -> SignedRows:
        """The measured knockdowns with genes weighed by rarity."""
        rows = self.signatures
        return SignedRows(rows.rows, rows.genes, rows.values.multiply(self.rarity).tocsr())

    def scores(
        self,
        signs: Mapping[str, int],
        cell_line: str,
        *,
        way: Way = "loss",
        without: frozenset[str] = frozenset(),
    ) -> Scores:
        """Return the score of every candidate.

        Args:
            signs: +1 or -1 of every gene of the list.
            cell_line: The line whose predictions are used.
            way: Whether a loss or a gain is sought; a gain is taken as the mirror of a loss.
            without: Genes whose measured rows are left out.

        Raises:
            QuestionError: The list has too few genes that anything here reads.
        """
        turn = 1 if way == "loss" else -1
        sought = {gene: turn * sign for gene, sign in signs.items()}
        found = {
            "predicted": self._predicted(sought, cell_line),
            "measured": self._measured(sought, without),
            "footprint": self._footprint(sought),
        }
        genes = tuple(sorted(set().union(*found.values())))
        if not genes:
            raise QuestionError(
                f"No candidate could produce this list: fewer than {LEAST_LIST} of its genes are "
                "read by anything here."
            )
        return Scores(
            genes,
            {
                name: np.array([part.get(gene, np.nan) for gene in genes])
                for name, part in found.items()
            },
        )

    @cached_property
    def places(self) -> dict[str, int]:
        """Return the row of each gene's footprint."""
        return {gene: at for at, gene in enumerate(self.footprints.rows)}

    def parts_of(
        self,
        genes: Sequence[str],
        lists: Sequence[Mapping[str, int]],
        cell_line: str,
        *,
        way: Way = "loss",
    ) -> dict[str, Floats]:
        """Return each part for a few candidates over many lists `(genes, lists)`."""
        turn = 1 if way == "loss" else -1
        sought = [{gene: turn * sign for gene, sign in signs.items()} for signs in lists]
        return {
            "predicted": self._predicted_of(genes, sought, cell_line),
            "measured": self._measured_of(genes, sought),
            "footprint": self._footprint_of(genes, sought),
        }

    def _predicted_of(
        self, genes: Sequence[str], lists: Sequence[Mapping[str, int]], cell_line: str
    ) -> Floats:
        out = np.full((len(genes), len(lists)), np.nan)
        names = self.atlas.perturbations(cell_line)
        if not names:
            return out
        place = {name: at for at, name in enumerate(names)}
        known = [i for i, gene in enumerate(genes) if gene in place]
        if not known:
            return out
        at = np.array([place[genes[i]] for i in known])
        block = self.atlas.read(cell_line, set().union(*lists))
        changes, rises = _log_chances()
        row = {gene: i for i, gene in enumerate(block.readouts)}
        change, up = changes[block.p_de[:, at]], rises[block.p_up[:, at]]
        rise, fall = np.log(up), np.log(1 - up)
        total = np.log(np.maximum(self.atlas.totals(cell_line)[at], 1.0))
        for number, signs in enumerate(lists):
            mine = [(row[gene], sign) for gene, sign in signs.items() if gene in row]
            if len(mine) < LEAST_LIST:
                continue
            rows, way = (np.array(part) for part in zip(*mine, strict=True))
            summed = change[rows].sum(axis=0) + rise[rows[way > 0]].sum(axis=0)
            summed += fall[rows[way < 0]].sum(axis=0)
            out[known, number] = summed / len(way) - total
        return out

    def _measured_of(self, genes: Sequence[str], lists: Sequence[Mapping[str, int]]) -> Floats:
        vectors = np.hstack([self.signatures.vector(dict(one), self.rarity) for one in lists])
        likeness = self.weighted.likeness(vectors)
        best: dict[str, Floats] = {}
        for number, row in enumerate(self.signatures.rows):
            gene, _ = parts(row)
            held = best.get(gene)
            best[gene] = likeness[number] if held is None else np.maximum(held, likeness[number])
        near = self.kinship
        known = np.array([gene in best for gene in near.genes], np.float64)
        nothing = np.zeros(len(lists))
        table = np.array([best.get(gene, nothing) for gene in near.genes])
        out = np.full((len(genes), len(lists)), np.nan)
        row_of = self._kin_rows
        for i, gene in enumerate(genes):
            if gene in best:
                out[i] = best[gene]
            elif gene in row_of:
                weights = near.values[[row_of[gene]]]
                out[i] = BY_KIN * (weights @ table)[0] / (float((weights @ known)[0]) + SUPPORT)
        return out

    @cached_property
    def _kin_rows(self) -> dict[str, int]:
        return {gene: at for at, gene in enumerate(self.kinship.rows)}

    def _footprint_of(self, genes: Sequence[str], lists: Sequence[Mapping[str, int]]) -> Floats:
        out = np.full((len(genes), len(lists)), np.nan)
        known = [i for i, gene in enumerate(genes) if gene in self.places]
        if known:
            vectors = np.hstack([self.footprints.vector(dict(one)) for one in lists])
            some = self.footprints.take(np.array([self.places[genes[i]] for i in known]))
            out[known] = some.likeness(vectors)
        return out

    def _predicted(self, signs: Mapping[str, int], cell_line: str) -> dict[str, float]:
        """Return, for each perturbation, how probable it makes these genes, given how many."""
        if not self.atlas.perturbations(cell_line):
            return {}
        block = self.atlas.read(cell_line, signs)
        if len(block.readouts) < LEAST_LIST:
            return {}
        changes, rises = _log_chances()
        way = np.array([signs[gene] for gene in block.readouts])
        total = changes[block.p_de].sum(axis=0)
        total += np.log(rises)[block.p_up[way > 0]].sum(axis=0)
        total += np.log(1 - rises)[block.p_up[way < 0]].sum(axis=0)
        total -= len(way) * np.log(np.maximum(self.atlas.totals(cell_line), 1.0))
        return dict(zip(block.perturbations, (total / len(way)).tolist(), strict=True))

    def _measured(self, signs: Mapping[str, int], without: frozenset[str]) -> dict[str, float]:
        """Return the likeness of measured knockdowns, or that of their relatives' knockdowns."""
        vector = self.signatures.vector(dict(signs), self.rarity)
        if np.count_nonzero(vector) < LEAST_LIST:
            return {}
        likeness = self.weighted.likeness(vector)[:, 0]
        best: dict[str, float] = {}
        for row, value in zip(self.signatures.rows, likeness.tolist(), strict=True):
            gene, _ = parts(row)
            if gene not in without:
                best[gene] = max(best.get(gene, -1.0), value)
        near = self.kinship
        known = np.array([gene in best for gene in near.genes])
        alike = near.values @ np.array([best.get(gene, 0.0) for gene in near.genes])
        weight = near.values @ known.astype(np.float64) + SUPPORT
        kin = zip(near.rows, (BY_KIN * alike / weight).tolist(), strict=True)
        return {**dict(kin), **best}

    def _footprint(self, signs: Mapping[str, int]) -> dict[str, float]:
        vector = self.footprints.vector(dict(signs))
        if np.count_nonzero(vector) < LEAST_LIST:
            return {}
        likeness = self.footprints.likeness(vector)[:, 0]
        return dict(zip(self.footprints.rows, likeness.tolist(), strict=True))


def _log_chances() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return, for each byte of the atlas, log P(changes) and P(up), neither too extreme."""
    p = decoding()
    changes = np.log(np.maximum(np.nan_to_num(p), LEAST_CHANGE))
    return changes, np.clip(np.nan_to_num(p, nan=0.5), LEAST_WAY, 1 - LEAST_WAY)


def rank_of(scores: Scores, joined: Floats, wanted: Sequence[str] | frozenset[str]) -> int:
    """Return the best rank, from 1, of any of `wanted`; 0 where none is a candidate."""
    order = np.argsort(-joined, kind="stable")
    place = {scores.genes[at]: rank for rank, at in enumerate(order, start=1)}
    return min((place[gene] for gene in wanted if gene in place), default=0)
