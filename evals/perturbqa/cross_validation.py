"""Scores a model on the training rows it was held out from, for the record beside its weights."""

from evals.harness.resampling import Resampler
from evals.harness.scores import Scores
from evals.harness.tables import pivot
from evals.perturbqa.score import score
from evals.perturbqa.unit import held_out_table
from evals.tasks import COLUMNS, TASK_NAMES, TASKS
from models.inputs.screens import CELL_LINES, Setting
from models.response.scoring import FittedModel, Unit


def cross_validated(fitted: FittedModel, draws: int = 200, seed: int = 0) -> Scores:
    """Return the model's and the controls' scores on held-out training rows.

    A readout's AUROC is computed within a fold, as it is within the official test split, so that
    rows ranked against each other come from the same fit.

    Args:
        fitted: A model with its held-out scores.
        draws: Bootstrap resamples of perturbations.
        seed: Of the resamples.
    """
    table = held_out_table(fitted, Unit("all", CELL_LINES), seed)
    return Scores(score(table, "cv", Resampler(table.pert, seed, draws)))


def as_markdown(scores: Scores, setting: Setting) -> str:
    """Return a table per task: one row per predictor, one column per line."""
    parts = [f"Setting `{setting}`, cross-validated on training perturbations."]
    for task in TASKS:
        mine = scores.plain.where(task=task, measure="auroc")
        told = pivot(mine, "predictor", "cell_line", order=COLUMNS)
        parts += [f"**{TASK_NAMES[task]}**", told.markdown()]
    return "\n\n".join(parts)
