"""The story as our own templates tell it, in five sections; each sentence names its facts."""

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from agent.narrative.facts import Fact, effect_fact, facts_of, step_fact, told_steps
from agent.wording import changed_words, listed, perturbation_words
from knowledge.cascade import start
from knowledge.schema import Answer, CascadeStep, Frozen, Hypothesis, Perturbation

Section = Literal[
    "What breaks",
    "What senses and relays it",
    "What answers",
    "What would disprove it",
    "What to test next",
]
SECTIONS: tuple[Section, ...] = get_args(Section)
HYPOTHETICAL: frozenset[Section] = frozenset(SECTIONS[3:])
RELAYED, ANSWERED, TESTED = 8, 6, 3
_GOES = {"up": "rises", "down": "falls"}


class Told(Frozen):
    """One sentence of the story.

    Attributes:
        section: Where it stands.
        text: The sentence.
        facts: Numbers of the facts that it follows from.
        evidence_ids: What those rest on in the answer.
        author: Who wrote it: "Knockwise" or the name of a language model.
    """

    section: Section
    text: str
    facts: tuple[int, ...]
    evidence_ids: tuple[str, ...] = ()
    author: str = "Knockwise"


def told(answer: Answer) -> tuple[Told, ...]:
    """Return the story of an answer; nothing where it predicts nothing to tell of."""
    facts = facts_of(answer)
    if not answer.effects or not answer.question.perturbation.genes:
        return ()
    return tuple(
        [
            *_breaks(answer, facts),
            *_relays(answer, facts),
            *_answers(answer, facts),
            *_disproved(answer, facts),
            *_tests(answer, facts),
        ]
    )


def sentence(section: Section, text: str, facts: Sequence[Fact], author: str = "") -> Told:
    """Return a sentence that cites `facts`."""
    ids = dict.fromkeys(one for fact in facts for one in fact.evidence_ids)
    numbers = tuple(fact.number for fact in facts)
    return Told(section=section, text=text, facts=numbers, evidence_ids=tuple(ids),
                author=author or "Knockwise")  # fmt: skip


def _breaks(answer: Answer, facts: Sequence[Fact]) -> Iterator[Told]:
    done = facts[0]
    genes = answer.question.perturbation.genes
    loss = answer.question.perturbation.kind != "activation"
    what = "takes away" if loss else "raises"
    does = f"{what} {listed(genes)}"
    if answer.question.perturbation.drugged:
        does = _given(answer.question.perturbation)
    yield sentence(
        "What breaks", f"{perturbation_words(answer.question.perturbation)} {does}.", [done]
    )
    for fact in facts[1:]:
        if not fact.ways and not fact.still and fact.nodes.intersection(genes):
            yield sentence("What breaks", _ended(fact.text), [fact])
            break
    for step in _broken(answer):
        yield _step("What breaks", step, facts)


def _relays(answer: Answer, facts: Sequence[Fact]) -> Iterator[Told]:
    readouts = {one.readout for one in answer.hypotheses}
    readouts |= {one.readout for one in answer.programmes}
    broken = set(_broken(answer))
    inner = [
        step for step in told_steps(answer)
        if step.target.node not in readouts and step not in broken
    ]  # fmt: skip
    for step in inner[:RELAYED]:
        yield _step("What senses and relays it", step, facts)
    if not inner and not answer.hypotheses:
        yield sentence(
            "What senses and relays it",
            "No documented path leads from here to a readout, so what relays it is open.",
            facts[:1],
        )


def _answers(answer: Answer, facts: Sequence[Fact]) -> Iterator[Told]:
    known = {fact.text: fact for fact in facts}
    last = {one.readout: one.steps[-1] for one in answer.hypotheses if one.steps}
    clear = [one for one in answer.effects if one.call in ("up", "down")]
    for effect in (clear or answer.effects)[:ANSWERED]:
        fact = known.get(effect_fact(effect).text)
        if fact is None:
            continue
        cited, by = [fact], ""
        step = last.get(effect.gene)
        if step is not None and step.target.direction == effect.call:
            cited.append(step_fact(facts, step))
            by = f", as {step.source.node} {_GOES[step.source.direction]}"
        inside = fact.text.partition("(")[2].rstrip(")")
        if effect.abstained:
            text = f"{effect.gene} is not predicted ({inside})."
        elif effect.call in ("up", "down"):
            text = f"{effect.gene} {_GOES[effect.call]}{by} ({inside})."
        else:
            text = f"{effect.gene} is called {effect.call} ({inside})."
        yield sentence("What answers", text, cited)


def _disproved(answer: Answer, facts: Sequence[Fact]) -> Iterator[Told]:
    weak: dict[CascadeStep, list[Hypothesis]] = {}
    for one in _best(answer):
        weak.setdefault(min(one.steps, key=lambda step: step.confidence), []).append(one)
    for step, paths in weak.items():
        start, end = step.source, step.target
        yield sentence(
            "What would disprove it",
            f"The weakest link to {_readouts(paths)} is from {changed_words(start)} to "
            f"{changed_words(end)} (evidence score {step.confidence:.2f}): if "
            f"{changed_words(end)} stayed as it was, this path would not be the reason.",
            _with_readouts(facts, step, paths),
        )


def _given(one: Perturbation) -> str:
    """Return what a drug does to the proteins that its cascade begins with."""
    rises = [change.node for change in start(one) if change.direction == "up"]
    falls = [change.node for change in start(one) if change.direction == "down"]
    said = [f"blocks {listed(falls)}"] if falls else []
    return listed([*said, f"activates {listed(rises)}"] if rises else said)


def _tests(answer: Answer, facts: Sequence[Fact]) -> Iterator[Told]:
    one_done = answer.question.perturbation
    perturbed = one_done.genes
    line = answer.question.perturbation.cell_line
    through: dict[CascadeStep | None, list[Hypothesis]] = {}
    for one in _best(answer):
        middle = [step for step in one.steps[:-1]
                  if step.target.kind == "gene" and step.target.node not in perturbed]  # fmt: skip
        through.setdefault(middle[-1] if middle else None, []).append(one)
    loss = answer.question.perturbation.kind != "activation"
    for step, paths in through.items():
        names = _readouts(paths)
        if step is not None:
            also = "knock out" if step.target.direction == "up" else "raise"
            ways = {one.direction for one in paths}
            goes = f"no longer {'goes' if len(paths) == 1 else 'go'} {ways.pop()}"
            beside = f"together with {listed(perturbed)}"
            if one_done.drugged:
                beside = f"under {listed(one_done.drugs)}"
            text = (
                f"In {line}, {also} {step.target.node} {beside}: if this "
                f"path carries the effect, {names} "
                f"{'stays as it was' if ways else goes}."
            )
        elif one_done.drugged:
            text = (
                f"Measure {names} in {line} after {listed(one_done.drugs)} and after another drug "
                f"or a knockdown of {listed(perturbed)}: a change that only one of them makes does "
                "not come from this target."
            )
        elif loss:
            text = (
                f"Measure {names} in {line} after the loss of {listed(perturbed)} and after its "
                "rescue: a change that a rescue does not undo is no effect of it."
            )
        else:
            text = (
                f"Measure {names} in {line} with {listed(perturbed)} activated by two guides: a "
                "change under one of them alone is no effect of it."
            )
        first = step or paths[0].steps[-1]
        yield sentence("What to test next", text,
                       [*_with_readouts(facts, first, paths), facts[0]])  # fmt: skip


def _readouts(paths: Sequence[Hypothesis]) -> str:
    return listed([one.readout for one in paths])


def _best(answer: Answer) -> list[Hypothesis]:
    whole = [one for one in answer.hypotheses if one.steps]
    return sorted(whole, key=lambda one: -one.confidence)[:TESTED]


def _with_readouts(
    facts: Sequence[Fact], step: CascadeStep, paths: Sequence[Hypothesis]
) -> list[Fact]:
    steps = dict.fromkeys([step, *(one.steps[-1] for one in paths)])
    return [step_fact(facts, one) for one in steps]


def _broken(answer: Answer) -> list[CascadeStep]:
    """Return the steps from the perturbed genes to the complexes and processes they are part of."""
    perturbed = set(answer.question.perturbation.genes)
    return [
        step for step in told_steps(answer)
        if step.source.node in perturbed and step.target.kind not in ("gene", "programme")
    ]  # fmt: skip


def _step(section: Section, step: CascadeStep, facts: Sequence[Fact]) -> Told:
    after = f"as {changed_words(step.source)} {_GOES[step.source.direction]}"
    if step.target.kind == "programme":
        text = f'The programme "{step.target.node}" {_GOES[step.target.direction]}, {after}.'
    else:
        how = f" by {step.mechanism}" if step.mechanism else ""
        text = f"{changed_words(step.target)} {_GOES[step.target.direction]}{how}, {after}."
    return sentence(section, text, [step_fact(facts, step)])


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
