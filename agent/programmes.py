"""The measured programmes of an answer, beside its documented paths."""

from collections.abc import Iterable, Sequence

from agent.context import AgentContext
from agent.wording import listed
from knowledge.schema import Effect, Evidence, Hypothesis, ProgrammePath, Question

# Without readouts asked about, so many are explained.
MOST_READOUTS = 12
# Programmes that a sentence names, and readouts of each.
NAMED, READOUTS = 2, 3


def programme_paths(
    question: Question,
    effects: Sequence[Effect],
    hypotheses: Sequence[Hypothesis],
    context: AgentContext,
) -> tuple[tuple[ProgrammePath, ...], list[Evidence]]:
    """Return the paths through programmes to the readouts of an answer, and what they cite.

    What was asked about is explained whichever way programmes say that it goes; of the other
    effects, those that are predicted to go that way.
    """
    wanted = [effect for effect in effects if effect.gene not in question.perturbation.genes]
    found = context.programmes.paths(question.perturbation, [effect.gene for effect in wanted])
    documented = {one.readout: one.direction for one in hypotheses}
    paths: list[ProgrammePath] = []
    facts: dict[str, Evidence] = {}
    for effect in wanted:
        one = found.get(effect.gene)
        asked = effect.gene in question.readouts
        if one is None or (not asked and effect.call != one.path.direction):
            continue
        if not question.readouts and len(paths) == MOST_READOUTS:
            break
        known = documented.get(effect.gene)
        beside = "" if known is None else "agrees" if known == one.path.direction else "disagrees"
        paths.append(one.path.model_copy(update={"beside": beside}))
        facts.update((fact.id, fact) for fact in one.evidence)
    return tuple(paths), list(facts.values())


def programme_words(paths: Sequence[ProgrammePath]) -> str:
    """Return what the programmes say, in a sentence or two; nothing without any.

    Programmes are named where no documented path leads; where one does, it is told whether they
    agree.
    """
    alone = [path for path in paths if not path.beside]
    agreeing = [path.readout for path in paths if path.beside == "agrees"]
    against = [path.readout for path in paths if path.beside == "disagrees"]
    told = []
    if alone:
        told.append(f"Measured in related perturbations: {'; '.join(_named(alone))}.")
    if agreeing:
        told.append(f"Measured programmes agree on {listed(agreeing)}.")
    if against:
        told.append(
            f"For {listed(against)} a measured programme contradicts the documented path; both are "
            "shown."
        )
    return " ".join(told)


def _named(paths: Sequence[ProgrammePath]) -> list[str]:
    """Return what the leading programmes do, each in words."""
    said = []
    for name in _leading(paths):
        mine = [path for path in paths if path.programme == name]
        up = [path.readout for path in mine if path.direction == "up"][:READOUTS]
        down = [path.readout for path in mine if path.direction == "down"][:READOUTS]
        does = listed(
            [
                f"{verb} {listed(genes)}"
                for verb, genes in (("raises", up), ("lowers", down))
                if genes
            ]
        )
        went = next(step for step in mine[0].steps if step.target.kind == "programme").target
        said.append(f"“{name}” goes {went.direction}, which {does}")
    return said


def _leading(paths: Iterable[ProgrammePath]) -> list[str]:
    """Return the programmes with most readouts."""
    count: dict[str, int] = {}
    for path in paths:
        count[path.programme] = count.get(path.programme, 0) + 1
    return sorted(count, key=lambda name: -count[name])[:NAMED]
