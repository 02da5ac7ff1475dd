"""What an analysis found, as tables and sentences; frozen, so that any front door can tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from knowledge.schema import Frozen
from tools.counts.checks import Check
from tools.counts.design import Design
from tools.lists.rows import ListExplanation

Kind = Literal["set", "regulator", "gene"]


class Finding(Frozen):
    """Something that was found, told in sentences that each mark their rows.

    Attributes:
        kind: A gene set, a regulator or a gene.
        name: Of it.
        direction: `up` or `down`.
        lines: The lines of evidence that speak for it, in words; findings with more come first.
        sentences: What is told of it.
    """

    kind: Kind
    name: str
    direction: Literal["up", "down"]
    lines: tuple[str, ...]
    sentences: tuple[str, ...]


class Told(Frozen):
    """The sentences of a report.

    Attributes:
        summary: What was done and found, in short.
        checks: What a statistician would say first.
        findings: By evidence.
        expected: What was expected of the perturbation, against what was found.
    """

    summary: tuple[str, ...]
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]
    expected: tuple[str, ...] = ()

    def sentences(self) -> list[tuple[str, str]]:
        """Return every sentence with the part that it stands in."""
        found = [("summary", one) for one in self.summary]
        found += [("checks", one) for one in self.checks]
        found += [("findings", one) for each in self.findings for one in each.sentences]
        return found + [("expected", one) for one in self.expected]


@dataclass(frozen=True)
class Found:
    """The tables of an analysis.

    Attributes:
        design: What was compared.
        genes: A differential table, a row for each feature.
        samples: What the samples are like.
        pca: Share of variance of the first two components.
        checks: What is amiss.
        sets: Of `enrichment`.
        regulators: Of `activity`.
        sources: `key`, `about`, `text`, `source`, `reference`: what may be quoted.
        explanation: Why genes changed, where it is known what was perturbed.
        alpha: The adjusted p-value up to which a gene changed.
        notes: How things were read, each a sentence.
        method: `pydeseq2`, `pseudobulk` or `cells`.
        course: Pseudotime of single cells, where it was asked for.
        versions: Of knowledge and models.
    """

    design: Design
    genes: pd.DataFrame
    samples: pd.DataFrame
    pca: tuple[float, float]
    checks: tuple[Check, ...]
    sets: pd.DataFrame
    regulators: pd.DataFrame
    sources: pd.DataFrame
    alpha: float
    explanation: ListExplanation | None = None
    notes: tuple[str, ...] = ()
    method: str = "pydeseq2"
    course: pd.DataFrame | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
