"""Do known regulators of what responds come before their targets in the cascade?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from evals.altered_graphs import Pair, Relations
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Key, Score
from evals.mechanism.facts import ALL
from models.inputs.screens import CELL_LINES


def places(path: Sequence[int], relations: Relations) -> dict[str, int]:
    """Return after how many steps each node of a path is changed."""
    return {relations.all[number].target: place + 1 for place, number in enumerate(path)}


def regulon_pairs(
    pairs: pd.DataFrame, relations: Relations, regulators: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return a row per responding readout and regulator of it that its perturbation's cascade has.

    The place of a node is the shortest way to it over the paths to all readouts that responded.

    Args:
        pairs: From `evals.mechanism.direction.changed_pairs`.
        relations: Those that the paths are told in.
        regulators: Genes that act on a readout's transcript.

    Returns:
        `cell_line`, `pert`, `own` (whether the regulator is on the readout's own path) and `right`
        (1 where it comes first, one half at the same place).
    """
    found = []
    for (line, pert), rows in pairs.groupby(["cell_line", "pert"], sort=True):
        paths = {gene: places(path, relations) for gene, path in zip(rows.gene, rows.path,
                                                                     strict=True)}  # fmt: skip
        first: dict[str, int] = {}
        for path in paths.values():
            for node, place in path.items():
                first[node] = min(place, first.get(node, place))
        for gene, path in paths.items():
            for regulator in regulators.get(gene, ()):
                if regulator in first and regulator not in (gene, pert):
                    ahead = path[gene] - first[regulator]
                    right = 0.5 if ahead == 0 else float(ahead > 0)
                    found.append((line, pert, regulator in path, right))
    return pd.DataFrame(found, columns=["cell_line", "pert", "own", "right"])


def regulons(relations: Relations) -> dict[str, list[str]]:
    """Return the genes that act on each gene's transcript, as the graph has them."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in relations.all:
        if one.expression and relations.graph.kind(one.source) == "gene":
            found[one.target].append(one.source)
    return dict(found)


def exchanged(
    regulators: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> dict[str, list[str]]:
    """Return regulons in which edges have exchanged their targets; degrees are kept."""
    edges = [(tf, gene) for gene, tfs in sorted(regulators.items()) for tf in tfs]
    targets = rng.permutation(np.array([gene for _, gene in edges]))
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for (tf, _), gene in zip(edges, targets, strict=True):
        found[str(gene)][tf] = None
    return {gene: list(tfs) for gene, tfs in found.items()}


def order(
    pairs: pd.DataFrame,
    relations: Relations,
    hidden: frozenset[Pair],
    resampler: Resampler,
    rng: np.random.Generator,
) -> Iterator[Score]:
    """Iterate over the order accuracy per line, of known regulon edges and of hidden ones.

    Args:
        pairs: From `evals.mechanism.direction.changed_pairs`.
        relations: Those that the paths are told in, the hidden ones among them.
        hidden: Pairs whose relations the search could not use; none for the graph as it is.
        resampler: Draws perturbations.
        rng: Exchanges the targets of the control.
    """
    real = regulons(relations)
    control = exchanged(real, rng)
    if hidden:
        real = {gene: [tf for tf in tfs if (tf, gene) in hidden] for gene, tfs in real.items()}
    found = regulon_pairs(pairs, relations, real)
    others = regulon_pairs(pairs, relations, control)
    if hidden:
        # What stands on one path is in order by construction, which no hidden edge can bring about.
        found, others = found[~found.own], others[~others.own]
    for line in (*CELL_LINES, ALL):
        mine, theirs = (one[(one.cell_line == line) | (line == ALL)] for one in (found, others))
        if mine.empty or theirs.empty:
            continue
        accuracy, exchanged_ones = (
            resampler.mean(one.pert.to_numpy(str), one.right) for one in (mine, theirs)
        )
        keys: dict[str, Key] = {
            "about": "order", "edges": "hidden" if hidden else "known", "cell_line": line,
        }  # fmt: skip
        yield Score("cascade", "pairs", len(mine), **keys)
        yield Score("cascade", "on one path", float(mine.own.mean()), **keys)
        yield Score("cascade", "in order", accuracy, **keys)
        yield Score("exchanged", "in order", exchanged_ones, "control", **keys)
        yield Gain("cascade", "exchanged", "in order", accuracy - exchanged_ones, **keys)
