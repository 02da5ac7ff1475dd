"""Accounts for every word of a question: what is not understood stops the run."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from agent.question import words as vocabulary
from agent.question.crossed import crossed
from agent.question.items import Vocabulary, unknown_gene
from agent.question.pieces import Item
from knowledge.errors import QuestionError
from knowledge.schema import Question

_NUMBER = re.compile(r"[\d.,:%-]+|\d+(?:st|nd|rd|th|h|hr|hrs|d|x|fold|k)?", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_LOOKS_LIKE_A_GENE = re.compile(r"[A-Z][A-Z0-9]{2,}[A-Z0-9-]*|[A-Za-z]{2,}\d+[A-Za-z0-9]*")
_MOVES = re.compile(
    r"(?:change|affect|alter|influence|impair|reduce|increase|induce|block|trigger|boost|inhibit|"
    r"activate|disrupt|lower|raise)s?"
)
_TIMES = re.compile(
    r"\b(?:\d+(?:\.\d+)?\s?-?(?:h|hr|hrs|hours?|min|minutes?|days?|d|weeks?)|day[ -]?\d+)\b", re.I
)


def account(found: Sequence[Item], question: Question, knowledge: Vocabulary) -> list[str]:
    """Return what to tell about words that change nothing in the answer.

    Raises:
        QuestionError: A word was not understood; says which, and how the question reads without.
    """
    named = _describing(question, knowledge)
    strange = [
        item.text
        for item in found
        if item.kind == "word" and not item.described and not _known(item.text, named)
    ]
    if strange:
        raise not_understood(strange[0], question, knowledge)
    if (missed := _missed(found, question)) is not None:
        raise QuestionError(
            f"What '{missed.text}' asks was not understood; without it the question reads "
            f"'{_as_words(question)}': ask that, or say it in other words."
        )
    if (process := _process(found, question, named)) is not None:
        raise QuestionError(
            f"'{process.text}' is no set of transcripts that is known by name; name genes of it, "
            f"or ask '{_as_words(question)}'"
        )
    idle = _idle(found, question)
    if idle is not None:
        raise QuestionError(
            f"What '{idle.text}' has to do with it was not understood; without it the question "
            f"reads '{_as_words(question)}': ask that, or say it in other words."
        )
    if (unclear := crossed(found, question)) is not None:
        raise QuestionError(
            f"Whether {unclear.text} is perturbed or read out was not understood; it would read "
            f"'{_as_words(question)}': ask that, or say it in other words."
        )
    notes = []
    if match := _TIMES.search(" ".join(item.text for item in found)):
        notes.append(f"The time ({match[0]}) is not modelled.")
    return notes


def _missed(found: Sequence[Item], question: Question) -> Item | None:
    """Return a word that another kind of question turns on than the one that was read."""
    kinds = {question.intent}
    if question.asks in ("why", "phenotype") or question.phenotypes:
        kinds |= {"why", "essentiality"}
    if question.intent == "why":
        kinds |= {"reverse"}
    if question.intent in ("compare", "epistasis"):
        kinds |= {"compare", "epistasis", "reverse"}
    if question.intent == "reverse":
        kinds |= {"compare", "epistasis", "why"}
    for item in found:
        bearing = vocabulary.BEARING.get(item.lower) if item.kind == "word" else None
        if bearing and not item.described and not bearing & kinds:
            return item
    return None


def _process(found: Sequence[Item], question: Question, named: frozenset[str]) -> Item | None:
    """Return a process that a question asks about, where it reads out nothing else."""
    if question.intent not in ("forward", "why") or question.readouts or question.phenotypes:
        return None
    for i, item in enumerate(found):
        describes = any(one.kind == "gene" for one in found[i + 1 : i + 3])
        if item.kind == "word" and item.lower in vocabulary.PROCESSES and not item.described:
            moved = i > 0 and _MOVES.fullmatch(found[i - 1].lower)
            if not describes and (moved or item.lower not in named):
                return item
    return None


def _idle(found: Sequence[Item], question: Question) -> Item | None:
    """Return a gene or set of the question that its reading leaves out."""
    ways = (question.perturbation, *question.against)
    used = {gene for one in ways for gene in (*one.genes, *one.background)}
    used |= {*question.readouts, *(gene for one in question.readout_sets for gene in one.members)}
    # A lesion that the line has anyway is told where the line is.
    told = " ".join(note for note in question.assumptions if note.startswith("The loss of"))
    used |= set(re.findall(r"[\w-]+", told))
    for item in found:
        plays = item.kind != "gene" or item.described or bool(item.candidates)
        if not plays and not used.intersection(item.members or (item.symbol,)):
            return item
    return None


def _as_words(question: Question) -> str:
    from agent.question.telling import as_words

    return as_words(question)


def not_understood(word: str, question: Question, knowledge: Vocabulary) -> QuestionError:
    """Return the error for a word that nothing accounts for."""
    from agent.question.telling import as_words

    if _LOOKS_LIKE_A_GENE.fullmatch(word):
        error = unknown_gene(word, knowledge.symbols)
        return type(error)(f"{error} Without it the question reads '{as_words(question)}'")
    near = get_close_matches(word.lower(), sorted(vocabulary.KNOWN), n=1, cutoff=0.75)
    mean = f" (did you mean '{near[0]}'?)" if near else ""
    return QuestionError(
        f"'{word}' was not understood{mean}; without it the question reads "
        f"'{as_words(question)}': ask that, or say it in other words."
    )


def _known(word: str, named: frozenset[str]) -> bool:
    lower = word.lower()
    if (
        lower in vocabulary.KNOWN
        or _NUMBER.fullmatch(word)
        or vocabulary.NOT_A_GENE.fullmatch(word)
    ):
        return True
    if len(lower) == 1:
        return word.islower() or word in "AI" or word.isdigit()
    if lower in named or (word.islower() and vocabulary.inflected(lower)):
        return True
    if word.isupper() and any(name.startswith(lower) for name in named):
        return True
    parts = re.split(r"[-.:@']", lower)
    return len(parts) > 1 and all(
        part in vocabulary.KNOWN or part in named or len(part) < 2 or part.isdigit()
        for part in parts
    )


def _describing(question: Question, knowledge: Vocabulary) -> frozenset[str]:
    """Return the words in the names of the question's genes and sets."""
    perturbations = (question.perturbation, *question.against)
    genes = [g for one in perturbations for g in (*one.genes, *one.background)]
    names = [*question.readouts, *genes, *(one.name for one in question.readout_sets)]
    names += [name for one in perturbations for name in one.named]
    told = [*names, *_full_names([*question.readouts, *genes], knowledge)]
    return frozenset(word.lower() for name in told for word in _LETTERS.findall(name))


def _full_names(symbols: Iterable[str], knowledge: Vocabulary) -> list[str]:
    out = []
    for symbol in symbols:
        gene = knowledge.symbols.get(symbol)
        if gene is not None:
            out += [gene.name, *gene.aliases, *gene.previous_symbols]
    return out
