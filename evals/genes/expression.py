"""The Human Protein Atlas's classes of genes by their expression over cell lines.

The rules are those of `hpa_gene_classification` (maxkarlsson/Pig-Atlas,
scripts/functions_classification.R), which the Atlas calls for its cell lines with a fold of 4 and
groups of at most 10; a level of 1 is the least that counts as detected.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
DETECTED = 1.0
FOLD = 4.0
LARGEST_GROUP = 10
_LEAST = 0.1
_MANY = 0.31


def distribution(level: FloatArray) -> NDArray[np.str_]:
    """Return in how many cell lines each gene is detected, in the Atlas's words `(genes,)`.

    Args:
        level: Normalised expression `(genes, lines)`.
    """
    count, lines = (level >= DETECTED).sum(axis=1), level.shape[1]
    cases = [count == lines, count >= _MANY * lines, count > 1, count == 1]
    words = ["Detected in all", "Detected in many", "Detected in some", "Detected in single"]
    return np.select(cases, words, "Not detected")


def specificity(level: FloatArray) -> NDArray[np.str_]:
    """Return how specific each gene is to cell lines, in the Atlas's words `(genes,)`.

    Enriched: one line has four times the level of any other. Group enriched: the mean of two to ten
    lines, those within four times of the highest, is four times the highest of the rest. Enhanced:
    some line has four times the mean of all. Lines where the gene is not detected never count, and
    the rest is taken to have at least 0.1.

    Args:
        level: Normalised expression `(genes, lines)`.
    """
    falling = -np.sort(-level, axis=1)
    highest, second = falling[:, 0], np.maximum(falling[:, 1], _LEAST)
    over = (level >= highest[:, None] / FOLD) & (level >= DETECTED)
    count = over.sum(axis=1)
    mean = np.where(over, level, 0).sum(axis=1) / np.maximum(count, 1)
    rest = np.maximum(np.where(over, 0, level).max(axis=1), _LEAST)
    cases = [
        highest < DETECTED,
        highest / second >= FOLD,
        (count > 1) & (count <= LARGEST_GROUP) & (mean / rest >= FOLD),
        highest >= FOLD * level.mean(axis=1),
    ]
    words = ["Not detected", "Cell line enriched", "Group enriched", "Cell line enhanced"]
    return np.select(cases, words, "Low cell line specificity")
