"""Fits how far each database's signs are trusted, on measured signs of other perturbations.

A relation that changes transcripts is right where its target fell after its activator was lost. One
that changes a protein is right where the transcripts that the starter pack hangs on that protein
moved accordingly. Labels come from training regulators and from training perturbations of the
screens; relations of the starter pack are the yardstick and are not fitted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import log1p
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from knowledge.graph import changes_expression, is_membership
from knowledge.schema import Edge
from knowledge.trust import EdgeTrust, is_starter

# Weak priors: some databases have a handful of labelled relations.
INVERSE_PENALTY = 0.5
# Genes that the starter pack hangs on a protein, from which the protein's change is read.
MOST_TARGETS = 25


class Labelled(NamedTuple):
    """A relation, whether its sign was the measured one, and how much that says."""

    edges: tuple[Edge, ...]
    right: bool
    weight: float
    mediated: bool


def measured_signs(consensus: pd.DataFrame, directions: pd.DataFrame) -> pd.DataFrame:
    """Return `pert`, `gene`, `sign` after loss and `weight` of all measured pairs.

    Args:
        consensus: As `models.fusion.regulator_sets.consensus` returns it; a pair weighs the square
            of its votes, as much as it is surer.
        directions: Training rows of the screens: `pert`, `gene` and `label` (1: up); a line weighs
            as much as two votes.
    """
    regulators = pd.DataFrame(
        {
            "pert": consensus["regulator"],
            "gene": consensus["gene"],
            "sign": np.sign(consensus["votes"]),
            "weight": consensus["votes"].astype(float) ** 2,
        }
    )
    screens = pd.DataFrame(
        {
            "pert": directions["pert"],
            "gene": directions["gene"],
            "sign": 2 * directions["label"].astype(int) - 1,
            "weight": 4.0,
        }
    )
    both = pd.concat([regulators[regulators["sign"] != 0], screens], ignore_index=True)
    return both[both["pert"] != both["gene"]]


def fit_edge_trust(edges: Iterable[Edge], signs: pd.DataFrame) -> tuple[EdgeTrust, dict[str, float]]:
    """Return the learnt trust, and what it rests on (counts and shares)."""
    labelled = list(_labelled(edges, signs))
    starter = [one for one in labelled if is_starter(one.edges[0]) and not one.mediated]
    others = [one for one in labelled if not is_starter(one.edges[0])]
    agreement = _share(starter)
    columns = sorted({_name(edge) for one in others for edge in one.edges})
    place = {name: i for i, name in enumerate(columns)}
    x = np.zeros((len(others), len(columns) + 2))
    for row, one in enumerate(others):
        for edge in one.edges:
            x[row, place[_name(edge)]] = 1
        papers = {reference for edge in one.edges for reference in edge.references}
        x[row, -2], x[row, -1] = log1p(len(papers)), one.mediated
    right = np.array([one.right for one in others])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000)
    model.fit(x, right, sample_weight=[one.weight for one in others])
    weights = [float(value) for value in model.coef_[0]]
    trust = EdgeTrust(
        bias=float(model.intercept_[0]),
        databases=dict(zip(columns, weights, strict=False)),
        papers=max(weights[-2], 0.0),
        starter_agreement=agreement,
    )
    found: dict[str, float] = {
        "starter_pairs": len(starter),
        "starter_right": agreement,
        "database_pairs": len(others),
        "database_right": _share(others),
    }
    for name in columns:
        own = [one for one in others if any(_name(edge) == name for edge in one.edges)]
        found[f"{name} pairs"], found[f"{name} right"] = len(own), _share(own)
    return trust, found


def _labelled(edges: Iterable[Edge], signs: pd.DataFrame) -> Iterator[Labelled]:
    measured: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    for pert, gene, sign, weight in signs[["pert", "gene", "sign", "weight"]].itertuples(index=False):
        measured[pert][gene] = (int(sign), float(weight))
    relations = _relations(edges)
    hung: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (source, target, sign, expression), group in relations.items():
        if expression and any(is_starter(edge) for edge in group):
            hung[source].append((target, sign))
    for (source, target, sign, expression), group in relations.items():
        rows = measured.get(source)
        if rows is None:
            continue
        shown = _shown(group)
        if expression and target in rows:
            after, weight = rows[target]
            yield Labelled(shown, after == -sign, weight, mediated=False)
        elif not expression:
            moved = [(gene, s) for gene, s in hung.get(target, ()) if gene in rows][:MOST_TARGETS]
            for gene, onward in moved:
                after, weight = rows[gene]
                yield Labelled(shown, after == -sign * onward, weight / len(moved), mediated=True)


def _relations(edges: Iterable[Edge]) -> Mapping[tuple[str, str, int, bool], list[Edge]]:
    found: dict[tuple[str, str, int, bool], list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.sign and not is_membership(edge):
            found[edge.source, edge.target, edge.sign, changes_expression(edge)].append(edge)
    return found


def _shown(group: list[Edge]) -> tuple[Edge, ...]:
    """Return the starter pack's edges alone where it has one, else all."""
    curated = tuple(edge for edge in group if is_starter(edge))
    return curated or tuple(group)


def _name(edge: Edge) -> str:
    return f"{edge.database}:{'+' if edge.sign > 0 else '-'}"


def _share(rows: list[Labelled]) -> float:
    total = sum(row.weight for row in rows)
    return sum(row.weight for row in rows if row.right) / total if total else float("nan")
