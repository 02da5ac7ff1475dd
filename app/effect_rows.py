"""Effects as rows with the columns of every table that Knockwise writes, and as a DataFrame."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.wording import Step, path_words
from knowledge.schema import Answer, Effect, Perturbation
from tools.effect_rows import numbers

if TYPE_CHECKING:
    import pandas as pd

    from agent.session import Session

COLUMNS = (
    "perturbation",
    "kind",
    "cell_line",
    "gene",
    "call",
    "p_de",
    "p_de_low",
    "p_de_high",
    "p_up",
    "p_up_low",
    "p_up_high",
    "subtle",
    "seen_in_training",
    "abstained",
    "reason",
    "path",
)


def rows_of(
    perturbation: Perturbation,
    effects: Iterable[Effect],
    paths: Mapping[str, Sequence[Step]],
) -> Iterator[dict[str, Any]]:
    """Iterate over effects as rows; `paths` are the signed paths to readouts that have one."""
    for effect in effects:
        unknown = effect.abstained
        values = numbers(effect)
        yield {
            "perturbation": "+".join(perturbation.genes),
            "kind": perturbation.kind,
            "cell_line": perturbation.cell_line,
            "gene": effect.gene,
            "call": effect.call,
            **(dict.fromkeys(values) if unknown else values),
            "subtle": effect.subtle,
            "seen_in_training": effect.seen_in_training,
            "abstained": unknown,
            "reason": effect.reason,
            "path": path_words(list(paths.get(effect.gene, ()))),
        }


def answer_rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """Iterate over the effects of an answer as rows; of a comparison, those of every side."""
    pairs = [(answer.question.perturbation, answer.effects)]
    if answer.sides:
        pairs = [(side.perturbation, side.effects) for side in answer.sides]
    paths = {one.readout: one.steps for one in answer.hypotheses}
    for perturbation, effects in pairs:
        yield from rows_of(perturbation, effects, paths)


def predicted_rows(
    session: "Session", perturbation: Perturbation, readouts: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return the predicted effects as rows: in the order asked, or the likeliest change first."""
    effects = session.effects(perturbation, readouts)
    if readouts is None:
        effects = sorted(effects, key=lambda one: (one.abstained, -(one.p_de or 0), one.gene))
    reached = session.predictor.reach(perturbation)
    paths: dict[str, Sequence[Step]] = {}
    for effect in effects:
        up, down = (reached.confidence(effect.gene, way) for way in ("up", "down"))
        if up or down:
            paths[effect.gene] = reached.path(effect.gene, "up" if up >= down else "down")
    return list(rows_of(perturbation, effects, paths))


def frame(rows: Iterable[dict[str, Any]]) -> "pd.DataFrame":
    """Return rows as a DataFrame whose columns are `COLUMNS`, also where there is no row."""
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    numeric = [name for name in COLUMNS if name.startswith("p_")]
    return table.astype(dict.fromkeys(numeric, "float64"))
