"""From committed steps to hypotheses: the best verified path to each readout, and its rivals."""

from collections.abc import Mapping, Sequence
from math import prod

from agent.belief import arriving
from agent.frontier import world
from agent.state import AgentState
from agent.wording import path_words
from knowledge.schema import CascadeStep, Change, Direction, Effect, Hypothesis

_DIRECTIONS: tuple[Direction, Direction] = ("up", "down")


def verified_path(state: AgentState, readout: str, direction: Direction) -> tuple[CascadeStep, ...]:
    """Return the best-supported chain of verified steps that ends in `readout`'s transcript."""
    reached = world(state)
    arrivals: dict[Change, tuple[float, CascadeStep]] = {}
    for step in state.committed:
        support = arriving(step, reached[step.source])
        if support > arrivals.get(step.target, (0.0, step))[0]:
            arrivals[step.target] = (support, step)
    change = Change(node=readout, direction=direction, quantity="expression")
    path: list[CascadeStep] = []
    # Support falls along a path, so walking back to the start cannot go round in circles.
    while change in arrivals:
        path.append(arrivals[change][1])
        change = path[-1].source
    return tuple(reversed(path))


def hypotheses(state: AgentState, effects: Sequence[Effect]) -> list[Hypothesis]:
    """Return one hypothesis for each explained readout, the most confident first."""
    calls = {effect.gene: effect for effect in effects}
    found = []
    for readout in state.targets:
        paths = {d: verified_path(state, readout, d) for d in _DIRECTIONS}
        chosen = _chosen(world(state), readout, paths, calls.get(readout))
        if chosen is None:
            continue
        path, rival = paths[chosen], paths["down" if chosen == "up" else "up"]
        found.append(_hypothesis(readout, chosen, path, rival, state.rejected))
    return sorted(found, key=lambda one: (-one.confidence, one.readout))


def _chosen(
    reached: Mapping[Change, float],
    readout: str,
    paths: Mapping[Direction, tuple[CascadeStep, ...]],
    effect: Effect | None,
) -> Direction | None:
    """Return the better supported direction; the predicted one where support is equal."""
    if not any(paths.values()):
        return None
    support = {
        d: reached.get(Change(node=readout, direction=d, quantity="expression"), 0.0)
        for d in _DIRECTIONS
    }
    predicted: Direction = "up" if effect is not None and effect.p_up >= 0.5 else "down"
    return max(_DIRECTIONS, key=lambda d: (support[d], d == predicted))


def _hypothesis(
    readout: str,
    direction: Direction,
    path: tuple[CascadeStep, ...],
    rival: tuple[CascadeStep, ...],
    rejected: Sequence[CascadeStep],
) -> Hypothesis:
    on_path = {step.target.node for step in path}
    refuted = [
        step for step in rejected if step.status == "contradicted" and step.target.node in on_path
    ]
    supporting = _ids(path)
    against = [*_ids(rival), *_ids(refuted)]
    return Hypothesis(
        readout=readout,
        direction=direction,
        steps=path,
        summary=path_words(path),
        confidence=prod(step.confidence for step in path),
        supporting=supporting,
        contradicting=tuple(i for i in dict.fromkeys(against) if i not in supporting),
    )


def _ids(steps: Sequence[CascadeStep]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for step in steps for i in step.evidence_ids))
