"""The effects of a perturbation, or of an answer, as rows of a table."""

from collections.abc import Iterable, Iterator, Mapping

from agent.wording import path_words
from knowledge.cascade import Candidate, Reach
from knowledge.schema import Answer, Effect, Perturbation
from tools.effect_rows import DIGITS, EffectRow, RunRow, effect_row
from tools.effects import EffectPredictor


def best_path(reached: Reach, gene: str) -> tuple[Candidate, ...]:
    """Return the best signed path to the transcript of `gene`, whichever way it points."""
    up, down = (reached.confidence(gene, direction) for direction in ("up", "down"))
    if not up and not down:
        return ()
    return reached.path(gene, "up" if up >= down else "down")


def predicted_rows(
    predictor: EffectPredictor,
    perturbation: Perturbation,
    effects: Iterable[Effect],
    digits: int | None = DIGITS,
) -> Iterator[EffectRow]:
    """Iterate over effects of a perturbation as rows, each with its best path."""
    reached = predictor.reach(perturbation)
    for effect in effects:
        yield effect_row(perturbation, effect, path_words(best_path(reached, effect.gene)), digits)


def answer_rows(answer: Answer, digits: int | None = DIGITS) -> Iterator[EffectRow]:
    """Iterate over the effects that an answer tells; in a comparison, those of every side."""
    paths = told_paths(answer)
    sides = [(side.perturbation, side.effects) for side in answer.sides]
    for perturbation, effects in sides or [(answer.question.perturbation, answer.effects)]:
        for effect in effects:
            yield effect_row(perturbation, effect, paths.get(effect.gene, ""), digits)


def told_paths(answer: Answer) -> Mapping[str, str]:
    """Return readout -> the path that an answer tells; none where it compares perturbations."""
    if answer.sides:
        return {}
    return {one.readout: path_words(one.steps) for one in answer.hypotheses}


def run_rows(
    predictor: EffectPredictor, perturbation: Perturbation, told: Mapping[str, str]
) -> Iterator[RunRow]:
    """Iterate over every gene that can be predicted, what is specific to the perturbation first.

    Args:
        predictor: Who predicts.
        perturbation: What is done, and where.
        told: Readout -> the path that the answer tells.
    """
    reached = predictor.reach(perturbation)
    effects = predictor.effects(perturbation)
    for effect in sorted(effects, key=lambda one: (one.abstained, -one.specific, one.gene)):
        path = best_path(reached, effect.gene)
        words = told.get(effect.gene) or path_words(path)
        row = predictor.measured(perturbation, effect.gene)
        yield RunRow(
            **effect_row(perturbation, effect, words).model_dump(),
            usual=None if effect.usual is None else round(effect.usual, DIGITS),
            evidence_count=sum(len(step.relation.edges) for step in path) + (row is not None),
            top_evidence=row.evidence.statement if row else words,
        )
