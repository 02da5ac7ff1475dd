"""Rows of one's own screens beside the training rows: neighbours and measurements, not training.

Trees, calibration, priors and the fitted process stay as they were trained. What own rows add are
the votes of related perturbations, what the same perturbation did in other lines, and the measured
outcome of the pair itself. A pair that a training screen measured too is taken from the own screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.inputs.screens import UNKNOWN, IntArray, Rows
from models.response.checkpoint import Checkpoint
from models.response.similarity import RELATIVES_OF_OTHERS, SCALE, Relatives

# New perturbations among the relatives of a gene.
NEW_RELATIVES = 16
AT_ONCE = 2048
# Measured perturbations on which likeness of profiles is brought to the scale of likeness.
SCALED_ON = 400
IN_COMMON = "many relatives in common"
Bools = NDArray[np.bool_]


class Words(NamedTuple):
    """A column of words: the distinct ones, and which of them each row holds."""

    words: NDArray[np.str_]
    at: IntArray

    @classmethod
    def of(cls, column: Sequence[str]) -> "Words":
        """Return a column of words as it is kept."""
        return cls(*np.unique(np.array(column, dtype=np.str_), return_inverse=True))


@dataclass(frozen=True)
class OwnRows:
    """Measured rows of a screen of one's own.

    Attributes:
        name: Of the screen, as evidence names its source.
        cell_line: Where it was measured.
        perturbations: Approved symbols, one a row.
        readouts: Approved symbols, one a row.
        outcomes: 0 unchanged, 1 down, 2 up, one a row.
        digest: Of the rows.
    """

    name: str
    cell_line: str
    perturbations: Words
    readouts: Words
    outcomes: NDArray[np.integer]
    digest: str = ""


class Joined(NamedTuple):
    """A checkpoint with rows of one's own at its end.

    Attributes:
        checkpoint: As it would lie on disk, had it been trained with these rows held apart.
        own: Which of its rows are one's own `(rows,)`.
        screen: Of each own row, its screen's place among the names.
        names: Of the screens.
    """

    checkpoint: Checkpoint
    own: Bools
    screen: IntArray
    names: tuple[str, ...]


class Sources:
    """Which screen of one's own measured a pair.

    Args:
        added: Rows that were joined.
        rows: All rows.
        shape: `(perturbations, readouts)`.
    """

    def __init__(self, added: Joined, rows: Rows, shape: tuple[int, int]) -> None:
        self._names = added.names
        mine = rows.take(added.own)
        number = (added.screen + 1).astype(np.float32)
        lines = np.unique(mine.line)
        self._screens = {int(line): mine.matrix(int(line), number, shape) for line in lines}

    def screen(self, perturbation: int, readout: int, line: int) -> str:
        """Return the name of the screen, "" where it is none of one's own."""
        found = self._screens.get(line)
        if found is None or UNKNOWN in (perturbation, readout):
            return ""
        number = int(found[perturbation, readout])
        return self._names[number - 1] if number else ""


def joined(checkpoint: Checkpoint, screens: Sequence[OwnRows]) -> Joined | None:
    """Return a checkpoint with the rows of screens at its end; None where none can be used.

    Genes that the model cannot embed, lines that it has not, and a perturbation's own transcript
    are left out. Of a pair in several screens the last one counts.
    """
    genes = {symbol: i for i, symbol in enumerate(checkpoint.names["genes"])}
    lines = checkpoint.config.cell_lines
    parts = [(n, one) for n, one in enumerate(screens) if one.cell_line in lines]
    if not parts:
        return None
    pert = np.concatenate([_places(one.perturbations, genes) for _, one in parts])
    read = np.concatenate([_places(one.readouts, genes) for _, one in parts])
    outcome = np.concatenate([np.asarray(one.outcomes, np.int64) for _, one in parts])
    sizes = [len(one.outcomes) for _, one in parts]
    line = np.repeat([lines.index(one.cell_line) for _, one in parts], sizes)
    screen = np.repeat([n for n, _ in parts], sizes)
    known = np.flatnonzero((pert >= 0) & (read >= 0) & (pert != read))
    key = (line * len(genes) + pert) * len(genes) + read
    # The last of the same pair: the first of the reversed order.
    _, first = np.unique(key[known][::-1], return_index=True)
    kept = known[::-1][first]
    if not len(kept):
        return None
    wide = _with_perturbations(checkpoint, np.unique(pert[kept]))
    wide = _with_readouts(wide, np.unique(read[kept]))
    place = _inverse(wide.arrays["perturbations"], len(genes))
    column = _inverse(wide.arrays["readouts"], len(genes))
    # Blocks of one perturbation in one line, as a checkpoint has them.
    order = np.lexsort((read[kept], pert[kept], line[kept]))
    kept = kept[order]
    rows = Rows(line[kept], place[pert[kept]], column[read[kept]], outcome[kept], outcome[kept])
    appended, own = _appended(wide, rows)
    return Joined(appended, own, screen[kept], tuple(one.name for one in screens))


def _places(column: Words, genes: dict[str, int]) -> IntArray:
    return np.array([genes.get(str(word), UNKNOWN) for word in column.words], np.int64)[column.at]


def _inverse(places: NDArray[np.integer], n: int) -> IntArray:
    out = np.full(n, UNKNOWN)
    out[places.astype(np.int64)] = np.arange(len(places))
    return out


def _with_perturbations(checkpoint: Checkpoint, genes: IntArray) -> Checkpoint:
    """Return the checkpoint with more perturbations, each among the relatives of the nearest genes.

    How alike a measured gene and a new one are is known: the new one's own list of relatives says
    so. Two genes of which neither was measured are as alike as their lists of relatives are, on
    the scale of those that were.
    """
    arrays, names = dict(checkpoint.arrays), dict(checkpoint.names)
    before = arrays["perturbations"].astype(np.int64)
    new = np.setdiff1d(genes, before)
    if not len(new):
        return checkpoint
    relatives = Relatives(arrays["relatives"], arrays["level"], arrays["reason"], ())
    n_genes, n_old = len(names["genes"]), len(before)
    # The same length of list for both, so that the longer one of a measured gene is no more alike.
    everyone = relatives.profiles(np.arange(n_genes), n_old, RELATIVES_OF_OTHERS)
    mine = sparse.csr_array(everyone[new].T)
    known = relatives.rows(new, n_old)
    slope = _slope(relatives, everyone, before)
    width = min(NEW_RELATIVES, len(new))
    index = np.zeros((n_genes, width), np.uint16)
    level = np.zeros((n_genes, width), np.uint8)
    own = _inverse(before, n_genes)
    for start in range(0, n_genes, AT_ONCE):
        here = np.arange(start, min(start + AT_ONCE, n_genes))
        alike = slope * (everyone[here] @ mine).toarray()
        measured = own[here] >= 0
        alike[measured] = known[:, own[here[measured]]].T
        alike[here[:, None] == new[None, :]] = 0
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :width]
        values = np.clip(np.take_along_axis(alike, nearest, 1), 0, 1)
        index[here] = n_old + nearest
        level[here] = np.rint(np.sqrt(values) * SCALE)
    said = np.zeros((n_genes, width, arrays["reason"].shape[2]), np.uint16)
    said[:, :, 0] = np.where(level > 0, len(names["reasons"]), 0)
    arrays |= _merged(arrays, index, level, said)
    arrays["perturbations"] = np.concatenate([before, new])
    names["reasons"] = (*names["reasons"], IN_COMMON)
    return replace(checkpoint, arrays=arrays, names=names)


def _merged(
    arrays: dict[str, NDArray[Any]],
    index: NDArray[np.uint16],
    level: NDArray[np.uint8],
    said: NDArray[np.uint16],
) -> dict[str, NDArray[Any]]:
    """Return the lists of relatives with new ones in their place, nearest first."""
    old = arrays["reason"]
    rest = arrays["level"].shape[1] - old.shape[1]
    unsaid = np.zeros((len(old), rest, old.shape[2]), np.uint16)
    levels = np.hstack([arrays["level"], level])
    order = np.argsort(-levels.astype(np.int16), axis=1, kind="stable")
    reasons = np.concatenate([old, unsaid, said], axis=1)
    told = order[:, : old.shape[1] + index.shape[1]]
    return {
        "relatives": np.take_along_axis(np.hstack([arrays["relatives"], index]), order, 1),
        "level": np.take_along_axis(levels, order, 1),
        "reason": np.take_along_axis(reasons, told[:, :, None], 1),
    }


def _slope(relatives: Relatives, everyone: sparse.csr_array, before: IntArray) -> float:
    """Return how alike two genes are per likeness of their profiles, by measured ones."""
    some = np.linspace(0, len(before) - 1, min(SCALED_ON, len(before))).astype(np.int64)
    alike = relatives.rows(before[some], len(before))
    profiles = (everyone[before[some]] @ sparse.csr_array(everyone[before].T)).toarray()
    profiles[np.arange(len(some)), some] = 0
    squares = float((profiles * profiles).sum())
    return float((alike * profiles).sum()) / squares if squares else 0.0


def _with_readouts(checkpoint: Checkpoint, genes: IntArray) -> Checkpoint:
    """Return the checkpoint with more readouts, which load on no factor."""
    arrays = dict(checkpoint.arrays)
    before = arrays["readouts"].astype(np.int64)
    new = np.setdiff1d(genes, before)
    if not len(new):
        return checkpoint
    arrays["readouts"] = np.concatenate([before, new])
    for task in ("de", "up", "signed"):
        old = arrays[f"{task}_loadings"]
        arrays[f"{task}_loadings"] = np.vstack([old, np.zeros((len(new), old.shape[1]), old.dtype)])
    return replace(checkpoint, arrays=arrays)


def _appended(checkpoint: Checkpoint, rows: Rows) -> tuple[Checkpoint, Bools]:
    """Return the checkpoint with rows at its end, in place of those of the same pairs.

    Args:
        checkpoint: Has their perturbations and readouts.
        rows: Sorted into blocks; `de` holds the outcome.
    """
    arrays = dict(checkpoint.arrays)
    size = arrays["block_size"].astype(np.int64)
    line = np.repeat(arrays["block_line"].astype(np.int64), size)
    pert = np.repeat(arrays["block_pert"].astype(np.int64), size)
    read = arrays["row_readout"].astype(np.int64)
    code = arrays["row_outcome"].astype(np.int64)
    wide, high = len(arrays["readouts"]), len(arrays["perturbations"])
    old = (line * high + pert) * wide + read
    mine = (rows.line * high + rows.pert) * wide + rows.readout
    stay = ~np.isin(old, mine)
    changed, outcome = code > 0, rows.de
    blocks = np.repeat(np.arange(len(size)), size)[stay]
    left = np.bincount(blocks, minlength=len(size))
    where = rows.line * high + rows.pert
    starts = np.concatenate([[0], np.flatnonzero(np.diff(where)) + 1])
    ends = np.concatenate([starts[1:], [len(where)]])
    arrays |= {
        "block_line": np.concatenate([arrays["block_line"], rows.line[starts]]),
        "block_pert": np.concatenate([arrays["block_pert"], rows.pert[starts]]),
        "block_size": np.concatenate([left, ends - starts]),
        "row_readout": np.concatenate([read[stay], rows.readout]),
        "row_outcome": np.concatenate([code[stay], outcome]),
        "held_out": np.hstack(
            [arrays["held_out"][:, stay], np.full((2, len(outcome)), np.nan, np.float16)]
        ),
    }
    for task in ("de", "signed"):
        arrays[f"{task}_duals"] = _lengthened(arrays[f"{task}_duals"][stay], len(outcome))
    arrays["up_duals"] = _lengthened(
        arrays["up_duals"][stay[changed]], int(np.count_nonzero(outcome))
    )
    own = np.concatenate([np.zeros(int(stay.sum()), bool), np.ones(len(outcome), bool)])
    return replace(checkpoint, arrays=arrays), own


def _lengthened(values: NDArray[np.floating], more: int) -> NDArray[np.floating]:
    return np.concatenate([values, np.zeros(more, values.dtype)])
