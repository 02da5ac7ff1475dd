"""Which cell line a question means; no other line stands in for one in silence."""

import re
from collections.abc import Sequence
from functools import cache

from agent.question import words as vocabulary
from agent.question.items import Vocabulary
from agent.question.listing import listed
from agent.question.pieces import Item
from knowledge.errors import QuestionError

# Correlation of expression from which on a screened line may stand in for another.
LEAST_LIKENESS = 0.84
_DATE = re.compile(
    r"\b(?:\d{1,2}-(?:Mar|Sep|Sept|Dec|Oct|Apr|Feb)|(?:Mar|Sep|Sept|Dec|Oct|Apr|Feb)-\d{1,2})\b",
    re.IGNORECASE,
)
_FAMILIES = {"mar": "MARCHF", "sep": "SEPTIN", "dec": "DELEC", "oct": "POU5F", "apr": "", "feb": ""}


def refuse_dates(text: str) -> None:
    """Refuse what a spreadsheet has made of a gene's name.

    Raises:
        QuestionError: There is such a word.
    """
    if match := _DATE.search(text):
        number = re.sub(r"\D", "", match[0]).lstrip("0")
        family = _FAMILIES[re.sub(r"[^a-z]", "", match[0].lower())[:3]]
        meant = f" (perhaps {family}{number})" if family else ""
        raise QuestionError(
            f"'{match[0]}' looks like a date that a spreadsheet made of a gene's name{meant}; "
            "write the gene's symbol."
        )


def cell_lines(
    found: Sequence[Item],
    text: str,
    knowledge: Vocabulary,
    given: str | None,
    *,
    several: bool = False,
) -> tuple[list[str], list[str]]:
    """Return the cell lines of a question, and what to tell about them.

    Args:
        found: The pieces of the question.
        text: The cleaned question.
        knowledge: The known cell lines.
        given: A line that overrides those in the text.
        several: Whether the question may compare lines.

    Raises:
        QuestionError: A line has no screen, or several are named where one is meant.
    """
    named = list(dict.fromkeys(item.symbol for item in found if item.kind == "line"))
    strange = [item.text for item in found if item.kind == "other_line"]
    organism = vocabulary.ASKS_PHENOTYPE.search(text) is not None
    strange += [
        match[0]
        for match in vocabulary.CELL_TYPES.finditer(text)
        if not (organism and vocabulary.ORGANISMS.fullmatch(match[0]))
    ]
    if given is not None:
        line = knowledge.cell_lines.ground(given).name
        notes = []
        if others := [word for word in named if word != line]:
            notes.append(f"{line} was given as the cell line, so {listed(others)} is ignored.")
        if strange:
            notes.append(
                f"No screen of {listed(strange)} is there: {line} was given as the cell line, and "
                f"the answer is borrowed from it{_apart(strange[0])}."
            )
        return [line], notes
    if strange and expression_context(found):
        note = (
            f"No screen of {strange[0]} counted changed genes: answered from an expression screen."
        )
        return [knowledge.cell_lines.default.name], [note]
    if len(strange) == 1 and not named and (line := borrowed(strange[0])):
        return [line], [_borrowed_words(strange[0])]
    if strange:
        raise unscreened(strange[0], knowledge)
    if len(named) > 1 and not several:
        raise QuestionError(
            f"The question names several cell lines ({listed(named)}); ask about one at a time."
        )
    if named:
        return named, []
    line = knowledge.cell_lines.default.name
    return [line], [f"No cell line was named: {line} assumed."]


def expression_context(found: Sequence[Item]) -> str:
    """Return the expression screen of the one line that is named, if it has one; or nothing."""
    lines = {item.text for item in found if item.kind in ("line", "other_line")}
    others = [_by_spelling(word) for word in lines]
    return others[0].context if len(others) == 1 and others[0] is not None else ""


def borrowed(word: str) -> str:
    """Return the screened line that may stand in for another, by expression; empty if none may."""
    other = _by_spelling(word)
    near = other is not None and other.likeness >= LEAST_LIKENESS
    return other.nearest if other is not None and near else ""


def lesions_of(found: Sequence[Item]) -> tuple[str, ...]:
    """Return what the lines without a screen that are named have lost."""
    lines = (_by_spelling(item.text) for item in found if item.kind == "other_line")
    return tuple(dict.fromkeys(gene for line in lines if line is not None for gene in line.lost))


def _borrowed_words(word: str) -> str:
    other = _by_spelling(word)
    assert other is not None
    return (
        f"No screen of {word} is there: answered from {other.nearest}, the nearest line by "
        f"expression (r = {other.likeness:.2f}), as borrowed{_apart(word)}; the numbers are those "
        f"of {other.nearest}."
    )


def unscreened(word: str, knowledge: Vocabulary) -> QuestionError:
    """Return why a line cannot be answered for, and which one is nearest."""
    screened = ", ".join(line.name for line in knowledge.cell_lines)
    other = vocabulary.OTHER_LINES.get(word) or _by_spelling(word)
    if other is not None and other.context:
        return QuestionError(
            f"'{word}' is no cell line that was screened here ({screened}); its expression after "
            f"knockouts is in `knockwise express --context {other.context}`."
        )
    if other is not None and other.nearest:
        return QuestionError(
            f"'{word}' is no cell line that was screened here ({screened}); `--cell-line "
            f"{other.nearest}` answers for the nearest one, as borrowed{_apart(word)}."
        )
    return QuestionError(
        f"'{word}' is no cell line that was screened here, and none is near enough to stand in; "
        f"ask about one of {screened}, or give one with `--cell-line`."
    )


def _apart(word: str) -> str:
    """Return what sets a line apart from its neighbour."""
    other = _by_spelling(word)
    if other is None or not (other.lost or other.gained):
        return ""
    said = []
    if other.lost:
        said.append(f"has no working {listed(other.lost)}")
    if other.gained:
        said.append(f"has overactive {listed(other.gained)}")
    return f"; mind that {word} {' and '.join(said)}"


def _by_spelling(word: str) -> vocabulary.OtherLine | None:
    return _spelt().get(_squashed(word))


@cache
def _spelt() -> dict[str, vocabulary.OtherLine]:
    return {_squashed(name): line for name, line in vocabulary.OTHER_LINES.items()}


def _squashed(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()
