"""Names a list of genes without a language model: picks, cleans and joins enriched terms.

A term speaks as strongly as its P-value: louder if its words recur in the names of other enriched
terms, louder if it is a complex, softer if it is the regulation of something else. What the first
name leaves unexplained may add further names.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals.genesets.enrichment import Hit, enriched
from evals.genesets.library import Library

SIGNIFICANT = 0.05
CONSIDERED = 40
"""Enriched terms whose words are counted."""
NEXT_GENES, NEXT_SHARE = 2, 0.2
"""A further name must explain so many genes, and such a share of the list, that no name has."""
SHORTEST_PLURAL = 3
LONGEST_SYMBOL = 8
"""A longer word in capitals is no symbol but KEGG's way of writing."""
FILLERS = frozenset({
    "a", "an", "and", "at", "by", "for", "from", "in", "into", "its", "of", "on", "or", "other",
    "the", "to", "via", "with", "process", "processes", "pathway", "pathways", "regulation",
    "positive", "negative", "cellular", "protein", "proteins", "complex", "complexes", "variant",
    "signaling", "metabolic", "response", "i", "ii", "iii", "iv",
})  # fmt: skip
_REGULATION = re.compile(r"\bregulat(ion|es|ed)\b", re.I)
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_TAIL = re.compile(r"(,| -) .*\b(variant|subunit|via|pathway)\b.*$|\bvariant \d+$|\bpathway$", re.I)


@dataclass(frozen=True, slots=True)
class Rules:
    """What of the rules is a matter of taste; an evaluation chooses it on other clusters.

    Attributes:
        most_names: How many terms may be joined.
        complexes: Factor for a complex.
        regulation: Factor for the regulation of something.
    """

    most_names: int = 2
    complexes: float = 1.15
    regulation: float = 0.7


DEFAULT = Rules()


@dataclass(frozen=True, slots=True)
class Naming:
    """A name for a list of genes and what stands behind it.

    Attributes:
        name: The name.
        terms: The enriched sets it was made from, the strongest first.
        confident: Whether these are significant; otherwise the name is a guess.
        unnamed: Genes of the list that no term accounts for.
    """

    name: str
    terms: tuple[Hit, ...]
    confident: bool
    unnamed: tuple[str, ...]


def name_genes(genes: Iterable[str], library: Library, rules: Rules = DEFAULT) -> Naming:
    """Return a name for `genes`.

    Args:
        genes: Symbols, old ones too.
        library: The named sets to choose from.
        rules: How to choose.
    """
    asked = library.approved(genes)
    return name_hits(asked, enriched(asked, library), rules)


def name_hits(genes: Sequence[str], hits: Sequence[Hit], rules: Rules = DEFAULT) -> Naming:
    """Return the name that `hits`, sorted by P, give to `genes`."""
    sure = [hit for hit in hits if hit.adjusted < SIGNIFICANT and len(hit.shared) > 1]
    chosen = [best(sure or hits[:1], rules)] if hits else []
    left = set(genes).difference(*(hit.shared for hit in chosen))
    while sure and len(chosen) < rules.most_names:
        least = max(NEXT_GENES, math.ceil(NEXT_SHARE * len(genes)))
        said = set(words(" ".join(hit.term.name for hit in chosen)))
        fresh = [
            hit
            for hit in sure
            if len(left.intersection(hit.shared)) >= max(least, len(hit.shared) / 2)
            and said.isdisjoint(words(hit.term.name))
        ]
        if not fresh:
            break
        chosen.append(best(fresh, rules))
        left -= set(chosen[-1].shared)
    return Naming(
        name=" and ".join(tidy(hit.term.name) for hit in chosen) or "no known function shared",
        terms=tuple(chosen),
        confident=bool(sure),
        unnamed=tuple(gene for gene in genes if gene in left),
    )


def best(hits: Sequence[Hit], rules: Rules = DEFAULT) -> Hit:
    """Return the term that names best: significant, in words that others share, a complex."""
    weight = agreement(hits[:CONSIDERED])

    def loudness(hit: Hit) -> float:
        spoken = words(hit.term.name)
        shared = sum(weight[word] for word in spoken) / max(len(spoken), 1)
        taste = rules.complexes if hit.term.kind == "complex" else 1.0
        if _REGULATION.search(hit.term.name):
            taste *= rules.regulation
        return strength(hit) * math.sqrt(shared) * taste

    return max(hits[:CONSIDERED], key=lambda hit: (loudness(hit), hit.term.id))


def agreement(hits: Sequence[Hit]) -> dict[str, float]:
    """Return how loudly the names say each word, the loudest 1."""
    weight: dict[str, float] = defaultdict(float)
    for hit in hits:
        for word in words(hit.term.name):
            weight[word] += strength(hit)
    loudest = max(weight.values(), default=1.0)
    return defaultdict(float, {word: value / loudest for word, value in weight.items()})


def strength(hit: Hit) -> float:
    """Return minus the decimal logarithm of P."""
    return -math.log10(max(hit.p, 1e-300))


def words(name: str) -> tuple[str, ...]:
    """Return the telling words of a name, each once, lower case, in the singular."""
    found = re.findall(r"[a-z0-9]+(?:'[a-z])?", tidy(name).lower())
    return tuple(dict.fromkeys(_singular(word) for word in found if word not in FILLERS))


def tidy(name: str) -> str:
    """Return a term's name without asides, variants and capitals that are no symbol."""
    text = _TAIL.sub("", _ASIDE.sub("", name)).strip(" ,-")
    text = text or name
    shouted = text.isupper() and (" " in text or len(text) > LONGEST_SYMBOL)
    return text.lower() if shouted else text


def _singular(word: str) -> str:
    plural = len(word) > SHORTEST_PLURAL and word.endswith("s") and word[-2] not in "sui"
    return word[:-1] if plural else word
