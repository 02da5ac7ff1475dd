"""Whether a cell line needs a gene: dependency screens, as far as they were pulled."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from knowledge.parsers.dependencies import read_numbers, read_selective
from knowledge.parsers.gmt import read_gmt
from knowledge.schema import Dependency, Evidence
from knowledge.sources.registry import load_registry, source_path
from knowledge.symbols import SymbolTable

GROUP = "essentiality"
SELECTIVE = "depmap-2023-selective-dependencies"
# The four screened lines only, in an older download.
SELECTIVE_SETS = "depmap-crispr-genedependency-celllines-2023"
PERCENT = "depmap-19q1-percent-essential-and-paralogs"
BAYES = "hart2015-tko-bayes-factors"
CHRONOS = "depmap-chronos-a549"
DEMETER = "depmap-demeter2-hela"
PULL = f"`knockwise data pull {GROUP} {PERCENT} {BAYES}` gets what is known"
# Lines that no screen of transcripts has, but a screen of dependencies does.
OTHER_LINES = ("A549", "HeLa")
# The line's own names in the screens; a gene counts for RPE1 where two of its five clones agree.
_SETS = {
    "K562": ("K-562", "P2UR/K-562"),
    "HepG2": ("Hep G2",),
    "Jurkat": ("JURKAT",),
    "A549": ("A549",),
    "RPE1": ("RPE1-ss119", "RPE1-ss48", "RPE1-ss51", "RPE1-ss6", "RPE1-ss77"),
}
_CLONES_AGREE = 2
# Needed in nearly all, or in nearly none, of 558 lines.
_NEARLY_ALL, _NEARLY_NONE = 0.9, 0.02
Verdict = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Scale:
    """How a screen's number is read.

    Attributes:
        source: The registered file.
        key: Its column of symbols.
        value: Its column of numbers.
        delimiter: Between its columns.
        name: Where the number comes from.
        needed: From here on the line needs the gene.
        spared: From here on it does not.
        words: What the number is, with its thresholds.
        more_is_needed: Whether larger numbers say that it is needed.
    """

    source: str
    key: str
    value: str
    delimiter: str
    name: str
    needed: float
    spared: float
    words: str
    more_is_needed: bool

    def verdict(self, number: float) -> Verdict:
        """Return what a number says."""
        sign = 1 if self.more_is_needed else -1
        if sign * number > sign * self.needed:
            return "yes"
        return "no" if sign * number < sign * self.spared else "unknown"


# Hart 2015's own cut-off for RPE1, below zero the evidence is for no effect on fitness; DepMap's
# for Chronos; DEMETER2 is from RNA interference, where core genes have a median of -0.57.
SCALES: Mapping[str, Scale] = {
    "RPE1": Scale(
        BAYES, "Gene", "BF_rpe1", "\t", "Hart 2015", 6.84, 0.0,
        "a CRISPR knockout screen of RPE1 gives {gene} a Bayes factor of {number:.1f} (needed "
        "above 6.84, not below 0)", more_is_needed=True,
    ),
    "A549": Scale(
        CHRONOS, "Gene", "Effect", ",", "DepMap Chronos", -0.5, -0.25,
        "a CRISPR knockout screen of A549 gives {gene} an effect of {number:.2f} (Chronos; needed "
        "below -0.5, not above -0.25)", more_is_needed=False,
    ),
    "HeLa": Scale(
        DEMETER, "Gene", "Effect", ",", "DepMap DEMETER2", -0.5, -0.2,
        "RNA interference screens of HeLa give {gene} an effect of {number:.2f} (DEMETER2; needed "
        "below -0.5, not above -0.2)", more_is_needed=False,
    ),
}  # fmt: skip


class Essentiality:
    """What dependency screens say; empty where none was pulled.

    Args:
        data_dir: The data folder.
        symbols: Approved symbols for the tables' own.
    """

    def __init__(self, data_dir: Path, symbols: SymbolTable) -> None:
        self._data, self._symbols = data_dir, symbols

    @property
    def known(self) -> bool:
        """Whether anything was pulled."""
        return bool(self._selective or self._percent or any(self._scaled.values()))

    def of(self, gene: str, cell_line: str) -> tuple[Dependency, list[Evidence]]:
        """Return whether a line needs a gene, with the facts behind it."""
        facts: list[Evidence] = []
        verdict: Verdict = "unknown"
        number = self._scaled.get(cell_line, {}).get(gene)
        if number is not None:
            scale = SCALES[cell_line]
            verdict = scale.verdict(number)
            words = scale.words.format(gene=gene, number=number)
            facts.append(_fact(gene, cell_line, words, scale.name, "measured"))
        share = self._percent.get(gene)
        if share is not None:
            words = f"{gene} is needed in {share:.0%} of 558 lines"
            facts.append(_fact(gene, cell_line, words, "DepMap 19Q1"))
        selective = gene in self._selective.get(cell_line, frozenset())
        if selective:
            words = f"{cell_line} needs {gene} more than most lines do"
            facts.append(_fact(gene, cell_line, words, "DepMap 2023", "measured"))
        if verdict == "unknown":
            if selective or (share is not None and share >= _NEARLY_ALL):
                verdict = "yes"
            elif number is None and share is not None and share <= _NEARLY_NONE:
                verdict = "no"
        one = Dependency(
            gene=gene,
            cell_line=cell_line,
            verdict=verdict,
            statement=_said(gene, cell_line, verdict, facts),
            evidence_ids=tuple(fact.id for fact in facts),
        )
        return one, facts

    def selective(self, cell_line: str) -> tuple[str, ...]:
        """Return the genes that a line needs more than most lines do."""
        return tuple(sorted(self._selective.get(cell_line, frozenset())))

    def _file(self, name: str) -> Path | None:
        path = source_path(self._data, load_registry()[name])
        return path if path.is_file() else None

    @cached_property
    def _selective(self) -> dict[str, frozenset[str]]:
        if file := self._file(SELECTIVE):
            sets = read_selective(file)
        elif file := self._file(SELECTIVE_SETS):
            sets = {one.name: frozenset(one.members) for one in read_gmt(file)}
        else:
            return {}
        found = {}
        for line, names in _SETS.items():
            there = [sets[name] for name in names if name in sets]
            least = _CLONES_AGREE if len(there) > _CLONES_AGREE else 1
            genes = {gene for one in there for gene in one}
            kept = {gene for gene in genes if sum(gene in one for one in there) >= least}
            found[line] = frozenset(self._symbols.approved(gene) or gene for gene in kept)
        return found

    @cached_property
    def _percent(self) -> dict[str, float]:
        read = self._file(PERCENT)
        if read is None:
            return {}
        return self._approved(read_numbers(read, "symbol", "essential_percent", "\t"))

    @cached_property
    def _scaled(self) -> dict[str, dict[str, float]]:
        found = {}
        for line, scale in SCALES.items():
            if file := self._file(scale.source):
                numbers = read_numbers(file, scale.key, scale.value, scale.delimiter)
                found[line] = self._approved(numbers)
        return found

    def _approved(self, numbers: Mapping[str, float]) -> dict[str, float]:
        return {self._symbols.approved(gene) or gene: n for gene, n in numbers.items()}


def dropout(known: Essentiality, genes: tuple[str, ...], cell_line: str) -> list[str]:
    """Return the warning that a knockout of genes that a line needs is soon lost from it."""
    needed = [gene for gene in genes if known.of(gene, cell_line)[0].verdict == "yes"]
    if not needed:
        return []
    which = " and ".join(needed)
    return [
        f"{cell_line} needs {which}: cells with a working guide drop out, so that those left to "
        "read are few, early or only partly perturbed; a knockdown or an early time is better."
    ]


def _said(gene: str, line: str, verdict: Verdict, facts: list[Evidence]) -> str:
    told = "; ".join(fact.statement for fact in facts)
    if verdict == "unknown":
        return f"Whether {line} needs {gene} is not known here{f': {told}' if told else ''}."
    answer = "Yes" if verdict == "yes" else "No"
    said = f"{answer}: {told}."
    if verdict == "yes":
        said += " Guides against it drop out, so few cells of a screen are left to read."
    return said


def _fact(
    gene: str,
    line: str,
    statement: str,
    source: str,
    kind: Literal["annotation", "measured"] = "annotation",
) -> Evidence:
    return Evidence(
        id=f"dep:{source}:{gene}:{line}",
        kind=kind,
        statement=statement,
        source=source,
        weight=1.0,
        genes=(gene,),
    )
