"""Names the language of a question that is not English, so that it is never half read."""

import re
import unicodedata

from agent.question import words as vocabulary
from agent.question.items import Unreadable

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
# Letters of another script that are no Greek letter in a gene's name.
_SCRIPT_LETTERS = 3
_WORDS = {
    language: frozenset(word.strip("'") for word in listed.split())
    for language, listed in vocabulary.LANGUAGES.items()
    if isinstance(listed, str)
}
# A single word shorter than this may be anything.
_TELLING = 4


class ForeignLanguage(Unreadable):
    """The question is not English; a language model may read it."""


def refuse_foreign(text: str) -> None:
    """Refuse a question in another language by the language's name.

    Raises:
        ForeignLanguage: Always, if the question is not English.
    """
    language = _script(text) or _language(text)
    if language:
        raise ForeignLanguage(
            f"The question seems to be {language}; without a language model only English is read: "
            "ask in English, or with `--reasoner llm`."
        )


def _script(text: str) -> str | None:
    scripts = vocabulary.LANGUAGES["scripts"]
    assert isinstance(scripts, dict)
    found: dict[str, int] = {}
    for letter in text:
        if letter.isalpha() and not letter.isascii():
            script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
            if script in scripts:
                found[script] = found.get(script, 0) + 1
    for script in ("HIRAGANA", "KATAKANA", "HANGUL"):
        if script in found:
            return scripts[script]
    best = max(found, key=lambda script: found[script], default=None)
    return scripts[best] if best and found[best] >= _SCRIPT_LETTERS else None


def _language(text: str) -> str | None:
    tokens = [word.lower() for word in _WORD.findall(text) if not word.isupper()]
    english = sum(token in vocabulary.KNOWN for token in tokens)
    best, most = None, 0.0
    for language, words in _WORDS.items():
        foreign = [token for token in tokens if any(part in words for part in _parts(token))]
        own = [token for token in foreign if token not in vocabulary.KNOWN]
        shared = len(foreign) - len(own)
        score = len(own) + 0.1 * shared
        telling = [token for token in own if len(token) >= _TELLING or not token.isascii()]
        if not own or (len(own) < 2 and (english - shared > 1 or not telling)):
            continue
        if len(own) * 2 <= english - shared:
            continue
        if score > most:
            best, most = language, score
    return best


def _parts(token: str) -> list[str]:
    """Return a word, and what elision joined to it: "qu'est-ce", "l'effet"."""
    return [token, *token.split("'")] if "'" in token else [token]
