"""Where the model is good and where it is not: held-out rows by readout and by perturbed gene."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from evals.harness.resampling import Resampler
from evals.harness.scores import Key, Score
from evals.perturbqa.score import MODEL
from evals.tasks import TASKS, auroc, labelled
from knowledge.parsers.gmt import read_gmt
from knowledge.parsers.table import read_table
from knowledge.symbols import SymbolTable

BY = ("training rows", "class")
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
    table: pd.DataFrame, classes: Mapping[str, frozenset[str]], draw: Resampler
) -> Iterator[Score]:
    """Yield the AUROC among the perturbations of each class, pooled over the lines' readouts."""
    named = frozenset().union(*classes.values())
    groups = {**classes, NO_CLASS: frozenset(table.pert) - named}
    for task in TASKS:
        rows = labelled(table, task)
        for name, genes in groups.items():
            keys: dict[str, Key] = {"by": "class", "part": name, "task": task}
            yield from _part(rows[rows.pert.isin(genes)], draw, keys)


def by_training_rows(table: pd.DataFrame, draw: Resampler) -> Iterator[Score]:
    """Yield the AUROC of readouts with few to many training rows in their line."""
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
            keys: dict[str, Key] = {"by": "training rows", "part": name, "task": task}
            yield from _part(rows[here], draw, keys)


def _part(rows: pd.DataFrame, draw: Resampler, keys: Mapping[str, Key]) -> Iterator[Score]:
    found = auroc(rows, "p", draw) if len(rows) >= FEWEST_ROWS else None
    if found is not None:
        yield Score(MODEL, "auroc", found, "ours", **keys)
        yield Score(MODEL, "rows", len(rows), "ours", **keys)
        yield Score(MODEL, "readouts", found.readouts, "ours", **keys)
