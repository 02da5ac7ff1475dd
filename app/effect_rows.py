"""Effects as records with the columns of every table that Knockwise writes, and as a DataFrame."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from agent import rows
from knowledge.schema import Answer, Perturbation
from tools.effect_rows import COLUMNS, NUMBERS

if TYPE_CHECKING:
    import pandas as pd

    from agent.session import Session


def answer_rows(answer: Answer) -> list[dict[str, Any]]:
    """Return the effects of an answer as records; of a comparison, those of every side."""
    return [row.model_dump() for row in rows.answer_rows(answer)]


def predicted_rows(
    session: "Session", perturbation: Perturbation, readouts: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return predicted effects as records: in the order asked, or the likeliest change first."""
    effects = session.effects(perturbation, readouts)
    if readouts is None:
        effects = sorted(effects, key=lambda one: (one.abstained, -(one.p_de or 0), one.gene))
    found = rows.predicted_rows(session.predictor, perturbation, effects)
    return [row.model_dump() for row in found]


def frame(records: Iterable[dict[str, Any]]) -> "pd.DataFrame":
    """Return records as a DataFrame whose columns are `COLUMNS`, also where there is none."""
    import pandas as pd

    table = pd.DataFrame(list(records), columns=list(COLUMNS))
    return table.astype(dict.fromkeys(NUMBERS, "float64"))
