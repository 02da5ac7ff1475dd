"""Questions in words, and the genes and Gene Ontology terms whose texts answer them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from agent.question.reading import parse_question
from knowledge.base import Knowledge
from knowledge.errors import QuestionError
from knowledge.schema import Gene, Question
from knowledge.symbols import SymbolTable
from knowledge.texts.documents import Document

NAMES, KNOWN_ITEM = "GO definition to its name", "GO definition to its own text"
REFSEQ, UNIPROT = "UniProt's words to RefSeq's text", "RefSeq's words to UniProt's text"
SYMBOL, ALIAS, MISSPELT = "symbol in a sentence", "alias in a sentence", "misspelt symbol"
TEXTBOOK = "questions of the textbook"
SETS: Mapping[str, str] = {
    NAMES: "the definition without the name; the texts of the terms asked for are cut to the name",
    KNOWN_ITEM: "the same of other terms with their texts as they are, which hold the question: "
    "a search for a known item, no feat",
    REFSEQ: "a sentence of UniProt, the gene's names masked, among RefSeq's texts",
    UNIPROT: "a sentence of RefSeq, the gene's names masked, among UniProt's texts",
    SYMBOL: "the approved symbol in a fixed sentence",
    ALIAS: "an alias or previous symbol that is one gene's only",
    MISSPELT: "the symbol with one letter lost, added, changed or swapped, no gene's name",
    TEXTBOOK: "as people phrase them; the genes that the reader of questions finds in them",
}
FRAME = "What happens in K562 cells when {} is lost?"
MASK = "it"
FEWEST_WORDS, SHORTEST_ALIAS, SHORTEST_MISSPELT = 8, 3, 4
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
T = TypeVar("T")


class Asked(NamedTuple):
    """A question and what answers it.

    Attributes:
        of: The set it belongs to.
        unit: What was drawn: a gene, a term, or the question.
        text: The question.
        wanted: Keys of the documents that answer it; any document of a key does.
        source: The only source whose documents are searched, empty for all.
    """

    of: str
    unit: str
    text: str
    wanted: tuple[str, ...]
    source: str = ""


def key(document: Document) -> str:
    """Return what a document is found as: its gene, or itself."""
    return document.gene or document.id


def questions(
    documents: Sequence[Document],
    knowledge: Knowledge,
    textbook: Iterable[str],
    each: int,
    rng: np.random.Generator,
) -> list[Asked]:
    """Return all sets of questions about some documents.

    Args:
        documents: All that could be indexed.
        knowledge: Symbols, and what reads a question.
        textbook: Questions as people phrase them.
        each: How many genes, and how many terms of either set, are drawn.
        rng: Draws them.
    """
    keys = {key(document) for document in documents}
    terms = _drawn([one for one in documents if _defined(one)], 2 * each, rng)
    return [
        *_definitions(terms[::2], NAMES),
        *_definitions(terms[1::2], KNOWN_ITEM),
        *_about_genes(documents, knowledge.symbols, each, rng),
        *_textbook(textbook, knowledge, keys),
    ]


def indexed(documents: Iterable[Document], asked: Iterable[Asked]) -> Iterator[Document]:
    """Yield documents as they are indexed: terms asked for by name alone keep only their name."""
    bare = {one.unit for one in asked if one.of == NAMES}
    for document in documents:
        if document.id in bare:
            yield document.model_copy(update={"text": _split(document)[0]})
        else:
            yield document


def masked(text: str, names: Iterable[str]) -> str:
    """Return `text` with each of `names` as a word of its own replaced, in any case."""
    found = sorted({name for name in names if len(name) > 1}, key=len, reverse=True)
    if not found:
        return text
    pattern = "|".join(re.escape(name) for name in found)
    return re.sub(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", MASK, text, flags=re.I)


def misspelt(symbol: str, rng: np.random.Generator) -> str:
    """Return `symbol` with one letter lost, added, changed, or swapped with the next."""
    at, letter = int(rng.integers(1, len(symbol))), chr(65 + int(rng.integers(26)))
    before, after = symbol[:at], symbol[at:]
    spelt = (
        before + after[1:],
        before + letter + after,
        before + letter + after[1:],
        before[:-1] + after[0] + before[-1] + after[1:],
    )
    return spelt[int(rng.integers(len(spelt)))]


def _drawn(these: Sequence[T], number: int, rng: np.random.Generator) -> list[T]:
    return [these[i] for i in rng.permutation(len(these))[:number]]


def _split(document: Document) -> tuple[str, str]:
    name, _, definition = document.text.partition(": ")
    return name, definition


def _defined(document: Document) -> bool:
    name, definition = _split(document)
    return document.kind == "go" and _long(masked(definition, [name]))


def _long(text: str) -> bool:
    return len(text.split()) >= FEWEST_WORDS


def _definitions(terms: Iterable[Document], of: str) -> Iterator[Asked]:
    for term in terms:
        name, definition = _split(term)
        yield Asked(of, term.id, masked(definition, [name]), (term.id,))


def _about_genes(
    documents: Iterable[Document], symbols: SymbolTable, each: int, rng: np.random.Generator
) -> Iterator[Asked]:
    """Yield the questions about genes that both RefSeq and UniProt describe."""
    texts: dict[str, dict[str, str]] = {"RefSeq": {}, "UniProt": {}}
    for document in documents:
        gene = symbols.get(document.gene)
        if gene and document.source in texts:
            sentence = _sentence(document.text, gene)
            if _long(sentence):
                texts[document.source][gene.symbol] = sentence
    both = sorted(texts["RefSeq"].keys() & texts["UniProt"].keys())
    for symbol in _drawn(both, each, rng):
        yield Asked(REFSEQ, symbol, texts["UniProt"][symbol], (symbol,), "RefSeq")
        yield Asked(UNIPROT, symbol, texts["RefSeq"][symbol], (symbol,), "UniProt")
        yield Asked(SYMBOL, symbol, FRAME.format(symbol), (symbol,))
        if aliases := _aliases(symbols, symbol):
            alias = aliases[int(rng.integers(len(aliases)))]
            yield Asked(ALIAS, symbol, FRAME.format(alias), (symbol,))
        spelt = misspelt(symbol, rng)
        if len(symbol) >= SHORTEST_MISSPELT and not symbols.claimed(spelt):
            yield Asked(MISSPELT, symbol, FRAME.format(spelt), (symbol,))


def _names(gene: Gene) -> tuple[str, ...]:
    return (gene.symbol, gene.name, *gene.aliases, *gene.previous_symbols)


def _sentence(text: str, gene: Gene) -> str:
    """Return the first sentences of what a text says about a gene, its names masked."""
    said = text.removeprefix(f"{gene.symbol} ({gene.name}): ").removeprefix(f"{gene.symbol}: ")
    told = ""
    for sentence in _SENTENCE.split(masked(said, _names(gene))):
        told = f"{told} {sentence}".strip()
        if _long(told):
            break
    return told


def _aliases(symbols: SymbolTable, symbol: str) -> list[str]:
    gene = symbols.get(symbol)
    names = (*gene.aliases, *gene.previous_symbols) if gene else ()
    return [
        name
        for name in names
        if len(name) >= SHORTEST_ALIAS and name != symbol and symbols.approved(name) == symbol
    ]


def _textbook(texts: Iterable[str], knowledge: Knowledge, keys: Collection[str]) -> Iterator[Asked]:
    """Yield the questions that are read and name genes that documents are about."""
    for text in texts:
        try:
            read = parse_question(text, knowledge)
        except QuestionError:
            continue
        wanted = tuple(gene for gene in named_genes(read) if gene in keys)
        if wanted:
            yield Asked(TEXTBOOK, text, text, wanted)


def named_genes(question: Question) -> tuple[str, ...]:
    """Return the genes that a question names, without those that complexes and drugs stand for."""
    if question.intent == "planning":
        return ()
    named: dict[str, None] = {}
    for side in (question.perturbation, *question.against):
        if not (side.named or side.drugs or side.stimuli):
            named |= dict.fromkeys((*side.genes, *side.background))
    return tuple(named | dict.fromkeys(question.readouts))
