"""What a screen needs beside perturbations: controls, cells, and readouts that tell them apart."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import qr
from scipy.stats import norm

from knowledge.errors import QuestionError
from tools.effects import EffectPredictor
from tools.lists.atlas import Atlas, decoding

# A perturbation that needs fewer guides than this many cells to be seen at all is not planned for.
FEWEST_CELLS = 20
# Of a plan's perturbations so many are controls that should move something, and that should not.
CONTROLS = 4
# A gene with so many readouts read and none moved is a negative control.
READ_ENOUGH = 30
# A control is a gene that fewer cancer lines need.
NEEDED = 0.3


def cells_needed(
    fold: float, mean: float, dispersion: float = 0.5, power: float = 0.8, alpha: float = 1e-4
) -> int:
    """Return how many cells a perturbation needs for a readout of this mean to be seen changing.

    Hart et al. 2013 (J. Comput. Biol. 20:970), with controls so many that only the perturbed cells
    add variance: `n = (z(alpha/2) + z(power))^2 (1/mean + dispersion) / ln(fold)^2`.

    Args:
        fold: Fold change to be seen, other than 1.
        mean: Molecules of the readout per cell.
        dispersion: Of the negative binomial, the squared coefficient of variation between cells.
        power: Probability of seeing it.
        alpha: Two-sided level, after correction for the readouts that are tested.

    Raises:
        QuestionError: A value is out of range.
    """
    if fold <= 0 or fold == 1 or mean <= 0 or dispersion < 0 or not 0 < power < 1:
        raise QuestionError(
            "Cells are counted for a fold change other than 1, a mean above 0 and a power between "
            "0 and 1."
        )
    z = float(norm.isf(alpha / 2) + norm.ppf(power))
    return max(FEWEST_CELLS, int(np.ceil(z**2 * (1 / mean + dispersion) / np.log(fold) ** 2)))


def controls(
    predictor: EffectPredictor, cell_line: str, readouts: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return genes whose knockdown moved the readouts, or most, in the line; and those of none.

    Training rows only; a positive control that most cancer lines need is passed over where there
    is another.
    """
    response = predictor.response
    rows = response._rows
    here = rows.line == response.cell_lines.index(cell_line)
    if readouts:
        columns = [response._readout[one] for one in readouts if one in response._readout]
        on = here & np.isin(rows.readout, columns)
    else:
        on = here
    n = len(response._pert_gene)
    moved = np.bincount(rows.pert[on & (rows.de == 1)], minlength=n)
    read = np.bincount(rows.pert[here], minlength=n)
    quiet = np.bincount(rows.pert[here & (rows.de == 1)], minlength=n) == 0
    symbols = tuple(response._gene)
    names = [symbols[gene] for gene in response._pert_gene]
    needs = np.array([response.ground(name).essential >= NEEDED for name in names])
    order = np.lexsort((np.arange(n), -moved, needs & (moved > 0)))
    positive = [names[at] for at in order if moved[at] > 0 and names[at] not in readouts]
    still = np.flatnonzero(quiet & (read >= READ_ENOUGH) & ~needs)
    negative = [names[at] for at in still[np.argsort(-read[still], kind="stable")]]
    return tuple(positive[:CONTROLS]), tuple(negative[:CONTROLS])


def panel_of(
    predictor: EffectPredictor, atlas: Atlas, cell_line: str, genes: Sequence[str], n: int
) -> tuple[str, ...]:
    """Return readouts that tell perturbations apart, the most telling first.

    Pivoted QR of the signed predictions `(perturbations, readouts)`: each readout adds most to what
    those before it leave unexplained.
    """
    known = atlas.perturbations(cell_line)
    places = [known.index(gene) for gene in genes if gene in known]
    if len(places) < 2 or not n:
        return ()
    block = atlas.read(cell_line)
    p = np.nan_to_num(decoding().astype(np.float64), nan=0.0)
    signed = p[block.p_de[:, places]] * (2 * p[block.p_up[:, places]] - 1)
    signed = (signed - signed.mean(axis=1, keepdims=True)).T
    _, _, order = qr(signed, mode="economic", pivoting=True)
    return tuple(block.readouts[at] for at in order[: min(n, len(places))])
