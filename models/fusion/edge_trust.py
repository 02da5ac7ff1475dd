"""Fits how far each database's signs are trusted, on measured signs of other perturbations.

A relation that changes transcripts is right where its target fell after its activator was lost. One
that changes a protein is right where the transcripts that the starter pack hangs on that protein
moved accordingly. Labels come from training regulators and from training perturbations of the
screens; relations of the starter pack are the yardstick and are not fitted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import log, log1p
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from knowledge.graph import is_membership
from knowledge.schema import Edge
from knowledge.trust import EdgeTrust, is_starter, trust_name

# Weak priors: some databases have a handful of labelled relations.
PENALTY = 2.0
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


def fit_edge_trust(
    edges: Iterable[Edge], signs: pd.DataFrame
) -> tuple[EdgeTrust, dict[str, float]]:
    """Return the learnt trust, and what it rests on (counts and shares)."""
    labelled = list(_labelled(edges, signs))
    starter = [one for one in labelled if is_starter(one.edges[0]) and not one.mediated]
    others = [one for one in labelled if not is_starter(one.edges[0])]
    agreement = _share(starter)
    databases = sorted({trust_name(edge) for one in others for edge in one.edges})
    names = ("bias", "mediated", "inhibits", "more", "papers", *databases)
    x = np.zeros((len(others), len(names)))
    for row, one in enumerate(others):
        said = set(map(trust_name, one.edges))
        papers = {reference for edge in one.edges for reference in edge.references}
        x[row, :5] = (
            1,
            one.mediated,
            one.edges[0].sign < 0,
            log(len(said)),
            log1p(len(papers)),
        )
        x[row, [names.index(name) for name in said]] = 1
    right = np.array([1.0 if one.right else -1.0 for one in others])
    weights = _fit(x, right, np.array([one.weight for one in others]), free=3)
    found_weights = dict(zip(names, weights.tolist(), strict=True))
    trust = EdgeTrust(
        bias=found_weights["bias"],
        inhibits=found_weights["inhibits"],
        databases={name: found_weights[name] for name in databases},
        more=found_weights["more"],
        papers=found_weights["papers"],
        starter_agreement=agreement,
    )
    found: dict[str, float] = {
        "starter_pairs": len(starter),
        "starter_right": agreement,
        "database_pairs": len(others),
        "database_right": _share(others),
    }
    for name in databases:
        for sign, mark in ((1, "+"), (-1, "-")):
            own = [
                one
                for one in others
                if one.edges[0].sign == sign and any(trust_name(edge) == name for edge in one.edges)
            ]
            if own:
                found[f"{name}{mark} pairs"], found[f"{name}{mark} right"] = len(own), _share(own)
    return trust, found


def _fit(
    x: NDArray[np.float64], right: NDArray[np.float64], weight: NDArray[np.float64], free: int
) -> NDArray[np.float64]:
    """Return the weights of a logistic model; all but the first `free` are at least 0."""

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = right * (x @ weights)
        slope = -(weight * right * expit(-margin)) @ x
        penalty = PENALTY * weights[1:] @ weights[1:] / 2
        total = float(weight @ np.logaddexp(0, -margin) + penalty)
        return total, slope + PENALTY * np.concatenate([[0.0], weights[1:]])

    bounds = [(None, None)] * free + [(0.0, None)] * (x.shape[1] - free)
    found = minimize(loss, np.zeros(x.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x)


def _labelled(edges: Iterable[Edge], signs: pd.DataFrame) -> Iterator[Labelled]:
    measured: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    columns = signs[["pert", "gene", "sign", "weight"]]
    for pert, gene, sign, weight in columns.itertuples(index=False):
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
            found[edge.source, edge.target, edge.sign, edge.changes_expression].append(edge)
    return found


def _shown(group: list[Edge]) -> tuple[Edge, ...]:
    """Return the starter pack's edges alone where it has one, else all."""
    curated = tuple(edge for edge in group if is_starter(edge))
    return curated or tuple(group)


def _share(rows: list[Labelled]) -> float:
    total = sum(row.weight for row in rows)
    return sum(row.weight for row in rows if row.right) / total if total else float("nan")
