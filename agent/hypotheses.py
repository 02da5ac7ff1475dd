"""From committed steps to hypotheses: the best verified paths to each readout, and their rivals."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

from agent.belief import arriving, curated
from agent.frontier import world
from agent.state import AgentState
from agent.wording import path_words
from knowledge.cascade import BRANCHES
from knowledge.schema import CascadeStep, Change, Direction, Effect, Hypothesis

_DIRECTIONS: tuple[Direction, Direction] = ("up", "down")
Steps = tuple[CascadeStep, ...]


def verified_paths(state: AgentState, readout: str, direction: Direction) -> tuple[Steps, ...]:
    """Return the chains of verified steps that end in `readout`'s transcript, the best first.

    Each ends with a step of its own. Chains that the built-in pathways assert throughout come
    alone: what they explain, single assertions of databases do not explain away.
    """
    for allowed in (curated, lambda step: True):
        found = _chains(state, readout, direction, allowed)
        if found:
            return found
    return ()


def _chains(
    state: AgentState, readout: str, direction: Direction, allowed: Callable[[CascadeStep], bool]
) -> tuple[Steps, ...]:
    steps = [step for step in state.committed if allowed(step)]
    reached = world(state.model_copy(update={"committed": steps}))
    steps = [step for step in steps if step.source in reached]
    arrivals: dict[Change, tuple[float, CascadeStep]] = {}
    for step in steps:
        support = arriving(step, reached[step.source])
        if support > arrivals.get(step.target, (0.0, step))[0]:
            arrivals[step.target] = (support, step)
    end = Change(node=readout, direction=direction, quantity="expression")
    last = [step for step in steps if step.target == end]
    last.sort(key=lambda step: -arriving(step, reached[step.source]))
    found: list[Steps] = []
    regulators: set[str] = set()
    for step in last:
        path = (*_walk(arrivals, step.source), step)
        passed = {one.target.node for one in path[:-1]}
        if readout in passed or passed & regulators or step.source.node in regulators:
            continue
        regulators.add(step.source.node)
        found.append(path)
    return tuple(found[:BRANCHES])


def _walk(arrivals: Mapping[Change, tuple[float, CascadeStep]], change: Change) -> Steps:
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
        paths = {d: verified_paths(state, readout, d) for d in _DIRECTIONS}
        chosen = _chosen(paths, calls.get(readout))
        if chosen is None:
            continue
        rival = paths["down" if chosen == "up" else "up"]
        found.append(_hypothesis(readout, chosen, paths[chosen], rival, state.rejected))
    return sorted(found, key=lambda one: (-one.confidence, one.readout))


def _chosen(paths: Mapping[Direction, Sequence[Steps]], effect: Effect | None) -> Direction | None:
    """Return the better supported direction; the predicted one where support is equal."""
    if not any(paths.values()):
        return None
    predicted: Direction = "up" if effect is not None and effect.p_up >= 0.5 else "down"

    def rank(direction: Direction) -> tuple[bool, float, bool]:
        best = paths[direction][0] if paths[direction] else ()
        trusted = bool(best) and all(map(curated, best))
        return (
            trusted,
            prod(step.confidence for step in best) if best else 0.0,
            (direction == predicted),
        )

    return max(_DIRECTIONS, key=rank)


def _hypothesis(
    readout: str,
    direction: Direction,
    paths: Sequence[Steps],
    rivals: Sequence[Steps],
    rejected: Sequence[CascadeStep],
) -> Hypothesis:
    path, branches = paths[0], tuple(paths[1:])
    on_path = {step.target.node for step in path}
    refuted = [
        step for step in rejected if step.status == "contradicted" and step.target.node in on_path
    ]
    supporting = _ids(path)
    against = [*_ids(rivals[0] if rivals else ()), *_ids(refuted)]
    return Hypothesis(
        readout=readout,
        direction=direction,
        steps=path,
        summary=path_words(path),
        confidence=prod(step.confidence for step in path),
        branches=branches,
        supporting=supporting,
        contradicting=tuple(i for i in dict.fromkeys(against) if i not in supporting),
    )


def disputed(steps: Sequence[CascadeStep], effects: Sequence[Effect]) -> tuple[CascadeStep, ...]:
    """Return the steps, those into a readout that is predicted to go the other way contradicted."""
    calls = {effect.gene: effect for effect in effects if effect.call in ("up", "down")}
    out = []
    for step in steps:
        effect = calls.get(step.target.node)
        if (
            step.status == "verified"
            and effect is not None
            and step.target.quantity == "expression"
            and step.target.direction != effect.call
        ):
            note = f"the prediction is that {effect.gene} goes {effect.call}"
            step = step.model_copy(update={"status": "contradicted", "note": note})
        out.append(step)
    return tuple(out)


def _ids(steps: Sequence[CascadeStep]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for step in steps for i in step.evidence_ids))
