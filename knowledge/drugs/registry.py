"""All drugs that are known, found by any usual spelling of their names."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge.drugs.drug import Drug, DrugTarget
from knowledge.drugs.names import plain_name, squashed
from knowledge.drugs.starter import SOURCE as STARTER
from knowledge.drugs.starter import NotDrugs, load_not_drugs, load_starter_drugs
from knowledge.drugs.tables import read_tables, tables_in, widened
from knowledge.errors import QuestionError
from knowledge.sources.genes import HGNC, read_symbols
from knowledge.starter import load_starter
from knowledge.symbols import SymbolTable

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
    """The drugs of the starter pack and, where its tables were pulled, of a data folder.

    Where two tables disagree, the earlier drug wins: the starter pack stands first.

    Args:
        drugs: One entry per drug.
        not_drugs: Words that stand where a drug would and are none.
    """

    def __init__(self, drugs: Iterable[Drug], not_drugs: NotDrugs | None = None) -> None:
        self._drugs: dict[str, Drug] = {}
        self._by_key: dict[str, str] = {}
        self._classes: dict[str, tuple[str, ...]] = {}
        self._plain_classes: set[str] = set()
        self._not = not_drugs or load_not_drugs()
        listed = list(drugs)
        for drug in listed:
            self._drugs.setdefault(drug.name, drug)
        for drug in listed:
            self._by_key.setdefault(squashed(drug.name), drug.name)
        for drug in listed:
            for word in (*drug.synonyms, *drug.ids):
                self._by_key.setdefault(squashed(word), drug.name)
            if STARTER in drug.sources:
                self._plain_classes.update(squashed(mode) for mode in drug.modes if mode.islower())

    @classmethod
    def opened(cls, data_folder: Path | None = None, symbols: SymbolTable | None = None) -> "Drugs":
        """Return the starter drugs, widened by the tables of a data folder or mirror.

        Args:
            data_folder: Where `knockwise data pull drugs` put its tables; none for our own alone.
            symbols: Brings the tables' symbols up to date; read from the folder by default.

        Raises:
            DataError: A table is corrupted; names the file and the remedy.
        """
        return _opened(data_folder, symbols)

    def __len__(self) -> int:
        return len(self._drugs)

    def __iter__(self) -> Iterator[Drug]:
        return iter(self._drugs.values())

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.known(word) is not None

    def find(self, text: str) -> Drug:
        """Return the drug that a name, a brand, a code or an identifier means, its salt aside.

        Raises:
            NotADrug: It is a vehicle, a nutrient or a food.
            AmbiguousDrug: It names several, such as a class of drugs.
            UnknownDrug: Nothing is called that; the nearest spellings are named.
        """
        if drug := self.known(text):
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

    def spelt_class(self, word: str) -> bool:
        """Return whether a word is a class that no gene is part of: `statins`, not `MEK inhibitor`.

        "A MEK inhibitor" is read as the inhibition of MEK, whichever drug does it.
        """
        key = squashed(word)
        return bool({key, key.removesuffix("s")} & self._plain_classes)

    def nearest(self, word: str, limit: int = MOST_NAMED, least: float = 0.7) -> tuple[str, ...]:
        """Return up to `limit` drugs spelt most like a word, best first.

        Args:
            word: What somebody wrote.
            limit: At most so many.
            least: How alike they must be, from 0 to 1.
        """
        key = squashed(plain_name(word))
        if len(key) < 4:
            return ()
        found = process.extract(
            key, list(self._by_key), scorer=OSA.normalized_similarity, limit=20, score_cutoff=least
        )
        return tuple(dict.fromkeys(self._by_key[one] for one, _, _ in found))[:limit]

    def keys(self) -> frozenset[str]:
        """Return every name as it is compared, classes and words that are no drugs aside."""
        return frozenset(self._by_key)

    def exact(self, word: str) -> str | None:
        """Return the name of the drug that a word is a name of as it stands, salt and all."""
        return self._by_key.get(squashed(word))

    def curated(self, name: str) -> bool:
        """Return whether the starter pack knows a drug, rather than a table alone."""
        return STARTER in self._drugs[name].sources

    def refuse(self, word: str) -> None:
        """Do nothing, unless the word is a vehicle, a nutrient or a food.

        Raises:
            NotADrug: It is one; says what it is.
        """
        if says := self.not_a_drug(word):
            raise NotADrug(word, says)

    def acting(self, gene: str, sign: int, limit: int) -> tuple[tuple[Drug, DrugTarget], ...]:
        """Return the drugs that lower (-1) or raise (+1) the activity of a gene's product.

        Those that begin there stand first, then the surest and the most specific.
        """
        found = [
            (drug, one)
            for drug in self
            for one in drug.targets
            if one.gene == gene and one.sign == sign
        ]
        found.sort(
            key=lambda row: (
                (gene, sign) not in row[0].starts,
                -row[1].certainty,
                len(row[0].starts),
                not self.curated(row[0].name),
                row[0].name,
            )
        )
        return tuple(found[:limit])

    def not_a_drug(self, word: str) -> str:
        """Return what a word is that stands where a drug would; empty where it may be one."""
        return self._not.says(squashed(word))

    def known(self, text: str) -> Drug | None:
        """Return the drug that a word means, its salt aside; None where it means no one drug."""
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
def _opened(data_folder: Path | None, symbols: SymbolTable | None) -> Drugs:
    own = load_starter_drugs()
    paths = tables_in(data_folder) if data_folder is not None else ()
    if not paths:
        return Drugs(own)
    return Drugs(_joined(own, read_tables(paths, symbols or _symbols(data_folder))))


def _joined(own: tuple[Drug, ...], others: tuple[Drug, ...]) -> Iterator[Drug]:
    """Yield the starter drugs, widened by the tables, then the drugs that only the tables know."""
    starter = Drugs(own)
    more: dict[str, Drug] = {}
    rest = []
    for other in others:
        known = next(
            (drug for word in (other.name, *other.synonyms) if (drug := starter.known(word))), None
        )
        if known is not None:
            more[known.name] = widened(more.get(known.name, known), other)
        elif not starter.not_a_drug(other.name):
            rest.append(other)
    yield from (more.get(drug.name, drug) for drug in own)
    yield from rest


def _symbols(data_folder: Path | None) -> SymbolTable:
    """Return the symbols that bring those of the tables up to date."""
    genes = load_starter().genes
    for root in (data_folder, data_folder / "sources") if data_folder is not None else ():
        if (root / HGNC).is_file():
            return read_symbols(root)
    return SymbolTable(genes)


def _either(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
