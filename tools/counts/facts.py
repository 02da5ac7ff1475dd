"""Checks sentences against the tables of a result: number, sign and gene of each must be there.

A sentence ends its claims with marks such as `[gene CA9]`, `[set hallmark:Hypoxia]` or
`[source CA9]`. What it says must be found in the rows that it marks, which are read from the files
that the reader of a report has, and not from what the sentence was made of.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from knowledge.schema import Frozen
from tools.counts.frames import rows_of

MARK = re.compile(r"\s*\[(gene|set|regulator|summary|check|path|expected|source) ([^\]]+)\]")
QUOTE = re.compile(r"“([^”]*)”")
_NUMBER = re.compile(
    r"(?P<below>(?:below|under|<)\s*)?(?<![\w.])(?P<sign>[-−+]?)(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?P<power>e[-+]?\d+)?(?![\w]|\.\d)"
)
_TOKEN = re.compile(r"[A-Za-z][\w.-]*\w")
UP = re.compile(
    r"\b(up|higher|rises?|risen|raised|increas\w+|more active|gains?|induced|above)\b|▲|↑", re.I
)
DOWN = re.compile(
    r"\b(down|lower(?:ed)?|falls?|fallen|decreas\w+|less active|drops?|repressed|reduced)\b|▼|↓",
    re.I,
)


@dataclass(frozen=True)
class Fact:
    """A row of a table, as far as a sentence can speak of it.

    Attributes:
        names: Genes, sets and regulators that it is about.
        numbers: Every figure in it, and what follows from one alone (a fold, a size, a percentage).
        sign: Which way it goes, 0 for none.
        text: What may be quoted from it.
    """

    names: frozenset[str] = frozenset()
    numbers: tuple[float, ...] = ()
    sign: int = 0
    text: str = ""


class Verdict(Frozen):
    """What the check of one sentence said; `problem` is "" where all is confirmed."""

    text: str
    confirmed: bool
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that sentences may say of a result.

    Attributes:
        rows: By mark: `gene CA9`.
        genes: Every gene of the table, so that a gene without a mark is noticed.
        neutral: Names of groups, columns and samples, in which digits are no figures.
    """

    rows: Mapping[str, Fact]
    genes: frozenset[str]
    neutral: frozenset[str] = field(default=frozenset())

    def check(self, text: str) -> Verdict:
        """Return whether the rows that a sentence marks say what it says."""
        problem = self._problem(text)
        return Verdict(text=text, confirmed=not problem, problem=problem)

    def _problem(self, text: str) -> str:
        marks = [f"{kind} {name}" for kind, name in MARK.findall(text)]
        if not marks:
            return "it marks no row"
        if unknown := [mark for mark in marks if mark not in self.rows]:
            return f"there is no row {unknown[0]}"
        cited = [self.rows[mark] for mark in marks]
        bare = MARK.sub("", text)
        for quote in QUOTE.findall(bare):
            if not any(quote.rstrip("….") in fact.text for fact in cited):
                return f"the source does not say “{quote}”"
        bare = QUOTE.sub(" ", bare)
        for fact in cited:
            if fact.text and "→" in fact.text and fact.text in bare:
                bare = bare.replace(fact.text, " ")
        if "→" in bare:
            return "the path is not that of the table"
        return self._words(bare, cited, marks)

    def _words(self, bare: str, cited: list[Fact], marks: list[str]) -> str:
        names = sorted({name for fact in cited for name in fact.names}, key=len, reverse=True)
        left = bare
        for name in names:
            left = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w])", " ", left)
        for name in sorted(self.neutral, key=len, reverse=True):
            left = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w])", " ", left)
        if odd := [word for word in _TOKEN.findall(left) if word in self.genes]:
            return f"it names {odd[0]} without marking its row"
        numbers = [number for fact in cited for number in fact.numbers]
        for found in _NUMBER.finditer(left):
            if not _confirmed(found, numbers):
                return f"no marked row holds {found['sign']}{found['digits']}{found['power'] or ''}"
        ways = {1 if UP.search(left) else 0, -1 if DOWN.search(left) else 0} - {0}
        signs = {
            fact.sign
            for fact, mark in zip(cited, marks, strict=True)
            if fact.sign and mark.split()[0] in ("gene", "set", "regulator", "expected")
        }
        if len(ways) == 1 and signs and signs != ways:
            return "a marked row goes the other way"
        if len(ways) == 2 and signs:
            return "it says up and down of marked rows at once"
        return ""


def _confirmed(found: "re.Match[str]", numbers: Iterable[float]) -> bool:
    digits = found["digits"].replace(",", "")
    power = float(f"1{found['power']}") if found["power"] else 1.0
    value = float(digits) * power * (-1 if found["sign"] in ("-", "−") else 1)
    decimals = len(digits.partition(".")[2])
    if found["below"]:
        return any(0 <= one < value for one in numbers)
    half = 0.5 * 10.0**-decimals * power * (1 + 1e-6)
    return any(abs(one - value) <= half for one in numbers if np.isfinite(one))


def facts_of(folder: Path) -> Facts:
    """Return the facts of a result folder, read from its tables.

    Raises:
        OSError: A table is missing.
    """
    table = pd.read_csv(folder / "differential.csv", keep_default_na=False, na_values=[""])
    rows: dict[str, Fact] = {}
    genes = table.sort_values("base_mean", ascending=False).drop_duplicates("gene")
    for row in rows_of(genes):
        change, shrunken = float(row.log2_fold_change), float(row.shrunken)
        numbers = _sized(change, shrunken, 2 ** abs(change), 2 ** abs(shrunken), row.pvalue,
                         row.padj, row.base_mean, row.mean_test, row.mean_reference)  # fmt: skip
        rows[f"gene {row.gene}"] = Fact(frozenset([str(row.gene)]), numbers, int(np.sign(change)))
    rows |= _of_sets(folder) | _of_regulators(folder) | _of_paths(folder) | _of_sources(folder)
    rows |= _of_notes(folder) | _counted(table, folder)
    return Facts(rows, frozenset(map(str, table["gene"])), _neutral(folder))


def _sized(*numbers: float) -> tuple[float, ...]:
    """Return numbers that are there, each with its size."""
    found = [float(one) for one in numbers if pd.notna(one)]
    return tuple(dict.fromkeys([*found, *map(abs, found)]))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _of_sets(folder: Path) -> dict[str, Fact]:
    found = {}
    for row in rows_of(_read(folder / "gene_sets.csv")):
        carrying = [one for one in f"{_word(row.leading)};{_word(row.genes)}".split(";") if one]
        names = [str(row.name), str(row.source), str(row.set), _word(row.reference), *carrying]
        figures = (row.nes, row.es, row.p, row.fdr, row.size, row.changed, row.expected, row.padj)
        numbers = _sized(*figures, len(_word(row.leading).split(";")))
        found[f"set {row.set}"] = Fact(
            frozenset(filter(None, names)), numbers, int(row.sign), _word(row.name)
        )
    return found


def _of_regulators(folder: Path) -> dict[str, Fact]:
    found = {}
    for row in rows_of(_read(folder / "regulators.csv")):
        names = [str(row.regulator), *(one for one in _word(row.leading).split(";") if one)]
        numbers = _sized(row.score, row.padj, row.targets, row.agreeing, row.opposing)
        found[f"regulator {row.regulator}"] = Fact(
            frozenset(names), numbers, int(np.sign(row.score))
        )
    return found


def _of_paths(folder: Path) -> dict[str, Fact]:
    found = {}
    for row in rows_of(_read(folder / "explained.csv")):
        path = _word(row.path)
        nodes = [re.sub(r" [↑↓]$", "", part) for part in path.split(" → ")] if path else []
        names = [str(row.gene), *nodes, *_split(row.databases), *_split(row.programmes)]
        names += [_word(row.hub), *_split(row.references)]
        numbers = _sized(row.path_score, row.p_de, row.p_up, row.effect, row.padj, len(nodes) - 1)
        sign = {"up": 1, "down": -1}.get(_word(row.path_direction), 0)
        found[f"path {row.gene}"] = Fact(frozenset(filter(None, names)), numbers, sign, path)
    for row in rows_of(_read(folder / "expected.csv")):
        sign = {"up": 1, "down": -1}.get(str(row.call), 0)
        found[f"expected {row.gene}"] = Fact(
            frozenset([str(row.gene)]), _sized(row.p_de, row.p_up), sign
        )
    return found


def _of_sources(folder: Path) -> dict[str, Fact]:
    found = {}
    for row in rows_of(_read(folder / "sources.csv")):
        names = [_word(row.about), _word(row.source), *_split(row.reference)]
        found[f"source {row.key}"] = Fact(frozenset(filter(None, names)), (), 0, _word(row.text))
    return found


def _of_notes(folder: Path) -> dict[str, Fact]:
    """Return checks and sums that other tables do not hold, with the numbers they were made of."""
    path = folder / "notes.json"
    if not path.is_file():
        return {}
    return {
        str(one["mark"]): Fact(
            frozenset(one.get("names", ())), _sized(*one.get("numbers", ())), 0, one.get("text", "")
        )
        for one in json.loads(path.read_text(encoding="utf-8"))
    }


def _counted(table: pd.DataFrame, folder: Path) -> dict[str, Fact]:
    """Return what is counted anew in the tables: genes by call, sets, regulators, samples."""
    calls = table["call"].value_counts()
    up, down = int(calls.get("up", 0)), int(calls.get("down", 0))
    tested = len(table) - int(calls.get("not tested", 0))
    counted: dict[str, Iterable[float]] = {
        "changed": (up, down, up + down, tested, len(table),
                    100 * up / max(tested, 1), 100 * down / max(tested, 1)),
    }  # fmt: skip
    sets = _read(folder / "gene_sets.csv")
    if len(sets):
        held = sets[sets["fdr"] <= 0.05]
        counted["sets"] = (len(sets), sets["fdr"].notna().sum(), (held["nes"] > 0).sum(),
                           (held["nes"] < 0).sum())  # fmt: skip
    regulators = _read(folder / "regulators.csv")
    if len(regulators):
        held = regulators[regulators["padj"] <= 0.05]
        counted["regulators"] = (len(regulators), (held["score"] > 0).sum(),
                                 (held["score"] < 0).sum())  # fmt: skip
    samples = _read(folder / "samples.csv")
    if len(samples):
        sizes = samples["group"].astype(str).value_counts()
        library = samples["library"]
        counted["samples"] = (len(samples), *sizes, library.median(), library.min(), library.max(),
                              samples["detected"].median())  # fmt: skip
    explained = _read(folder / "explained.csv")
    if len(explained):
        verdicts = explained["verdict"].value_counts()
        counted["explained"] = (len(explained), *verdicts, 0)
    expected = _read(folder / "expected.csv")
    if len(expected):
        counted["expected"] = (len(expected), *expected["seen"].value_counts(), 0)
    return {
        f"summary {name}": Fact(frozenset(), _sized(*map(float, values)))
        for name, values in counted.items()
    }


def _neutral(folder: Path) -> frozenset[str]:
    path = folder / "run.json"
    if not path.is_file():
        return frozenset()
    said = json.loads(path.read_text(encoding="utf-8")).get("names", ())
    return frozenset(str(one) for one in said if str(one))


def _word(value: object) -> str:
    return "" if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)


def _split(value: object) -> list[str]:
    return [part.strip() for part in _word(value).split(";") if part.strip()]
