"""Plain sentences for steps, effects and answers."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from agent.belief import believable
from knowledge.drugs import written
from knowledge.schema import CascadeStep, Change, Effect, Hypothesis, Perturbation, Question
from tools.effects import OTHER_CELLS
from tools.phenotypes import ABOUT, Outlook

QUANTITY_WORDS = {"expression": "mRNA", "activity": "activity"}
WEAK = "The only path found, of a kind that is right little more often than by chance"
# Of each collection of phenotypes, in a sentence; the lists of the answer have more.
SAID_PHENOTYPES = 3
# A readout that changes under so large a share of a line's perturbations says little about one.
GENERAL = 0.25
# Genes named in a sentence about an open question.
LEADING = 5
_DONE = {"knockout": "Knocking out", "knockdown": "Knocking down", "activation": "Activating"}


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def perturbation_words(perturbation: Perturbation) -> str:
    """Return for example `Knocking out HSPA5 in K562`."""
    where = perturbation.cell_line
    if perturbation.borrowed_for:
        where = f"{perturbation.borrowed_for} (borrowed from {where})"
    if perturbation.background:
        where = f"{' and '.join(perturbation.background)}-null {where}"
    if perturbation.drugged:
        return f"{_capital(listed(list(map(written, perturbation.drugs))))} in {where}"
    if around := (*perturbation.stimuli, *map(written, perturbation.drugs)):
        where = f"{where} under {listed(around)}"
    if perturbation.manner == "stimulus":
        return _capital(f"{listed(perturbation.stimuli)} in {where.partition(' under')[0]}")
    return f"{_DONE[perturbation.kind]} {listed(perturbation.genes)} in {where}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def changed_words(change: Change) -> str:
    """Return what changed, without its direction: `DDIT3 mRNA`, `heat shock response`."""
    if change.kind != "gene":
        return change.node
    return f"{change.node} {QUANTITY_WORDS[change.quantity]}"


def change_words(change: Change) -> str:
    """Return for example `ATF4 activity up`, `DDIT3 mRNA down` or `heat shock response up`."""
    return f"{changed_words(change)} {change.direction}"


def step_words(step: CascadeStep) -> str:
    """Return a step as one line."""
    how = f" ({step.mechanism})" if step.mechanism else ""
    line = f"{change_words(step.source)} → {change_words(step.target)}{how}"
    return f"{line}: {step.note}" if step.note else line


class Step(Protocol):
    """Anything that leads from one change to another."""

    @property
    def source(self) -> Change:
        """The change that came before."""
        ...

    @property
    def target(self) -> Change:
        """The change that follows."""
        ...


def path_words(steps: Sequence[Step]) -> str:
    """Return a path as `HSPA5 ↓ → EIF2AK3 ↑ → ...`."""
    if not steps:
        return ""
    arrows = {"up": "↑", "down": "↓"}
    changes = [steps[0].source, *(step.target for step in steps)]
    return " → ".join(f"{change.node} {arrows[change.direction]}" for change in changes)


def headline(
    question: Question,
    effects: Sequence[Effect],
    hypotheses: Sequence[Hypothesis],
    unknown: Sequence[str],
) -> str:
    """Return the answer in a few sentences: the calls, then the best path, then what is missing."""
    opening = perturbation_words(question.perturbation)
    if question.readouts:
        calls = [effect_words(effect) for effect in effects if effect.gene in question.readouts]
        sentences = [f"{opening}: {'; '.join(calls)}."]
    else:
        sentences = [_leading(opening, effects)]
    sentences.append(_mechanism(effects, hypotheses))
    return " ".join(sentences)


def sentences(
    question: Question, effects: Sequence[Effect], hypotheses: Sequence[Hypothesis]
) -> tuple[list[str], list[str]]:
    """Return the sentences that an answer must have, and those that it may have.

    Whichever of them are told, in whichever order, each is true by itself.
    """
    opening = perturbation_words(question.perturbation)
    calls = [
        f"{opening}: {effect_words(effect)}."
        for effect in effects
        if effect.gene in question.readouts
    ]
    best = _mechanism(effects, hypotheses)
    more = [
        f"A verified path, support {one.confidence:.2f}, would move {one.readout} "
        f"{one.direction}: {path_words(one.steps)}."
        for one in hypotheses
        if path_words(one.steps) not in best
    ]
    return calls or [_leading(opening, effects)], [best, *more]


def outlook_words(found: Outlook) -> str:
    """Return what is known and what is predicted of a gene's loss, in a sentence each."""
    known, predicted = [], []
    for collection, where in ABOUT.items():
        count = found.known_counts.get(collection, 0)
        names = [one.name for one in found.known if one.collection == collection]
        if count:
            shown = ", ".join(names[:SAID_PHENOTYPES])
            known.append(f"{count:,} in {where}, such as {shown}" if count > 1 else shown)
        likely = [one for one in found.predicted if one.collection == collection]
        if likely:
            said = (f"{one.name} {one.probability:.2f}" for one in likely[:SAID_PHENOTYPES])
            predicted.append(f"in {where} {', '.join(said)}")
    parts = [f"Known of {found.subject}: {'; '.join(known)}."] if known else []
    if not known:
        parts.append(f"No phenotype of {found.subject} is known here.")
    if predicted:
        likeliest = "; ".join(predicted)
        parts.append(
            f"Predicted for its loss from its {found.basis}: {likeliest}{_carried(found)}."
        )
    else:
        parts.append("None is predicted.")
    return " ".join(parts)


def _carried(found: Outlook) -> str:
    """Return the functions that carry most of the predicted phenotypes that are told."""
    count = Counter(name for one in found.predicted for name in one.through)
    most = [name for name, _ in count.most_common(SAID_PHENOTYPES)]
    return f"; mostly through {listed(most)}" if most else ""


def _mechanism(effects: Sequence[Effect], hypotheses: Sequence[Hypothesis]) -> str:
    """Return the best-documented path that agrees with a prediction, or else say that none does."""
    if not hypotheses:
        return "No signed path explains it."
    calls = {effect.gene: effect.call for effect in effects}
    agreeing = [one for one in hypotheses if calls.get(one.readout) == one.direction]
    certain = {effect.gene: effect.p_de or 0.0 for effect in effects}
    best = max(
        agreeing or hypotheses,
        key=lambda one: (
            believable(one.steps),
            one.confidence,
            certain.get(one.readout, 0.0),
        ),
    )
    words = "Best-documented path" if agreeing else "The best-documented path would mean"
    if not believable(best.steps):
        words = f"{WEAK}, {'is' if agreeing else 'would mean'}"
    also = ""
    if best.branches and agreeing:
        through = [path[-1].source.node for path in best.branches]
        also = f" (also through {listed(through)})"
    return f"{words}: {path_words(best.steps)}{also}."


def reached_words(effects: Sequence[Effect], hypotheses: Sequence[Hypothesis], asked: int) -> str:
    """Return how many readouts a path reaches, and with how many predictions it agrees."""
    calls = {effect.gene: effect.call for effect in effects}
    agree = sum(calls.get(one.readout) == one.direction for one in hypotheses)
    against = sum(
        calls.get(one.readout) in ("up", "down") and calls[one.readout] != one.direction
        for one in hypotheses
    )
    words = f"{len(hypotheses)} of {asked} readouts reached by a path, {agree} agree"
    return f"{words}, {against} point the other way" if against else words


def effect_words(effect: Effect) -> str:
    """Return what is predicted of one readout, with its numbers as far as they are known."""
    if effect.call == "unknown" and effect.p_de is not None and not effect.abstained:
        likelier = f"up with {effect.p_up:.2f} if it changes"
        return f"{effect.gene}: P(changes) {effect.p_de:.2f}, which way is not known ({likelier})"
    if effect.call == "unknown":
        return f"{effect.gene}: not predicted ({effect.reason})"
    if effect.p_de is None and effect.call == "unchanged":
        cells = "these cells" if OTHER_CELLS in effect.reason else "this line"
        return f"{effect.gene}: no change expected, as the main path to it is cut off in {cells}"
    if effect.p_de is None and OTHER_CELLS in effect.reason:
        return f"{effect.gene}: {effect.call} by a path of the pathways alone, a hypothesis"
    if effect.p_de is None:
        return f"{effect.gene}: no screen read this gene; a path says {effect.call}"
    likelier, p = ("up", effect.p_up) if effect.p_up >= 0.5 else ("down", 1 - effect.p_up)
    if effect.call == "unchanged":
        if_so = f"; if it does, {likelier} with {p:.2f}"
        return f"{effect.gene}: no change expected (P(changes) {effect.p_de:.2f}{if_so})"
    conflict = f"; {effect.conflict}" if effect.conflict else ""
    if effect.subtle:
        return (
            f"{effect.gene}: {effect.call} if it changes ({p:.2f}), direction only, as a screen "
            f"would call a change with {effect.p_de:.2f}{conflict}"
        )
    numbers = f"P(changes) {effect.p_de:.2f}, P(up if it changes) {effect.p_up:.2f}"
    return f"{effect.gene} goes {effect.call} ({numbers}{conflict})"


def general(effect: Effect) -> bool:
    """Return whether the readout changes under many perturbations of the line anyway."""
    return effect.usual is not None and effect.usual >= GENERAL


def _by_paths(opening: str, effects: Sequence[Effect]) -> str:
    """Return which transcripts the pathways alone say go up and down."""
    said = []
    for call, verb in (("up", "raises"), ("down", "lowers")):
        genes = [effect.gene for effect in effects if effect.call == call][:LEADING]
        if genes:
            said.append(f"{verb} {listed(genes)}")
    if not said:
        return f"{opening}: the pathways lead to no transcript."
    return f"{opening}: the pathways alone say that it {' and '.join(said)}, a hypothesis."


def _leading(opening: str, effects: Sequence[Effect]) -> str:
    """Return what is specific to the perturbation, and how much of a general response there is."""
    paths = [effect for effect in effects if OTHER_CELLS in effect.reason]
    if paths:
        return _by_paths(opening, paths)
    clear = [effect for effect in effects if effect.p_de is not None and not effect.subtle]
    own = [effect for effect in clear if not general(effect)]
    up = [effect.gene for effect in own if effect.call == "up"][:LEADING]
    down = [effect.gene for effect in own if effect.call == "down"][:LEADING]
    parts = []
    if up:
        parts.append(f"raises {listed(up)}")
    if down:
        parts.append(f"lowers {listed(down)}")
    usual = [effect for effect in clear if general(effect) and effect.call in ("up", "down")]
    more = ""
    if usual:
        names = listed([effect.gene for effect in usual[:LEADING]])
        many = "readout" if len(usual) == 1 else "readouts"
        more = f" {len(usual)} {many} that many perturbations of this line move are expected to "
        more += f"move too, such as {names}."
    if not parts:
        return f"{opening} is not predicted to change any readout specifically.{more}"
    return f"{opening} most likely {' and '.join(parts)}.{more}"
