"""Says how a question was read: in the words that ask for the same, and in a line for a table."""

from agent.question.listing import listed
from knowledge.schema import Perturbation, Question

_VERBS = {"knockout": "knock out", "knockdown": "knock down", "activation": "activate"}
_DIRECTION = {"up": "raise", "down": "lower", None: "change"}


def as_words(question: Question) -> str:
    """Return a question that is read in the same way, in plain words."""
    tell = _BY_INTENT.get(question.intent, _forward)
    return tell(question)


def short(question: Question) -> str:
    """Return a question in a line: `why A+B knockout K562: C D`."""
    intent = "" if question.intent == "forward" else f"{question.intent} "
    if question.intent == "reverse":
        return intent + _short_reverse(question)
    if question.intent == "planning":
        return "planning"
    sides = " | ".join(_side(one) for one in (question.perturbation, *question.against))
    after = f": {' '.join(question.readouts)}" if question.readouts else ""
    return f"{intent}{sides}{after}"


def _side(one: Perturbation) -> str:
    genes = "+".join(one.done)
    lost = f" without {'+'.join(one.background)}" if one.background else ""
    around = (*one.stimuli, *(() if one.drugged else one.drugs))
    under = f" under {' and '.join(around)}" if around else ""
    line = f"{one.cell_line} as {one.borrowed_for}" if one.borrowed_for else one.cell_line
    if one.drugged:
        return f"{'+'.join(one.drugs)} {line}{lost}{under}"
    return f"{genes} {one.kind} {line}{lost}{under}"


def _short_reverse(question: Question) -> str:
    one = question.perturbation
    lost = f" without {'+'.join(one.background)}" if one.background else ""
    if question.seeks in ("phenocopies", "rescuers"):
        other = question.against[0]
        word = "like" if question.seeks == "phenocopies" else "rescuing"
        about = f"{word} {_named(other)},"
        return f"{_sought(one)}{about} in {one.cell_line}{lost}"
    word = {"up": "raising", "down": "lowering", None: "moving"}[question.direction]
    kind = f" {one.kind}" if question.asks == "direction" else ""
    return f"{_sought(one)}{word} {' '.join(question.readouts)}{kind}, in {one.cell_line}{lost}"


def _sought(one: Perturbation) -> str:
    """Return that drugs are sought, where they are."""
    return "drugs " if one.manner == "drug" and not one.drugs else ""


def _named(one: Perturbation) -> str:
    """Return for example `HSPA5 knockdown`, or the drug that is given."""
    return listed(one.drugs) if one.drugged else f"{'+'.join(one.genes)} {one.kind}"


def rows(question: Question) -> list[tuple[str, str]]:
    """Return how a question was read, as names and values for a table."""
    one = question.perturbation
    told = [("kind of question", question.intent), ("read as", as_words(question))]
    if one.drugged:
        told.append(("drug", listed(one.drugs)))
        told.append(("followed from", listed(starts(one))))
    elif one.genes:
        named = f" ({listed(one.named)})" if one.named else ""
        told.append(("perturbed", f"{'+'.join(one.done)}{named}"))
        told.append(("perturbation", f"{one.kind}{f', {one.manner}' if one.manner else ''}"))
    told.append(("cell line", one.cell_line))
    if one.borrowed_for:
        told.append(("borrowed for", one.borrowed_for))
    if one.background:
        told.append(("background", f"lacks {listed(one.background)}"))
    if one.stimuli:
        told.append(("stimulus", listed(one.stimuli)))
    if one.drugs and not one.drugged:
        told.append(("under", listed(one.drugs)))
    for other in question.against:
        told.append(("against", _side(other)))
    if question.readouts:
        told.append(("readouts", ", ".join(question.readouts)))
    for group in question.readout_sets:
        told.append(("set", f"{group.name}: {', '.join(group.members)}"))
    if question.phenotypes:
        told.append(("phenotypes", ", ".join(question.phenotypes)))
    told.append(("asks", question.asks.replace("_", " ")))
    if question.direction:
        told.append(("only", f"what goes {question.direction}"))
    if question.top:
        told.append(("at most", f"{question.top} genes"))
    told += [("assumed", note) for note in question.assumptions]
    return told


def starts(one: Perturbation) -> list[str]:
    """Return what a drug's cascade begins with: `MDM2 lost`, `NR3C1 activated`."""
    up = set(one.genes) if one.kind == "activation" else set(one.raised)
    return [f"{gene} {'activated' if gene in up else 'lost'}" for gene in one.genes]


def doing(one: Perturbation) -> str:
    """Return for example `knock out HSPA5 in TP53-null RPE1`."""
    line = one.borrowed_for or one.cell_line
    if one.background:
        line = f"{' and '.join(one.background)}-null {line}"
    if one.drugged:
        return f"give {listed(one.drugs)} to {line}"
    around = (*one.stimuli, *one.drugs)
    under = f" under {listed(around)}" if around else ""
    if one.manner == "stimulus":
        return f"{line}{under}"
    if not one.genes:
        return f"look in {line}"
    return f"{_VERBS[one.kind]} {listed(one.done)} in {line}{under}"


def _forward(question: Question) -> str:
    said = doing(question.perturbation)
    if not question.readouts:
        if question.asks == "how_many":
            return f"{_capital(said)}: how many genes change?"
        which = f"which {question.top} genes" if question.top else "which genes"
        way = f"go {question.direction}" if question.direction else "change"
        return f"{_capital(said)}: {which} {way}?"
    return f"{_capital(said)}: what happens to {listed(question.readouts)}?"


def _why(question: Question) -> str:
    if not question.readouts:
        return _forward(question)
    return f"{_capital(doing(question.perturbation))}: why does {listed(question.readouts)} change?"


def _reverse(question: Question) -> str:
    one = question.perturbation
    where = (
        f"{'-null, '.join(one.background)}-null {one.cell_line}"
        if one.background
        else one.cell_line
    )
    if question.seeks == "phenocopies":
        other = question.against[0]
        sought = "drugs" if _sought(one) else "perturbations"
        return f"Which {sought} look like {_named(other)} in {where}?"
    if question.seeks == "rescuers":
        other = question.against[0]
        sought = "Which drugs" if _sought(one) else "What"
        return f"{sought} would rescue {_named(other)} in {where}?"
    verb = _DIRECTION[question.direction]
    what = f"Which {one.kind}s" if question.asks == "direction" else "What"
    what = "Which drugs" if _sought(one) else what
    return f"{what} would {verb} {listed(question.readouts)} in {where}?"


def _compare(question: Question) -> str:
    sides = (question.perturbation, *question.against)
    said = " versus ".join(
        f"{listed(one.drugs)} in {one.cell_line}"
        if one.drugged
        else f"{listed(one.done)} {one.kind} in {one.cell_line}"
        + (f" without {listed(one.background)}" if one.background else "")
        for one in sides
    )
    about = f": {listed(question.readouts)}" if question.readouts else ""
    return f"Compare {said}{about}"


def _epistasis(question: Question) -> str:
    one = question.perturbation
    about = f" for {listed(question.readouts)}" if question.readouts else ""
    return f"Do {listed(one.genes)} {one.kind} interact{about} in {one.cell_line}?"


def _essentiality(question: Question) -> str:
    one = question.perturbation
    if not one.genes:
        return f"Which genes are essential in {one.cell_line}?"
    return f"Is {listed(one.genes)} essential in {one.cell_line}?"


def _planning(question: Question) -> str:
    return question.text


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _morphology(question: Question) -> str:
    one = question.perturbation
    return f"What do {one.cell_line} cells look like without {listed(one.genes)}?"


_BY_INTENT = {
    "forward": _forward,
    "why": _why,
    "reverse": _reverse,
    "compare": _compare,
    "epistasis": _epistasis,
    "essentiality": _essentiality,
    "morphology": _morphology,
    "planning": _planning,
}
