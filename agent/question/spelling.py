"""Recognises misspelt key words by their nearness to known words, before genes are read."""

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA

from agent.question import words as vocabulary
from knowledge.drugs import Drugs
from knowledge.symbols import SymbolTable

_WORD = re.compile(r"(?<![\w-])[A-Za-z][a-z]{2,}(?![\w])")
# Words that say what is done and what is asked; a slip is read as one of these first.
KEY_WORDS = vocabulary.words(
    """
    happening happened knocked knocking knockout knockouts knockdown knockdowns knock overexpression
    overexpressed overexpress overexpressing expression silencing silenced silence deletion
    deleted delete depletion depleted deplete inhibition inhibited inhibit activation
    activated activate perturbation perturbed perturbations disruption disrupted removal
    removed loss lost lacking absence without which what when where happens happen change
    changes changed raise raises lower lowers increase increases decrease decreases genes gene
    effect effects upregulated downregulated regulate regulates does compare versus cells
    essential haploinsufficiency deficient induced induce knockin double triple dominant
    negative rescue why
    """
)
# Words of three letters are too near to too many others; these slips mean one thing.
_SHORT = {
    "wen": "when",
    "wat": "what",
    "wht": "what",
    "teh": "the",
    "hte": "the",
    "hwo": "how",
    "adn": "and",
    "nad": "and",
}
_CANDIDATES = tuple(
    sorted(KEY_WORDS)
    + sorted(word for word in vocabulary.KNOWN - KEY_WORDS if len(word) > 4 and word.isalpha())
)


def corrected(text: str, symbols: SymbolTable, drugs: Drugs) -> tuple[str, list[str]]:
    """Return the text with misspelt key words put right, and what to tell about each."""
    notes: list[str] = []

    def right(match: re.Match[str]) -> str:
        word = match[0]
        meant = None if word in drugs else nearest(word, symbols)
        if meant is None:
            return word
        notes.append(f"'{word}' was read as '{meant}'.")
        return meant

    return _WORD.sub(right, text), notes


def nearest(word: str, symbols: SymbolTable) -> str | None:
    """Return the key word that a word is a slip of, None where it is a word or a gene itself."""
    lower = word.lower()
    if lower in vocabulary.KNOWN or lower in KEY_WORDS:
        return None
    if lower in vocabulary.CONTROLS or _cue(lower) or vocabulary.CELL_TYPES.fullmatch(lower):
        return None
    if vocabulary.inflected(lower) or lower in vocabulary.FAMILY_WORDS:
        return None
    if lower.upper() in symbols or symbols.approved(lower) == lower.upper():
        return None
    if len(lower) == 3:
        return None if symbols.claimed(lower) else _SHORT.get(lower)
    slips = 1 if len(lower) < 7 else 2
    if symbols.claimed(lower):
        slips = 1
    found = process.extract(lower, _CANDIDATES, scorer=OSA.distance, score_cutoff=slips, limit=5)
    if not found:
        return None
    near = [one for one, distance, _ in found if distance == found[0][1]]
    keys = [one for one in near if one in KEY_WORDS]
    if found[0][1] > 1:
        # Two slips, and one of them in the first letter: another word.
        keys = [one for one in keys if one[0] == lower[0]]
    if found[0][1] > 1 and not keys:
        return None
    # The first letter is seldom wrong, unless it is the one that is missing.
    best = min(keys or near, key=lambda one: (one[0] != lower[0], abs(len(one) - len(lower)), one))
    return str(best)


def _cue(word: str) -> bool:
    found = vocabulary.cue_at(word, 0)
    return found is not None and found[0].end() == len(word)
