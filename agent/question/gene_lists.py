"""Finds the genes that stand together beside a word of a question, as one list."""

from collections.abc import Sequence

from agent.question import words as vocabulary
from agent.question.pieces import Item

# What cannot stand between a perturbation word and the gene it perturbs.
_ENDS_PHRASE = (
    vocabulary.CONDITIONS
    | vocabulary.READOUT_VERBS
    | vocabulary.AUXILIARIES
    | (vocabulary.CONNECTORS - {"gene", "genes"})
    | vocabulary.words(
        """on to by from than that which what who how why does do did will would can could should
        effect effects affect affects raise raises reduce reduces cause causes lead leads with
        regulate regulates control controls repress represses enough"""
    )
)
AMBIGUOUS = frozenset(["to", "on", "with"])
_AT_ONCE = vocabulary.words(
    "simultaneous simultaneously combined joint jointly concurrent double dual"
)
_ADVERBS = frozenset(["already", "now", "also", "fully", "completely", "then"])


class GeneLists:
    """Finds lists of genes among the pieces of a question; places are numbers of pieces."""

    def __init__(self, found: Sequence[Item]) -> None:
        self._items = found

    def after_of(
        self, at: int, leading: frozenset[str] = vocabulary.AHEAD - AMBIGUOUS
    ) -> list[int]:
        """Return the genes after "of" or "against": "knockout (in K562 cells) of A and B"."""
        j = self.skipped(at + 1, 1, vocabulary.BESIDE - {"of"})
        if j is None or self._items[j].lower not in leading:
            return []
        return self.after(j)

    def after(self, at: int) -> list[int]:
        """Return the genes behind a place, fillers and words that describe them skipped."""
        j = self.skipped(at + 1, 1, vocabulary.BESIDE | vocabulary.AHEAD - {"on"})
        j = self._described(j)
        return [] if j is None else self._cut(self.joined(j, 1))

    def _described(self, at: int | None) -> int | None:
        """Return the gene behind a few words that describe it: "the proteasome subunit PSMD1"."""
        if at is None:
            return None
        for j, item in enumerate(self._items[at : at + 5], start=at):
            if item.kind == "gene":
                return j
            if item.text == "(" and self._items[j - 1].kind == "word":
                continue
            plain = item.text.islower() or item.described or item.lower in vocabulary.ABBREVIATIONS
            if item.kind != "word" or item.lower in _ENDS_PHRASE or not plain:
                return None
        return None

    def before(self, at: int) -> list[int]:
        """Return the genes before a place, fillers skipped."""
        j = self.skipped(at - 1, -1, vocabulary.BESIDE | vocabulary.AUXILIARIES | _ADVERBS)
        if j is None or self._items[j].kind != "gene":
            return []
        return sorted(self.joined(j, -1))

    def skipped(self, at: int, step: int, words: frozenset[str]) -> int | None:
        """Return the next place that is no filler word, bracket, cell line or other cue."""
        for _ in range(9):
            if not 0 <= at < len(self._items):
                return None
            item = self._items[at]
            filler = item.kind == "word" and item.lower in words
            bracket = item.kind == "mark" and item.text in "()[]\"'-"
            colon = item.kind == "mark" and item.text == ":" and step == 1
            other_cue = item.cue is not None and item.cue.form in ("noun", "mark")
            aside = item.kind in ("line", "mutation")
            if not (filler or bracket or colon or aside or other_cue):
                return at
            at += step
        return None

    def joined(self, at: int, step: int) -> list[int]:
        """Return the genes joined to the one at this place by "and", commas, slashes or pluses."""
        span, j = [at], at + step
        waiting = 0
        while 0 <= j < len(self._items):
            item = self._items[j]
            # A set that is only ever read out is not perturbed with its neighbour.
            if item.kind == "gene" and item.named is not None and item.named.readout:
                break
            if item.kind == "gene":
                span.append(j)
                waiting = 0
            elif step == -1 and item.text in "([" and not self._closed(j, at):
                break
            elif self._joins(j):
                waiting += 1
                if waiting > 3:
                    break
            else:
                break
            j += step
        return span

    def _joins(self, at: int) -> bool:
        """Whether a word joins genes to a list; "with" does where two are perturbed at once."""
        item = self._items[at]
        if item.lower in vocabulary.CONNECTORS or item.text in "()[]\"'":
            return True
        return item.lower == "with" and self.is_double(at)

    def is_double(self, at: int) -> bool:
        """Whether something before says that genes are perturbed at once: "combined loss of"."""
        return any(item.lower in _AT_ONCE for item in self._items[:at])

    def _closed(self, opening: int, before: int) -> bool:
        """Whether a bracket closes again before a place: "BiP (HSPA5) knockout"."""
        return any(item.text in ")]" for item in self._items[opening : before + 2])

    def _cut(self, span: list[int]) -> list[int]:
        """Leave out the genes that a question goes on with: "If I delete A, B goes up?"."""
        after = span[-1] + 1
        if len(span) == 1 or after >= len(self._items):
            return span
        follower = self._items[after]
        asked = follower.lower in vocabulary.READOUT_VERBS or follower.lower in {"is", "are"}
        if not asked:
            return span
        for k in range(len(span) - 1, 0, -1):
            if any(self._items[j].text == "," for j in range(span[k - 1], span[k])):
                return span[:k]
        return span[:-1]
