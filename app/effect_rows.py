"""Effects as rows for programs, and as a DataFrame: the columns of `docs/columns.md`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from agent import rows
from knowledge.schema import Answer, Perturbation
from tools.effect_rows import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from agent.session import Session


def answer_rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """Iterate over the effects of an answer as rows; of a comparison, those of every side."""
    return (row.model_dump() for row in rows.answer_rows(answer, digits=None))


def predicted_rows(
    session: "Session", perturbation: Perturbation, readouts: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return the predicted effects as rows: in the order asked, or the likeliest change first."""
    found = [row.model_dump() for row in session.rows(perturbation, readouts, digits=None)]
    if readouts is None:
        found.sort(key=lambda row: (row["abstained"], -(row["p_de"] or 0), row["gene"]))
    return found


def frame(found: Iterable[dict[str, Any]]) -> "pd.DataFrame":
    """Return rows as a DataFrame whose columns are `COLUMNS`, also where there is no row."""
    import pandas as pd

    table = pd.DataFrame(list(found), columns=list(COLUMNS))
    numeric = [name for name in COLUMNS if name.startswith("p_")]
    return table.astype(dict.fromkeys(numeric, "float64"))
