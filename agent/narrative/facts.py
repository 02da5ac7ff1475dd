"""What an answer says, as numbered facts that sentences can cite and be checked against."""

import re
from collections.abc import Iterator, Sequence

from agent.wording import perturbation_words, step_words
from knowledge.cascade import start
from knowledge.schema import Answer, CascadeStep, Direction, Effect, Evidence, Frozen

MOST_TEXTS, MOST_EFFECTS = 4, 12
NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])(?!\.\d)")
Way = tuple[str, Direction]


class Fact(Frozen):
    """One thing that an answer says.

    Attributes:
        number: What a sentence cites it by.
        text: In words.
        nodes: Genes, complexes and processes that it is about.
        ways: What goes up or down in it.
        still: What does not change in it.
        relations: What acts on what, +1 for activates and -1 for inhibits.
        evidence_ids: What it rests on in the answer.
    """

    number: int
    text: str
    nodes: frozenset[str]
    ways: frozenset[Way] = frozenset()
    still: frozenset[str] = frozenset()
    relations: frozenset[tuple[str, int, str]] = frozenset()
    evidence_ids: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the numbers in its words, as they are written."""
        return tuple(NUMBER.findall(self.text))


def facts_of(answer: Answer) -> tuple[Fact, ...]:
    """Return the facts of an answer: what was done, its steps, its effects, what was read of it."""
    found: list[Fact] = []
    for one in (_done(answer), *_steps(answer), *_effects(answer), *_texts(answer)):
        found.append(one.model_copy(update={"number": len(found) + 1}))
    return tuple(found)


def told_steps(answer: Answer) -> tuple[CascadeStep, ...]:
    """Return the steps of the paths in order, branches too, without any that is told twice."""
    paths = [path for one in answer.hypotheses for path in (one.steps, *one.branches)]
    paths += [one.steps for one in answer.programmes]
    return tuple(dict.fromkeys(step for path in paths for step in path))


def _done(answer: Answer) -> Fact:
    perturbation = answer.question.perturbation
    ways = frozenset[Way]((one.node, one.direction) for one in start(perturbation))
    words = perturbation_words(perturbation)
    return Fact(number=0, text=words, nodes=frozenset(perturbation.genes), ways=ways)


def _steps(answer: Answer) -> Iterator[Fact]:
    for step in told_steps(answer):
        ends = (step.source, step.target)
        sign = {"activates": 1, "inhibits": -1}.get(step.relation, 0)
        triple = (step.source.node, sign, step.target.node)
        yield Fact(
            number=0,
            text=_step_text(step),
            nodes=frozenset(one.node for one in ends),
            ways=frozenset((one.node, one.direction) for one in ends),
            relations=frozenset([triple] if sign else []),
            evidence_ids=step.evidence_ids,
        )


def _effects(answer: Answer) -> Iterator[Fact]:
    asked = set(answer.question.readouts)
    told = sorted(answer.effects, key=lambda one: (one.gene not in asked, -one.specific))
    for effect in told[:MOST_EFFECTS]:
        yield effect_fact(effect)


def effect_fact(effect: Effect) -> Fact:
    """Return what is predicted of a readout; numbered 0."""
    if effect.abstained:
        text = f"{effect.gene} mRNA is not predicted ({effect.reason})"
        return Fact(number=0, text=text, nodes=frozenset([effect.gene]))
    moved = effect.call in ("up", "down")
    parts = [] if effect.p_de is None else [f"P(changes) {effect.p_de:.2f}"]
    parts.append(f"P(up if it changes) {effect.p_up:.2f}")
    what = f"goes {effect.call}" if moved else f"is called {effect.call}"
    way = frozenset[Way]([(effect.gene, effect.call)] if effect.call in ("up", "down") else [])
    return Fact(
        number=0,
        text=f"{effect.gene} mRNA {what} ({', '.join(parts)})",
        nodes=frozenset([effect.gene]),
        ways=way,
        still=frozenset([] if moved else [effect.gene]),
        evidence_ids=effect.evidence_ids,
    )


def _texts(answer: Answer) -> Iterator[Fact]:
    """Iterate over what was read about the perturbed genes."""
    perturbed = set(answer.question.perturbation.genes)
    about = [
        one
        for one in answer.evidence
        if one.kind in ("text", "annotation") and perturbed.intersection(one.genes)
    ]
    for one in sorted(about, key=lambda one: one.kind != "text")[:MOST_TEXTS]:
        yield _text(one)


def _text(evidence: Evidence) -> Fact:
    return Fact(
        number=0,
        text=evidence.statement,
        nodes=frozenset(evidence.genes),
        evidence_ids=(evidence.id,),
    )


def _step_text(step: CascadeStep) -> str:
    return f"{step_words(step)} (evidence score {step.confidence:.2f})"


def step_fact(facts: Sequence[Fact], step: CascadeStep) -> Fact:
    """Return the fact of a step.

    Raises:
        KeyError: There is none.
    """
    return {fact.text: fact for fact in facts}[_step_text(step)]
