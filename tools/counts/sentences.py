"""Writes what was found as sentences, each with its number and the row that it stands in."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from tools.counts.differential import by_gene
from tools.counts.enrichment import FDR, FLOOR, distinct
from tools.counts.frames import series_of
from tools.counts.result import Finding, Found, Told
from tools.lists.rows import ExplainedGene

MOST_SETS, MOST_REGULATORS, MOST_GENES, MOST_EXPLAINED = 12, 8, 24, 15
NAMED = 6
_TINY = 1e-300
BUILT_IN = "built-in pathways"


def p_words(p: float) -> str:
    """Return a p-value as `0.012`, `3e-05` or `below 1e-300`."""
    if p < _TINY:
        return "below 1e-300"
    return f"{p:.2g}" if p >= 0.001 else f"{p:.0e}"


def rate_words(fdr: float) -> str:
    """Return a false discovery rate of GSEA, which tells nothing below its floor from zero."""
    return f"below {FLOOR:.0e}" if fdr < FLOOR else p_words(fdr)


def fold_words(change: float) -> str:
    """Return how many times: `46-fold`, `1.8-fold`."""
    fold = 2 ** abs(change)
    return f"{fold:,.0f}-fold" if fold >= 10 else f"{fold:.1f}-fold"


def joined(words: Sequence[str]) -> str:
    """Return `A, B and C`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


class Writer:
    """Writes the sentences of a result.

    Args:
        found: The tables.
    """

    def __init__(self, found: Found) -> None:
        self.found = found
        self.genes = by_gene(found.genes)
        self.test = found.design.test or f"with more {found.design.column}"
        self.told_sets = distinct(
            found.sets, lambda row: pd.notna(row["fdr"]) and row["fdr"] <= FDR, MOST_SETS
        )
        held = found.regulators[found.regulators["padj"] <= FDR] if len(found.regulators) else (
            found.regulators
        )  # fmt: skip
        self.told_regulators = held.head(MOST_REGULATORS)
        self.explained: dict[str, ExplainedGene] = {}
        if found.explanation is not None:
            self.explained = {row.gene: row for row in found.explanation.rows}
        self.quoted = {str(one) for one in found.sources["key"]} if len(found.sources) else set()

    def told(self) -> Told:
        """Return everything that is told."""
        findings = [*self.sets(), *self.regulators(), *self.single()]
        findings.sort(key=lambda one: -len(one.lines))
        return Told(
            summary=tuple(self.summary()),
            checks=tuple(self.checks()),
            findings=tuple(findings),
            expected=tuple(self.expected()),
        )

    def summary(self) -> list[str]:
        """Return what was compared and how much changed."""
        found, design = self.found, self.found.design
        calls = found.genes["call"].value_counts()
        up, down = int(calls.get("up", 0)), int(calls.get("down", 0))
        tested = len(found.genes) - int(calls.get("not tested", 0))
        said = []
        if design.test and len(found.samples):
            sizes = " and ".join(
                f"{len(design.members(one))} of {one}" for one in (design.test, design.reference)
            )
            paired = f", paired by {design.pairs}" if design.pairs else ""
            said.append(f"{len(found.samples)} samples were compared, {sizes}{paired} "
                        "[summary samples].")  # fmt: skip
        many = "No gene" if up + down == 0 else f"{up + down:,} genes"
        said.append(
            f"{many} of {tested:,} tested differ at a false discovery rate of "
            f"{100 * found.alpha:g} % [summary changed] [summary threshold]."
        )
        if up:
            said.append(f"{up:,} are higher in {self.test} [summary changed].")
        if down:
            said.append(f"{down:,} are lower in {self.test} [summary changed].")
        if up + down == 0:
            said.append(
                "That is no proof that nothing changed: see the checks below for what the number "
                "of samples can show [summary changed]."
            )
        if len(self.told_sets):
            names = [self._titled(row) for row in series_of(self.told_sets.head(3))]
            marks = " ".join(f"[set {row['set']}]" for row in series_of(self.told_sets.head(3)))
            said.append(f"The gene sets that move most are {joined(names)} {marks}.")
        return said

    def checks(self) -> list[str]:
        """Return the checks, the gravest first, and what the components show."""
        said = []
        for number, check in enumerate(self.found.checks, 1):
            said.append(f"{check.text.rstrip('.')} [check {number}].")
        if sum(self.found.pca):
            first, second = (100 * one for one in self.found.pca)
            said.append(
                f"The first two principal components hold {first:.0f} % and {second:.0f} % of the "
                "variance of the most variable genes [summary components]."
            )
        library = (
            self.found.samples["library"] if len(self.found.samples) else pd.Series(dtype=float)
        )
        if len(library):
            said.append(
                f"Library sizes go from {library.min():,.0f} to {library.max():,.0f} counts, with "
                f"a median of {library.median():,.0f} [summary samples]."
            )
        return said

    def sets(self) -> list[Finding]:
        """Return the gene sets that move, of several that tell the same the foremost."""
        out = []
        for row in series_of(self.told_sets):
            mark, up = f"[set {row['set']}]", row["sign"] > 0
            way = "up" if up else "down"
            lines = [f"GSEA over {row['size']} genes"]
            said = [
                f"{self._titled(row)} goes {way} as a whole: normalised enrichment score "
                f"{row['nes']:.2f}, false discovery rate {rate_words(row['fdr'])} {mark}."
            ]
            if row["changed"] and pd.notna(row["padj"]) and row["padj"] <= FDR:
                lines.append("over-represented among the changed genes")
                said.append(
                    f"{row['changed']} of its {row['size']} tested genes are significantly "
                    f"{'higher' if up else 'lower'}, where {row['expected']:.1f} would be by "
                    f"chance (adjusted p {p_words(row['padj'])}) {mark}."
                )
            leading = [one for one in str(row["leading"]).split(";") if one in self.genes.index]
            moved = [one for one in leading if self.genes.at[one, "call"] == way][:NAMED]
            if moved:
                told = [
                    f"{one} ({fold_words(float(self.genes['shrunken'][one]))})" for one in moved
                ]
                marks = " ".join(f"[gene {one}]" for one in moved)
                said.append(
                    f"Foremost {'higher' if up else 'lower'} in it: {joined(told)} {mark} {marks}."
                )
                regulators = self._regulators_of(set(leading), row["sign"])
                if regulators:
                    lines.append(f"targets of {joined(regulators)}")
                if any(self._explained(one) for one in moved):
                    lines.append("genes of it explained by a path")
            out.append(Finding(kind="set", name=str(row["name"]), direction=way, lines=tuple(lines),
                               sentences=tuple(said)))  # fmt: skip
        return out

    def regulators(self) -> list[Finding]:
        """Return the regulators whose targets move together."""
        out = []
        for row in series_of(self.told_regulators):
            name, up = str(row["regulator"]), row["score"] > 0
            mark, way = f"[regulator {name}]", "up" if row["score"] > 0 else "down"
            lines = [f"{row['targets']} targets move together"]
            said = [
                f"The targets of {name} move as if it were {'more' if up else 'less'} active: "
                f"score {row['score']:.1f} (adjusted p {p_words(row['padj'])}) over "
                f"{row['targets']} targets {mark}.",
                f"Of these, {row['agreeing']} changed significantly the way that says and "
                f"{row['opposing']} the other {mark}.",
            ]
            if name in self.genes.index:
                own = self.genes.loc[name]
                if own["call"] in ("up", "down"):
                    if (own["call"] == "up") == up:
                        lines.append("its own transcript goes the same way")
                    said.append(self._gene(name, "Its own transcript"))
            if carried := self._sets_with(set(str(row["leading"]).split(";")), row["score"]):
                lines.append(f"its targets carry {joined(carried)}")
            if self._explained(name):
                lines.append("on a path from the perturbation")
            through = self._through(name)
            if through:
                lines.append(f"{len(through)} changed genes are explained through it")
            said += self._quote(name)
            out.append(Finding(kind="regulator", name=name, direction=way, lines=tuple(lines),
                               sentences=tuple(said)))  # fmt: skip
        return out

    def single(self) -> list[Finding]:
        """Return the genes that changed most by size and certainty, and those best explained."""
        changed = self.genes[self.genes["call"].isin(["up", "down"])]
        # Xiao et al. 2014: fold change and p-value in one number.
        size = changed["shrunken"].abs() * changed["stat"].abs()
        order = changed.loc[size.sort_values(ascending=False, kind="stable").index]
        half = MOST_GENES // 2
        names = [*order.index[order["call"] == "up"][:half],
                 *order.index[order["call"] == "down"][:half]]  # fmt: skip
        best = sorted(
            (gene for gene in map(str, order.index) if self._explained(gene)),
            key=lambda gene: -self._score(gene),
        )[:MOST_EXPLAINED]
        leading = {
            gene: self._titled(row)
            for _, row in self.told_sets.iloc[::-1].iterrows()
            for gene in str(row["leading"]).split(";")
        }
        out = []
        for name in dict.fromkeys([*names, *best]):
            row: Any = self.genes.loc[name]
            after = "" if self.found.method == "cells" else " after shrinkage"
            large = f"{fold_words(row['shrunken'])}{after}"
            lines = [f"adjusted p {p_words(row['padj'])}, {large}"]
            said = [self._gene(name, name)]
            if name in leading:
                lines.append(f"carries {leading[name]}")
            if regulators := self._regulators_of({name}, 1 if row["call"] == "up" else -1):
                lines.append(f"target of {joined(regulators)}")
            if explained := self._path(name):
                lines.append("explained by a signed path")
                said.append(explained)
            said += self._quote(name)
            out.append(Finding(kind="gene", name=name, direction=row["call"], lines=tuple(lines),
                               sentences=tuple(said)))  # fmt: skip
        return out

    def _gene(self, name: str, subject: str) -> str:
        row: Any = self.genes.loc[name]
        up = row["log2_fold_change"] > 0
        shrunken = "" if self.found.method == "cells" else f", {row['shrunken']:.2f} shrunken"
        return (
            f"{subject} is {fold_words(row['log2_fold_change'])} {'higher' if up else 'lower'} in "
            f"{self.test} (log2 fold change {row['log2_fold_change']:.2f}{shrunken}; adjusted p "
            f"{p_words(row['padj'])}) [gene {name}]."
        )

    def _path(self, name: str) -> str:
        row = self._explained(name)
        if row is None or row.path is None:
            return ""
        known = [*row.path.databases[:3], *row.path.references[:2]]
        return (
            f"It is explained by {row.path.words} (evidence score {row.path.score:.2f}; "
            f"{', '.join(known)}) [path {name}]."
        )

    def _explained(self, name: str) -> ExplainedGene | None:
        row = self.explained.get(name)
        return row if row is not None and row.verdict == "explained" and row.path else None

    def _score(self, name: str) -> float:
        row = self._explained(name)
        return row.path.score if row is not None and row.path is not None else 0.0

    def _regulators_of(self, genes: set[str], sign: int) -> list[str]:
        """Return told regulators whose leading targets are among genes that go their way."""
        return [
            str(row["regulator"])
            for row in series_of(self.told_regulators)
            if genes & set(str(row["leading"]).split(";")[:60]) and sign
        ][:3]

    def _sets_with(self, genes: set[str], way: float) -> list[str]:
        """Return told sets that go the same way and are carried by some of these genes."""
        return [
            self._titled(row)
            for row in series_of(self.told_sets)
            if row["sign"] * way > 0 and len(genes & set(str(row["leading"]).split(";"))) >= NAMED
        ][:3]

    def _through(self, name: str) -> list[str]:
        """Return the genes whose explaining path begins a step at `name`."""
        rows = [self._explained(gene) for gene in self.explained]
        return [
            row.gene
            for row in rows
            if row and row.path and any(step.source.node == name for step in row.path.steps)
        ]

    def _titled(self, row: pd.Series) -> str:
        """Return the name of a set with its database, once."""
        name, source = str(row["name"]), str(row["source"])
        return name if source.casefold() in name.casefold() else f"{name} ({source})"

    def _quote(self, name: str) -> list[str]:
        if name not in self.quoted:
            return []
        row = self.found.sources.set_index("key").loc[name]
        papers = [one for one in str(row["reference"]).split("; ") if one]
        beside = f" ({', '.join(papers)})" if papers else ""
        source = str(row["source"]).replace(BUILT_IN, f"Knockwise's {BUILT_IN}")
        return [f"{source} on {name}: “{row['text']}”{beside} [source {name}]."]

    def expected(self) -> list[str]:
        """Return what was expected of the perturbation, against what was found."""
        one = self.found.explanation
        if one is None:
            return []
        counts, controls = one.counts, one.controls
        who = " and ".join(one.perturbation.genes)
        explained, conflicting = counts.get("explained", 0), counts.get("conflicting", 0)
        said = [
            f"Of the changed genes, {explained:,} are explained by a signed path from {who} and "
            f"{conflicting:,} would go the other way by their best path [summary explained] "
            "[summary controls]."
        ]
        if controls.reached.share is not None and controls.reached_unchanged.share is not None:
            said.append(
                f"A path leads to {100 * controls.reached.share:.0f} % of the changed genes and to "
                f"{100 * controls.reached_unchanged.share:.0f} % of the unchanged ones, so that "
                "much is chance [summary controls]."
            )
        if controls.agreeing.share is not None and controls.agreeing_shuffled is not None:
            said.append(
                f"Where a path leads to a gene it says the measured way in "
                f"{100 * controls.agreeing.share:.0f} % of cases, and in "
                f"{100 * controls.agreeing_shuffled:.0f} % with shuffled signs [summary controls]."
            )
        seen: list[str] = [row.seen for row in one.foresight.expected]
        if seen:
            parts = [
                f"{seen.count(what)} {words}"
                for what, words in (
                    ("changed as expected", "were found"),
                    ("changed the other way", "went the other way"),
                    ("unchanged", "did not change"),
                    ("not in the result", "were not measured"),
                )
                if seen.count(what)
            ]
            said.append(
                f"Of the {len(seen)} changes that were most expected, {joined(parts)} "
                "[summary expected]."
            )
            for way in ("up", "down"):
                held = [row.gene for row in one.foresight.expected
                        if row.seen == "changed as expected" and row.call == way]  # fmt: skip
                if held:
                    marks = " ".join(f"[expected {g}] [gene {g}]" for g in held[:NAMED])
                    said.append(f"Expected {way} and found so: {joined(held[:NAMED])} {marks}.")
        if one.foresight.auroc is not None:
            said.append(
                "A changed gene had a higher predicted chance of change than an unchanged one with "
                f"probability {one.foresight.auroc:.2f}, where 0.50 is chance [summary controls]."
            )
        return said


def first_sentences(text: str, most: int = 260) -> str:
    """Return the beginning of a text that ends with a sentence, or with an ellipsis."""
    flat = " ".join(text.replace("“", "'").replace("”", "'").split())
    ends = [m.end() for m in re.finditer(r"[^.\s]{3,}\.(?=\s+[A-Z]|$)", flat) if m.end() <= most]
    if ends:
        return flat[: ends[-1]]
    return flat if len(flat) <= most else flat[: flat.rfind(" ", 0, most)] + "…"
