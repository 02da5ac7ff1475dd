"""All drugs that are known, found by any usual spelling of their names."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge.drugs.drug import Drug
from knowledge.drugs.names import plain_name, squashed
from knowledge.drugs.starter import NotDrugs, load_not_drugs, load_starter_drugs
from knowledge.errors import QuestionError

MOST_NAMED = 4


class DrugError(QuestionError):
    """A word names no one drug."""


class UnknownDrug(DrugError):
    """No drug is called that; `candidates` are spelt most like it."""

    def __init__(self, word: str, candidates: tuple[str, ...]) -> None:
        near = f"; did you mean {_either(candidates)}?" if candidates else ""
        super().__init__(
            f"'{word}' is no drug that is known here{near or '; name its target gene instead.'}"
        )
        self.candidates = candidates


class AmbiguousDrug(DrugError):
    """A word names several drugs, such as a class; `candidates` are some of them."""

    def __init__(self, word: str, candidates: tuple[str, ...]) -> None:
        super().__init__(
            f"'{word}' names several drugs; name one, such as {_either(candidates[:MOST_NAMED])}."
        )
        self.candidates = candidates


class NotADrug(DrugError):
    """A word names a vehicle, a nutrient or a food."""

    def __init__(self, word: str, says: str) -> None:
        super().__init__(f"'{word}' {says}; ask about a drug or the knockout of a gene.")


class Drugs:
    """The drugs of the starter pack and, where its tables are compiled, of a data folder.

    Where two tables disagree, the earlier drug wins: the starter pack stands first.

    Args:
        drugs: One entry per drug.
        not_drugs: Words that stand where a drug would and are none.
    """

    def __init__(self, drugs: Iterable[Drug], not_drugs: NotDrugs | None = None) -> None:
        self._drugs: dict[str, Drug] = {}
        self._by_key: dict[str, str] = {}
        self._classes: dict[str, tuple[str, ...]] = {}
        self._not = not_drugs or load_not_drugs()
        listed = list(drugs)
        for drug in listed:
            self._drugs.setdefault(drug.name, drug)
        for drug in listed:
            self._by_key.setdefault(squashed(drug.name), drug.name)
        for drug in listed:
            for word in (*drug.synonyms, *drug.ids):
                self._by_key.setdefault(squashed(word), drug.name)

    @classmethod
    def opened(cls, data_folder: Path | None = None) -> "Drugs":
        """Return the starter drugs, widened by the compiled tables of a data folder.

        Raises:
            DataError: A table is corrupted; names the file and the remedy.
        """
        return _opened(data_folder)

    def __len__(self) -> int:
        return len(self._drugs)

    def __iter__(self) -> Iterator[Drug]:
        return iter(self._drugs.values())

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._found(word) is not None

    def find(self, text: str) -> Drug:
        """Return the drug that a name, a brand, a code or an identifier means, its salt aside.

        Raises:
            NotADrug: It is a vehicle, a nutrient or a food.
            AmbiguousDrug: It names several, such as a class of drugs.
            UnknownDrug: Nothing is called that; the nearest spellings are named.
        """
        if drug := self._found(text):
            return drug
        word = text.strip()
        if says := self._not.says(squashed(word)):
            raise NotADrug(word, says)
        if members := self.members(word):
            raise AmbiguousDrug(word, members)
        raise UnknownDrug(word, self.nearest(word))

    def members(self, word: str) -> tuple[str, ...]:
        """Return the drugs of the class that a word names: `statins`, `proteasome inhibitor`."""
        classes = self._class_names()
        key = squashed(word)
        return classes.get(key) or classes.get(key.removesuffix("s"), ())

    def nearest(self, word: str, limit: int = MOST_NAMED) -> tuple[str, ...]:
        """Return up to `limit` drugs spelt most like a word, best first."""
        key = squashed(plain_name(word))
        if len(key) < 4:
            return ()
        found = process.extract(
            key, list(self._by_key), scorer=OSA.normalized_similarity, limit=20, score_cutoff=0.7
        )
        return tuple(dict.fromkeys(self._by_key[one] for one, _, _ in found))[:limit]

    def of_target(self, gene: str) -> tuple[tuple[Drug, float, int], ...]:
        """Return the drugs that act on a gene's product, with certainty and sign, surest first."""
        found = [
            (drug, one.certainty, one.sign)
            for drug in self
            for one in drug.targets
            if one.gene == gene
        ]
        return tuple(sorted(found, key=lambda row: (-row[1], row[0].name)))

    def keys(self) -> frozenset[str]:
        """Return every name as it is compared, classes and words that are no drugs aside."""
        return frozenset(self._by_key)

    def not_a_drug(self, word: str) -> str:
        """Return what a word is that stands where a drug would; empty where it may be one."""
        return self._not.says(squashed(word))

    def _found(self, text: str) -> Drug | None:
        for word in (text, plain_name(text)):
            if (key := squashed(word)) and (name := self._by_key.get(key)):
                return self._drugs[name]
        return None

    def _class_names(self) -> dict[str, tuple[str, ...]]:
        if not self._classes:
            names: dict[str, list[str]] = {}
            for drug in self:
                for mode in drug.modes:
                    names.setdefault(squashed(mode), []).append(drug.name)
            self._classes = {key: tuple(found) for key, found in names.items()}
        return self._classes


@lru_cache(maxsize=4)
def _opened(data_folder: Path | None) -> Drugs:
    drugs = list(load_starter_drugs())
    return Drugs(drugs, load_not_drugs())


def _either(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
