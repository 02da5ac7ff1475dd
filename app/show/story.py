"""Which parts of an answer are told, in what order, and with which citations."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from agent.wording import general
from knowledge.errors import RunError
from knowledge.schema import Answer, Call, CascadeStep, Change, Direction, Effect, Evidence, Frozen
from tools.programmes import DRIVEN_BY

Key = tuple[str, Direction]


class Branch(Frozen):
    """A step in a tree of steps; `elsewhere` if what follows is drawn at another place."""

    step: CascadeStep
    branches: tuple["Branch", ...] = ()
    elsewhere: bool = False


class Root(Frozen):
    """A change that nothing in the cascade explains, normally the perturbation itself."""

    change: Change
    branches: tuple[Branch, ...]


class Citations:
    """Remembers which facts of an answer are cited, so that exactly those are listed."""

    def __init__(self, answer: Answer) -> None:
        self._evidence = {fact.id: fact for fact in answer.evidence}
        self._cited: set[str] = set()

    def cite(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return `ids`, now cited.

        Raises:
            RunError: An id names no evidence of the answer.
        """
        found = tuple(ids)
        for fact in found:
            if fact not in self._evidence:
                raise RunError(
                    f"The answer cites {fact}, which it does not contain, so the run is damaged; "
                    "ask the question again."
                )
        self._cited.update(found)
        return found

    def cited(self) -> tuple[Evidence, ...]:
        """Return every fact cited so far, in the answer's order."""
        return tuple(fact for name, fact in self._evidence.items() if name in self._cited)


def key(change: Change) -> Key:
    """Identify a change by node and direction; transcript and activity are told together."""
    return (change.node, change.direction)


def main_steps(answer: Answer) -> tuple[CascadeStep, ...]:
    """Return the steps on the paths to the readouts, or every step if no path was found.

    What was proposed about those readouts and contradicted is part of the story, and comes with
    the steps that lead to it.
    """
    paths = [path for one in answer.hypotheses for path in (one.steps, *one.branches)]
    paths += [(*one.steps, *one.driven_by) for one in answer.programmes]
    told = dict.fromkeys(step for path in paths for step in path)
    if not told:
        return answer.steps
    readouts = {path.readout for path in answer.hypotheses}
    for step in answer.steps:
        if step.status == "contradicted" and step.target.node in readouts:
            told |= dict.fromkeys(_leading_to(step, answer.steps, told))
    return tuple(told)


def _leading_to(
    step: CascadeStep, steps: Sequence[CascadeStep], told: Collection[CascadeStep]
) -> tuple[CascadeStep, ...]:
    """Return `step` after the steps that lead to it from what is already told."""
    known = {key(each.target) for each in told} | {key(each.source) for each in told}
    found = [step]
    while (cause := key(found[-1].source)) not in known:
        earlier = next((each for each in steps if key(each.target) == cause), None)
        if earlier is None:
            break
        known.add(cause)
        found.append(earlier)
    return tuple(reversed(found))


def measured(step: CascadeStep) -> bool:
    """Return whether the step is a measured one, through a programme of the screens."""
    return step.proposed_by == "screens"


def ordered_effects(answer: Answer) -> tuple[Effect, ...]:
    """Return the effects asked about first, the others in the answer's order."""
    place = {gene: index for index, gene in enumerate(answer.question.readouts)}
    return tuple(sorted(answer.effects, key=lambda effect: place.get(effect.gene, len(place))))


def parted(answer: Answer) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """Return the effects that are told one by one, and the general responses of the line.

    What was asked about is told, however general it is.
    """
    effects = ordered_effects(answer)
    if answer.question.readouts:
        return effects, ()
    usual = tuple(effect for effect in effects if general(effect))
    return tuple(effect for effect in effects if not general(effect)), usual


def predicted_calls(answer: Answer) -> dict[str, Call]:
    """Return the call of every transcript that is predicted and was not itself perturbed."""
    one = answer.question.perturbation
    perturbed = () if one.drugged else one.genes
    return {
        effect.gene: effect.call
        for effect in answer.effects
        if not effect.abstained and effect.gene not in perturbed
    }


def trees(steps: Sequence[CascadeStep]) -> tuple[Root, ...]:
    """Return the cascade as trees: every step once, what follows a change at its nearest place."""
    leaving: dict[Key, list[CascadeStep]] = {}
    changes: dict[Key, Change] = {}
    for step in steps:
        leaving.setdefault(key(step.source), []).append(step)
        changes.setdefault(key(step.source), step.source)
    targets = {key(step.target) for step in steps}
    roots = [source for source in leaving if source not in targets]
    owner: dict[Key, int] = {}
    reached = set(roots)
    _claim(roots, leaving, owner, reached)
    for source in leaving:  # a loop that no root leads into
        if source not in reached:
            roots.append(source)
            reached.add(source)
            _claim([source], leaving, owner, reached)

    def branch(step: CascadeStep) -> Branch:
        target = key(step.target)
        if owner.get(target) == id(step):
            return Branch(step=step, branches=tuple(branch(s) for s in leaving.get(target, ())))
        return Branch(step=step, elsewhere=target in leaving)

    return tuple(
        Root(change=changes[source], branches=tuple(branch(step) for step in leaving[source]))
        for source in roots
    )


def _claim(
    start: Iterable[Key],
    leaving: dict[Key, list[CascadeStep]],
    owner: dict[Key, int],
    reached: set[Key],
) -> None:
    """Give each change to the first step, breadth first, that reaches it."""
    queue = deque(start)
    while queue:
        for step in leaving.get(queue.popleft(), ()):
            target = key(step.target)
            if step.mechanism == DRIVEN_BY and measured(step):
                continue  # what a regulator does is told where the documented steps lead to it
            if target not in reached:
                reached.add(target)
                owner[target] = id(step)
                queue.append(target)
