"""Figures that others published on these tasks, quoted beside ours and never as ours."""

from collections.abc import Mapping

from models.genen.labels import TaskName

PUBLISHED_GCN: Mapping[TaskName, float] = {
    "dosage-sensitivity": 0.89,
    "bivalent-lys4": 0.92,
    "bivalent-non-methylated": 0.90,
    "tf-range": 0.59,
    "tf-target-type": 0.52,
    "solubility": 0.99,
    "localisation": 0.95,
    "conservation": 0.55,
}
"""Genen's GCN on PPI and GO, cellular components included: AUC, and Pearson of conservation.

Of five random 80/20 splits; no validation set, the test score of the last epoch.
"""
DIGITS = 2
"""Decimals that were published; ours is compared at as many."""
PUBLISHED_TEXT: Mapping[TaskName, Mapping[str, float]] = {
    "dosage-sensitivity": {"GenePT + logistic regression": 0.889},
    "bivalent-lys4": {"GenePT + logistic regression": 0.941},
    "bivalent-non-methylated": {"GenePT + logistic regression": 0.912},
    "tf-range": {"GenePT + logistic regression": 0.726},
}
"""AUC of plain baselines, as `ANCHORS.md` holds them."""
ABSENT = (
    "The rows of GPT-2, Doc2Vec, XLNet, BERT and GeneLLM of Genen's own tables are not quoted: no "
    "file of this project holds them."
)
