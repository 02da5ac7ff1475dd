"""Where the model is good and where it is not: held-out rows by readout and by perturbed gene."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from evals.perturbqa.rows import TASKS, TaskName
from evals.perturbqa.schema import Slice
from evals.perturbqa.score import Resampler, labelled
from knowledge.parsers.gmt import read_gmt
from knowledge.parsers.table import read_table
from knowledge.symbols import SymbolTable

CLASS_FILES = (
    "knowledge/pathways/Reactome_Pathways_2024.gmt.gz",
    "knowledge/pathways/reactome_terms_human_v94.tsv.gz",
)
CLASS_SOURCE = (
    "Reactome's top-level pathways (members: Enrichr's Reactome_Pathways_2024; which are "
    "top-level: Reactome v94); a gene may be in several"
)
NO_CLASS = "in no pathway"
PARTS = 5
FEWEST_ROWS = 200


def functional_classes(root: Path, symbols: SymbolTable) -> dict[str, frozenset[str]]:
    """Return the genes (approved symbols) of each of Reactome's top-level pathways.

    Raises:
        DataError: A file is missing or malformed.
    """
    sets, terms = (root / name for name in CLASS_FILES)
    # A top-level pathway has no other pathway of Reactome for a parent.
    tops = {
        name.casefold(): name
        for _, (name, parents) in read_table(terms, ("name", "parents"))
        if "reactome:" not in parents
    }
    members: dict[str, set[str]] = defaultdict(set)
    for one in read_gmt(sets):
        if (top := tops.get(one.name.casefold())) is not None:
            members[top].update(s for word in one.members if (s := symbols.approved(word)))
    return {name: frozenset(genes) for name, genes in sorted(members.items())}


def by_class(
    table: pd.DataFrame, classes: Mapping[str, frozenset[str]], resampler: Resampler
) -> list[Slice]:
    """Return the AUROC among the perturbations of each class, pooled over the lines' readouts."""
    named = frozenset().union(*classes.values())
    groups = {**classes, NO_CLASS: frozenset(table.pert) - named}
    out = []
    for task in TASKS:
        rows = labelled(table, task)
        for name, genes in groups.items():
            out += _slice(rows[rows.pert.isin(genes)], task, name, resampler)
    return out


def by_training_rows(table: pd.DataFrame, resampler: Resampler) -> list[Slice]:
    """Return the AUROC of readouts with few to many training rows in their line."""
    out = []
    for task in TASKS:
        rows = labelled(table, task)
        if rows.empty:
            continue
        count = rows.groupby(["cell_line", "gene"], observed=True).label.transform("size")
        edges = np.unique(np.quantile(count, np.linspace(0, 1, PARTS + 1)).round())
        for low, high in pairwise(edges):
            last = high == edges[-1]
            here = (count >= low) & ((count <= high) if last else (count < high))
            name = f"{low:.0f} to {high - (not last):.0f}"
            out += _slice(rows[here], task, name, resampler)
    return out


def _slice(rows: pd.DataFrame, task: TaskName, name: str, resampler: Resampler) -> list[Slice]:
    found = resampler.sample(rows, "p") if len(rows) >= FEWEST_ROWS else None
    if found is None:
        return []
    return [
        Slice(
            task=task,
            name=name,
            rows=len(rows),
            readouts=found.readouts,
            auroc=found.estimate(),
        )
    ]
