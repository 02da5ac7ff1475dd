"""The training rows behind the predictions: looked up, and ranked as analogous experiments."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.inputs.screens import CELL_LINES, UNKNOWN, Rows
from models.response.features import FittedEvidence
from models.response.field import N_LINES
from models.response.schema import Analogue, Outcome

FloatArray = NDArray[np.float32]

# A row of another line weighs as much less as the process finds lines to differ.
ELSEWHERE = 0.4
SUPPORT = 0.05
# By code, none, unchanged, down, up; unchanged is no zero, for a zero is not kept.
_WAYS = np.array([0.0, 1e-3, -1.0, 1.0], np.float32)
OUTCOMES: tuple[Outcome, ...] = ("unchanged", "down", "up")


class Experiments:
    """Every training row, found by pair and by readout.

    Args:
        rows: The training rows.
        evidence: What was fitted to them; gives the prior that a row speaks against.
        perturbations: Symbols of the perturbed genes.
        readouts: Symbols of the readout genes.
    """

    def __init__(
        self,
        rows: Rows,
        evidence: FittedEvidence,
        perturbations: Sequence[str],
        readouts: Sequence[str],
    ) -> None:
        self._perturbations, self._readouts = perturbations, readouts
        self._prior = evidence.de.prior
        shape = (len(perturbations), len(readouts))
        # 1 unchanged, 2 down, 3 up; a sparse matrix keeps 0 for pairs without a row.
        code = (1 + rows.de + rows.up.clip(0)).astype(np.float32)
        self._by_pert = [rows.matrix(line, code, shape) for line in range(N_LINES)]
        self._by_readout = [matrix.tocsc() for matrix in self._by_pert]
        number = np.arange(1, len(rows) + 1).astype(np.float32)
        self._number = [rows.matrix(line, number, shape) for line in range(N_LINES)]
        # One perturbation is asked about readout by readout.
        self.outcomes = lru_cache(maxsize=64)(self._outcomes)

    def outcome(self, perturbation: int, readout: int, line: int) -> Outcome | None:
        """Return the outcome of a pair, or None where there is no row."""
        return self.outcomes(perturbation, line).get(readout)

    def _outcomes(self, perturbation: int, line: int) -> dict[int, Outcome]:
        """Return readout -> outcome over the rows of a perturbation in a line."""
        row = self._by_pert[line][[perturbation]]
        return {
            int(at): OUTCOMES[int(code) - 1] for at, code in zip(row.indices, row.data, strict=True)
        }

    def signatures(self, line: int) -> tuple[tuple[str, ...], sparse.csr_array]:
        """Return the perturbations with training rows in a line, and what each changed."""
        matrix = self._by_pert[line]
        there = np.flatnonzero(np.diff(matrix.indptr))
        found = sparse.csr_array(matrix[there])
        found.data = _WAYS[found.data.astype(np.int64)]
        return tuple(self._perturbations[int(i)] for i in there), found

    def rows_of(self, perturbation: int, line: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the readouts measured under a perturbation and the numbers of those rows."""
        row = self._number[line][[perturbation]]
        return row.indices.astype(np.int64), row.data.astype(np.int64) - 1

    def voters(self, similarity: FloatArray, own: int, readout: int, line: int) -> list[Analogue]:
        """Return the rows of `readout` that vote on a perturbation, the heaviest first.

        A row's contribution is its share of the similarity-weighted vote, times how far its
        outcome departs from the readout's prior. The perturbation's own row in `line` never votes;
        its rows in other lines do.

        Args:
            similarity: Of the perturbed gene to every perturbation.
            own: The perturbed gene among the perturbations, -1 if it is none.
            readout: Which readout.
            line: Which line is asked about.
        """
        found: list[tuple[float, Analogue]] = []
        total = SUPPORT
        for other, outcomes in enumerate(self._by_readout):
            part = slice(outcomes.indptr[readout], outcomes.indptr[readout + 1])
            prior = float(self._prior[other, readout])
            for pert, code in zip(outcomes.indices[part], outcomes.data[part], strict=True):
                same = int(pert) == own and own != UNKNOWN
                alike = 1.0 if same else float(similarity[pert])
                weight = alike * (1.0 if other == line else ELSEWHERE)
                if weight <= 0 or (same and other == line):
                    continue
                total += weight
                analogue = Analogue(
                    perturbation=self._perturbations[pert],
                    readout=self._readouts[readout],
                    cell_line=CELL_LINES[other],
                    outcome=OUTCOMES[int(code) - 1],
                    similarity=alike,
                    contribution=weight * (float(code > 1) - prior),
                )
                found.append((abs(analogue.contribution), analogue))
        found.sort(key=lambda pair: -pair[0])
        return [
            one.model_copy(update={"contribution": one.contribution / total}) for _, one in found
        ]
