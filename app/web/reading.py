"""How a question is read, as parts that a person can change before anything is answered."""

import re
from collections.abc import Sequence
from typing import get_args

from agent.question.answerable import trouble
from agent.question.follow_up import NO_DRUG
from agent.question.reading import parse_question, understood
from agent.question.telling import as_words, rows
from agent.session import Session
from app.jobs.pairs import ground_genes
from knowledge.drugs import given
from knowledge.errors import QuestionError
from knowledge.schema import Frozen, PerturbationKind, Question

LONGEST_FIELD = 300
KINDS = get_args(PerturbationKind)
ASKS = {"what_happens": "what happens", "why": "what happens and why"}
# What the parts below show already.
_SHOWN = {"read as", "perturbed", "perturbation", "cell line", "readouts", "assumed", "asks"}


class Parts(Frozen):
    """The parts of a question that is about one perturbation.

    Attributes:
        genes: What is perturbed, joined by `+`.
        kind: How.
        cell_line: Where.
        readouts: What is read, joined by commas; "" for every transcript.
    """

    genes: str
    kind: str
    cell_line: str
    readouts: str = ""


class Reading(Frozen):
    """What became of a question.

    Attributes:
        text: The words that were read, and that will be asked.
        said: The same question in plain words.
        parts: What can be changed about it; None where the words themselves have to be.
        rows: What else was read, as names and values.
        assumed: What had to be assumed.
        trouble: Why it has no answer; "" if it has one.
        understood: What was recognised of a question that cannot be read.
    """

    text: str
    said: str = ""
    parts: Parts | None = None
    rows: tuple[tuple[str, str], ...] = ()
    assumed: tuple[str, ...] = ()
    trouble: str = ""
    understood: tuple[tuple[str, str], ...] = ()

    @property
    def answered(self) -> bool:
        """Whether it can be asked."""
        return bool(self.said) and not self.trouble


def read(session: Session, text: str, parts: Parts | None = None) -> Reading:
    """Return how `text` is read, with `parts` in place of what it says where they differ."""
    text = " ".join(text.split())
    knowledge = session.knowledge
    try:
        question = parse_question(text, knowledge)
        said = _parts(question)
        if parts is not None and said is not None and parts != said:
            text = as_words(_changed(session, question, parts, said))
            question = parse_question(text, knowledge)
    except QuestionError as error:
        found = understood(text, knowledge) if text else {}
        return Reading(
            text=text,
            trouble=str(error),
            understood=tuple((name, ", ".join(words)) for name, words in found.items()),
        )
    parts, shown = _parts(question), _SHOWN
    if parts is not None:
        shown = shown | {"kind of question"}
    return Reading(
        text=text,
        said=as_words(question),
        parts=parts,
        rows=tuple((name, value) for name, value in rows(question) if name not in shown),
        assumed=question.assumptions,
        trouble=trouble(question),
    )


def _parts(question: Question) -> Parts | None:
    one = question.perturbation
    if question.intent not in ("forward", "why") or question.context or question.against:
        return None
    return Parts(
        genes=" + ".join(one.drugs if one.drugged else one.done),
        kind=one.kind,
        cell_line=one.cell_line,
        readouts=", ".join(question.readouts),
    )


def _changed(session: Session, question: Question, parts: Parts, said: Parts) -> Question:
    """Return `question` with the parts that were changed.

    Raises:
        QuestionError: One of them means nothing.
    """
    knowledge, one = session.knowledge, question.perturbation
    changes: dict[str, object] = {}
    if parts.kind != said.kind:
        if parts.kind not in KINDS:
            raise QuestionError(f"There is no perturbation of the kind {parts.kind!r}.")
        changes |= {"kind": parts.kind, "manner": "", **NO_DRUG}
    if parts.cell_line != said.cell_line:
        changes["cell_line"] = knowledge.cell_lines.ground(parts.cell_line).name
    words = [word for word in re.split(r"[,;+]\s*|\s+\+\s+", parts.genes) if word.strip()]
    if parts.genes != said.genes and words and all(word in knowledge.drugs for word in words):
        line = str(changes.get("cell_line", one.cell_line))
        names = tuple(knowledge.drugs.find(word).name for word in words)
        changes |= given(names, knowledge.drugs, line).model_dump(
            include={"genes", "kind", "manner", "drugs", "raised"}
        )
    elif parts.genes != said.genes:
        genes = _genes(session, parts.genes)
        if not genes:
            raise QuestionError("Name a gene that is perturbed.")
        changes |= {"genes": (*genes, *one.background), "named": (), **NO_DRUG}
    asked: dict[str, object] = {"perturbation": one.model_copy(update=changes)}
    if parts.readouts != said.readouts:
        asked |= {"readouts": _genes(session, parts.readouts), "readout_sets": ()}
        if not asked["readouts"]:
            asked |= {"asks": "which_genes", "intent": "forward"}
    return question.model_copy(update=asked)


def _genes(session: Session, words: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[,;+\s]+", words[:LONGEST_FIELD]) if part]
    found: Sequence[str] = [
        gene for word in parts for gene in ground_genes(session.knowledge.symbols, word)
    ]
    return tuple(dict.fromkeys(found))
