"""Which programmes a perturbation shifts, what they do to a readout, and what that rests on."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Direction, PerturbationKind
from models.checkpoint import read_checkpoint
from models.programmes.checkpoint import FORMAT, SHIPPED, Checkpoint
from models.programmes.schema import Programme
from models.programmes.trust import chance, move_trust
from models.response.likeness import Likeness

Floats = NDArray[np.float64]
# Related perturbations that a step cites, and readouts of theirs that must have changed.
CITED, FEWEST_CHANGED = 4, 2
# A further programme is told where it does at least this much of what the leading one does.
ALSO = 0.5
Alike = Callable[[str], Likeness | None]
"""Returns how alike a gene is to each measured perturbation."""


class Shifted(NamedTuple):
    """A measured perturbation that bears a shift out.

    Attributes:
        perturbation: What was knocked down.
        cell_line: Where.
        along: Readouts of the programme that changed the way the shift says.
        against: Those that changed the other way.
    """

    perturbation: str
    cell_line: str
    along: int
    against: int


class Explained(NamedTuple):
    """What one programme does to one readout.

    Attributes:
        programme: Which.
        shift: Which way the perturbation moves it, and how far; 1 is usual.
        loading: How much it moves the readout; negative: the other way.
        share: Of all that programmes do to the readout in the told direction.
        breaks: Chance that the programme goes that way.
        moves: Share in which the loading held, of `held + failed` held-out experiments.
        held: Experiments in which the readout changed as the loading says.
        failed: Those in which it changed the other way.
        trust: Chance that the path points the right way.
    """

    programme: Programme
    shift: float
    loading: float
    share: float
    breaks: float
    moves: float
    held: int
    failed: int
    trust: float


class ProgrammeModel:
    """The shipped programmes.

    Args:
        checkpoint: The stored parts.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        config, arrays = checkpoint.config, checkpoint.arrays
        self.version = checkpoint.version
        self.config = config
        self.programmes = config.programmes
        self.perturbations = checkpoint.names["perturbations"]
        self.readouts = checkpoint.names["readouts"]
        self._readout = {name: i for i, name in enumerate(self.readouts)}
        self._loadings = arrays["loadings"].astype(np.float32)
        self._deviation = arrays["deviation"].astype(np.float32)
        self._factors = arrays["factors"].astype(np.float32)
        self._along, self._against = arrays["along"], arrays["against"]
        self._held, self._failed = arrays["held"], arrays["failed"]
        self._shifts = lru_cache(maxsize=256)(self._of_gene)

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read a checkpoint; the shipped one by default.

        Raises:
            DataError: The folder is incomplete, damaged or of another format.
        """
        return cls(read_checkpoint(folder or SHIPPED, FORMAT))

    def shifts(
        self,
        genes: Sequence[str],
        cell_line: str,
        alike: Alike,
        kind: PerturbationKind = "knockdown",
    ) -> Floats:
        """Return how far each programme is shifted `(rank,)`, mostly zeros.

        Several genes add up, and a gain is the mirror image of a loss. What a screen of this very
        line measured of a gene does not enter.
        """
        total = np.zeros(len(self.programmes))
        for gene in genes:
            total += self._shifts(gene, cell_line, alike)
        total[np.abs(total) < self.config.least_shift] = 0
        return -total if kind == "activation" else total

    def _of_gene(self, gene: str, cell_line: str, alike: Alike) -> Floats:
        found = alike(gene)
        if found is None:
            return np.zeros(len(self.programmes))
        whole: Floats = self._parts(found, cell_line).sum(axis=0)
        return whole

    def _parts(self, found: Likeness, cell_line: str) -> Floats:
        """Return what each measured perturbation adds to each shift `(perturbations, rank)`."""
        s, line = self.config.field, self.config.cell_lines.index(cell_line)
        everywhere = self._everywhere
        weighed = s.same_line * self._factors[line] + s.any_line * everywhere
        parts = found.similarity[:, None] * weighed
        if found.own >= 0:
            carried = (s.any_line + s.same_perturbation) * (everywhere - self._factors[line])
            parts[found.own] += carried[found.own]
        return np.asarray(parts, np.float64)

    @cached_property
    def _everywhere(self) -> NDArray[np.float32]:
        total: NDArray[np.float32] = self._factors.sum(0)
        return total

    def shifts_from(self, found: Likeness, source: str, cell_line: str) -> Floats:
        """Return the shifts that the screen of `source` alone tells `(rank,)`.

        The perturbation's own rows count where `source` is another line than `cell_line`.
        """
        s, factors = self.config.field, self._factors[self.config.cell_lines.index(source)]
        total = (s.any_line + s.same_line * (source == cell_line)) * (found.similarity @ factors)
        if found.own >= 0 and source != cell_line:
            total += (s.any_line + s.same_perturbation) * factors[found.own]
        return np.asarray(total, np.float64)

    def loaded(self, readouts: Sequence[str], order: NDArray[np.int64] | None = None) -> Floats:
        """Return what a shift of 1 does to each readout's expected sign `(readouts, rank)`.

        Args:
            readouts: Approved symbols; zeros where a readout is unknown.
            order: Readouts of the model whose loadings stand in for each one's own.
        """
        at = np.array([self._readout.get(name, -1) for name in readouts], np.int64)
        place = at if order is None else order[at]
        values = self._loadings[place] * self._deviation[place][:, None]
        values[at < 0] = 0
        return np.asarray(values, np.float64)

    def expected(self, shifts: Floats, readouts: Sequence[str]) -> Floats:
        """Return the expected sign of each readout's change; 0 where programmes say nothing."""
        values: Floats = self.loaded(readouts) @ shifts
        return values

    def trusts(self, shifts: Floats, readouts: Sequence[str]) -> Floats:
        """Return the trust in the leading programme's path to each readout `(n,)`, 0 without one.

        Args:
            shifts: Of each readout's own perturbation `(n, rank)`.
            readouts: Approved symbols `(n,)`.
        """
        at = np.array([self._readout.get(name, -1) for name in readouts], np.int64)
        moves = shifts * self._loadings[at]
        moves *= np.sign(moves.sum(1, keepdims=True))
        first, row = moves.argmax(1), np.arange(len(at))
        held, failed = (one[at, first].astype(np.float64) for one in (self._held, self._failed))
        holds = move_trust(held, failed, np.array(self.config.hold)[first])
        breaks = chance(self.config.breaks, np.abs(shifts[row, first]))
        known = (at >= 0) & (moves[row, first] > 0)
        return np.where(known, chance(self.config.paths, breaks * holds), 0.0)

    def direction(self, expected: float) -> Direction | None:
        """Return which way programmes say that a readout goes, None where they do not speak."""
        if abs(expected) < self.config.least_expected:
            return None
        return "up" if expected > 0 else "down"

    def explained(self, shifts: Floats, readout: str, direction: Direction) -> list[Explained]:
        """Return the programmes that move a readout in `direction`, the one that does most first.

        Those after the first do at least half of what it does.
        """
        at = self._readout.get(readout)
        if at is None:
            return []
        moves = shifts * self._loadings[at] * (1 if direction == "up" else -1)
        order = [k for k in np.argsort(-moves, kind="stable") if moves[k] > 0]
        whole = float(moves[moves > 0].sum())
        breaks = chance(self.config.breaks, np.abs(shifts))
        holds = move_trust(
            self._held[at].astype(np.float64),
            self._failed[at].astype(np.float64),
            np.array(self.config.hold),
        )
        trust = chance(self.config.paths, breaks * holds)
        return [
            Explained(
                programme=self.programmes[k],
                shift=float(shifts[k]),
                loading=float(self._loadings[at, k]),
                share=float(moves[k] / whole),
                breaks=float(breaks[k]),
                moves=float(holds[k]),
                held=int(self._held[at, k]),
                failed=int(self._failed[at, k]),
                trust=float(trust[k]),
            )
            for k in order
            if moves[k] >= ALSO * moves[order[0]]
        ]

    def borne_out(
        self, gene: str, cell_line: str, programme: Programme, up: bool, alike: Alike
    ) -> list[Shifted]:
        """Return the measured perturbations that most say that losing `gene` shifts a programme.

        The gene's own screen in this line is not among them.
        """
        found = alike(gene)
        if found is None:
            return []
        k = self.programmes.index(programme)
        parts = self._parts(found, cell_line)[:, k] * (1 if up else -1)
        here = self.config.cell_lines.index(cell_line)
        out: list[Shifted] = []
        for q in np.argsort(-parts, kind="stable")[: 3 * CITED]:
            if parts[q] <= 0 or len(out) == CITED:
                break
            lines = [line for line in range(len(self.config.cell_lines))
                     if not (line == here and q == found.own)]  # fmt: skip
            ways = [self._counts(line, int(q), k, up) for line in lines]
            line, (along, against) = max(
                zip(lines, ways, strict=True),
                key=lambda one: (one[1][0] > one[1][1], one[0] == here, one[1][0]),
            )
            if along > against and along + against >= FEWEST_CHANGED:
                name = self.config.cell_lines[line]
                out.append(Shifted(self.perturbations[q], name, along, against))
        return out

    def _counts(self, line: int, pert: int, k: int, up: bool) -> tuple[int, int]:
        along, against = int(self._along[line, pert, k]), int(self._against[line, pert, k])
        return (along, against) if up else (against, along)


@lru_cache(maxsize=1)
def shipped_programmes() -> ProgrammeModel:
    """Return the shipped programmes, read once.

    Raises:
        DataError: The folder is incomplete, damaged or of another format.
    """
    return ProgrammeModel.load()
