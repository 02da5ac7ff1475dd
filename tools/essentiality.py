"""Whether a cell line needs a gene: dependency screens, as far as they were pulled."""

import csv
from functools import cached_property
from pathlib import Path

from knowledge.parsers.gmt import read_gmt
from knowledge.parsers.table import open_text
from knowledge.schema import Dependency, Evidence
from knowledge.sources.registry import load_registry, source_path
from knowledge.symbols import SymbolTable

SELECTIVE = "depmap-crispr-genedependency-celllines-2023"
PERCENT = "depmap-19q1-percent-essential-and-paralogs"
BAYES = "hart2015-tko-bayes-factors"
PULL = f"`knockwise data pull {SELECTIVE} {PERCENT} {BAYES}` gets what is known"
# The line's own names in the screens.
_SETS = {"K562": "K-562", "HepG2": "Hep G2", "Jurkat": "JURKAT"}
_FACTORS = {"RPE1": "BF_rpe1"}
# Hart 2015's own cut-off for RPE1; below zero the evidence is for no effect on fitness.
_ESSENTIAL_FACTOR = 6.84
# Needed in nearly all, or in nearly none, of 558 lines.
_NEARLY_ALL, _NEARLY_NONE = 0.9, 0.02


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
        return bool(self._selective or self._percent or self._factors)

    def of(self, gene: str, cell_line: str) -> tuple[Dependency, list[Evidence]]:
        """Return whether a line needs a gene, with the facts behind it."""
        facts: list[Evidence] = []
        verdict = "unknown"
        factor = self._factors.get(cell_line, {}).get(gene)
        if factor is not None:
            verdict = "yes" if factor > _ESSENTIAL_FACTOR else "no" if factor < 0 else "unknown"
            facts.append(
                _fact(
                    gene,
                    cell_line,
                    f"a knockout screen of {cell_line} gives {gene} a Bayes factor of {factor:.1f} "
                    f"(essential above {_ESSENTIAL_FACTOR})",
                    "Hart 2015",
                    "measured",
                )
            )
        share = self._percent.get(gene)
        if share is not None:
            facts.append(
                _fact(
                    gene, cell_line, f"{gene} is needed in {share:.0%} of 558 lines", "DepMap 19Q1"
                )
            )
        selective = gene in self._selective.get(cell_line, frozenset())
        if selective:
            facts.append(
                _fact(
                    gene,
                    cell_line,
                    f"{cell_line} needs {gene} more than most lines do",
                    "DepMap 2023",
                    "measured",
                )
            )
        if verdict == "unknown":
            if selective or (share is not None and share >= _NEARLY_ALL):
                verdict = "yes"
            elif share is not None and share <= _NEARLY_NONE:
                verdict = "no"
        said = _said(gene, cell_line, verdict, facts)
        ids = tuple(fact.id for fact in facts)
        one = Dependency.model_validate(
            {
                "gene": gene,
                "cell_line": cell_line,
                "verdict": verdict,
                "statement": said,
                "evidence_ids": ids,
            }
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
        file = self._file(SELECTIVE)
        if file is None:
            return {}
        sets = {one.name: one.members for one in read_gmt(file)}
        return {
            line: frozenset(self._symbols.approved(gene) or gene for gene in sets.get(name, ()))
            for line, name in _SETS.items()
        }

    @cached_property
    def _percent(self) -> dict[str, float]:
        file = self._file(PERCENT)
        return {} if file is None else self._numbers(file, "symbol", "essential_percent")

    @cached_property
    def _factors(self) -> dict[str, dict[str, float]]:
        file = self._file(BAYES)
        if file is None:
            return {}
        return {line: self._numbers(file, "Gene", column) for line, column in _FACTORS.items()}

    def _numbers(self, file: Path, key: str, value: str) -> dict[str, float]:
        with open_text(file) as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
        return {
            self._symbols.approved(row[key]) or row[key]: float(row[value])
            for row in rows
            if row[value] not in ("", "NA")
        }


def _said(gene: str, line: str, verdict: str, facts: list[Evidence]) -> str:
    if verdict == "unknown":
        return f"Whether {line} needs {gene} is not known here."
    answer = "Yes" if verdict == "yes" else "No"
    said = f"{answer}: {'; '.join(fact.statement for fact in facts)}."
    if verdict == "yes":
        said += " Guides against it drop out, so few cells of a screen are left to read."
    return said


def _fact(gene: str, line: str, statement: str, source: str, kind: str = "annotation") -> Evidence:
    return Evidence.model_validate(
        {
            "id": f"dep:{source}:{gene}:{line}",
            "kind": kind,
            "statement": statement,
            "source": source,
            "weight": 1.0,
            "genes": (gene,),
        }
    )
