"""Does an answer rest on the steps it names? Take the central one away and ask again."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from agent.session import Session
from evals.altered_graphs import Pair
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from evals.mechanism.agent import Asked, ask, without
from evals.mechanism.grounding import Question
from knowledge.graph import SignedGraph
from knowledge.progress import Progress
from knowledge.schema import CascadeStep, Hypothesis
from models.fusion import logit

CENTRAL, RANDOM = "central step", "random step"
NEAREST = 20
MEASURES = {
    "path": "share whose path changes",
    "support": "fall of the hypothesis's confidence",
    "de": "change of logit P(changes)",
    "up": "change of logit P(up if it changes)",
}


class Moved(NamedTuple):
    """How far one answer moved."""

    path: float
    support: float
    de: float
    up: float


def central_step(asked: Asked, hypothesis: Hypothesis) -> CascadeStep:
    """Return the step that most hypotheses of the answer share, of several the latest on the path.

    The last step of a path belongs to one readout alone, so it is central only where it is the
    only one.
    """
    shared = {
        _pair(step): sum(_pair(step) in map(_pair, one.steps) for one in asked.hypotheses)
        for step in hypothesis.steps
    }
    inner = hypothesis.steps[:-1] or hypothesis.steps
    return max(reversed(inner), key=lambda step: shared[_pair(step)])


def random_step(
    asked: Asked, central: CascadeStep, graph: SignedGraph, rng: np.random.Generator
) -> Pair | None:
    """Return another step that the cascade could take, from a node of about the same degree.

    It leaves a node that the perturbation changed, or one of their neighbours, and is on no
    hypothesis of the answer.
    """
    used = {_pair(step) for one in asked.hypotheses for step in one.steps}
    reached = {node for step in asked.state.committed for node in _pair(step)}
    near = reached | {one.target for node in reached for one in graph.out_relations(node)}
    degree = {node: len(graph.out_relations(node)) for node in near}
    wanted = degree.get(central.source.node, 0)
    order = sorted(near, key=lambda node: (abs(degree[node] - wanted), node))
    steps = [
        (node, one.target)
        for node in order[:NEAREST]
        for one in graph.out_relations(node)
        if (node, one.target) not in used
    ]
    return steps[int(rng.integers(len(steps)))] if steps else None


def faithfulness(
    questions: Sequence[Question],
    states: Sequence[Asked],
    session: Session,
    rng: np.random.Generator,
    seed: int,
    progress: Progress,
) -> Iterator[Score]:
    """Yield how far central and random steps move the answers.

    Args:
        questions: What was asked.
        states: What came of it, blind to the measurement.
        session: Blind too.
        rng: Draws the readout and the random step.
        seed: Of the resamples.
        progress: Told before each question.
    """
    rows: list[tuple[str, Moved, Moved]] = []
    for number, (question, asked) in enumerate(zip(questions, states, strict=True)):
        progress(question.words, number / len(questions))
        if not asked.hypotheses:
            continue
        hypothesis = asked.hypotheses[int(rng.integers(len(asked.hypotheses)))]
        central = central_step(asked, hypothesis)
        other = random_step(asked, central, session.knowledge.graph, rng)
        if other is None:
            continue
        moved = [
            _moved(question, asked, hypothesis, pair, session) for pair in (_pair(central), other)
        ]
        rows.append((question.name, moved[0], moved[1]))
    units = [name for name, *_ in rows]
    resampler = Resampler([*units, "none"], seed)
    for name, measure in MEASURES.items() if rows else ():
        means = {
            step: resampler.mean(units, [getattr(row[place], name) for row in rows])
            for place, step in ((1, CENTRAL), (2, RANDOM))
        }
        for step, mean in means.items():
            yield Score(step, measure, mean, about="faithfulness")
        ahead = means[CENTRAL] - means[RANDOM]
        yield Gain(CENTRAL, RANDOM, measure, ahead, about="faithfulness")


def _moved(
    question: Question, asked: Asked, hypothesis: Hypothesis, pair: Pair, session: Session
) -> Moved:
    """Return how far the answer about one readout moves when a pair is unknown."""
    context = without(session, frozenset({pair}))
    again = asyncio.run(ask(context, question.pert, question.cell_line, list(question.readouts)))
    new = again.hypothesis(hypothesis.readout)
    before, after = asked.effect(hypothesis.readout), again.effect(hypothesis.readout)
    return Moved(
        path=float(new is None or new.summary != hypothesis.summary),
        support=hypothesis.confidence - (new.confidence if new else 0.0),
        de=_apart(before.p_de, after.p_de),
        up=_apart(before.p_up, after.p_up),
    )


def _apart(first: float | None, second: float | None) -> float:
    if first is None or second is None:
        return 0.0
    return float(np.abs(logit(np.array(first)) - logit(np.array(second))))


def _pair(step: CascadeStep) -> Pair:
    return step.source.node, step.target.node
