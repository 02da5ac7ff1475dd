"""The probability from which on a change is called."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve


def best_f1_threshold(p: NDArray[np.float64], label: NDArray[np.generic]) -> float:
    """Return the probability at which calling a change maximises F1."""
    precision, recall, thresholds = precision_recall_curve(label, p)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[int(np.argmax(f1[:-1]))])
