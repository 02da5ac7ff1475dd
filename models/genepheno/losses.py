"""What training lowers: ranking present labels above absent ones, and keeping opposites apart."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def contrastive(logits: "Tensor", labels: "Tensor", temperature: float) -> "Tensor":
    """Return how far present labels are from standing above the absent ones of the same row.

    For every present label p of a row with absent labels N: `log(1 + sum_N exp((s_n - s_p) / T))`,
    which is the InfoNCE loss (van den Oord et al. 2018) of p against N, here over the labels of a
    gene as in GenePheno. It is averaged over the present labels of a row, then over the rows that
    have both kinds; 0 if none has. Given the transpose it ranks genes within a label.

    Args:
        logits: `(rows, labels)`.
        labels: 0 or 1 `(rows, labels)`.
        temperature: Differences of so much count as one.
    """
    import torch

    scaled = logits / temperature
    present = labels > 0
    absent = torch.logsumexp(scaled.masked_fill(present, -torch.inf), dim=1, keepdim=True)
    terms = torch.nn.functional.softplus(absent - scaled)
    count = present.sum(1)
    both = (count > 0) & (count < present.shape[1])
    if not both.any():
        return logits.sum() * 0
    rows = terms.masked_fill(~present, 0.0).sum(1) / count.clamp(min=1)
    return rows[both].mean()


def exclusivity(probabilities: "Tensor", pairs: "Tensor", rate: float) -> "Tensor":
    """Return how much oftener both of two opposites are expected than was measured.

    Of two opposites with probabilities a and b, both are expected in `a b` of the cases and either
    in `a + b - a b`; where measured genes have both in a share `rate` of the cases with either,
    `max(0, a b - rate (a + b - a b))` is too much. The mean over rows and pairs; 0 without pairs.

    Args:
        probabilities: `(rows, labels)`.
        pairs: Columns of opposites `(pairs, 2)`.
        rate: The measured share, 0 to 1.
    """
    if not len(pairs):
        return probabilities.sum() * 0
    one, other = probabilities[:, pairs[:, 0]], probabilities[:, pairs[:, 1]]
    both = one * other
    return (both - rate * (one + other - both)).clamp(min=0).mean()


def cross_entropy(logits: "Tensor", labels: "Tensor") -> "Tensor":
    """Return the binary cross entropy in nats, the mean over rows and labels.

    Args:
        logits: `(rows, labels)`.
        labels: 0 or 1 `(rows, labels)`.
    """
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
