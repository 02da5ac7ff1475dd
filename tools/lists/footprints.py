"""What the loss of every gene does by signed paths of at most three steps: its footprint.

Confidences are those of the cascade, `STEP_DISCOUNT` a step, but parallel paths add up and no line
is asked what it passes on: a footprint ranks causes, the cascade explains one.
"""

from pathlib import Path

import numpy as np
from scipy import sparse

from knowledge.base import Knowledge
from knowledge.cascade import STEP_DISCOUNT, TRANSCRIPT_DISCOUNT
from tools.lists.kept import SignedRows, kept

LEAST = 0.02
STEPS = 3


def footprints(knowledge: Knowledge, folder: Path) -> SignedRows:
    """Return the footprint of every gene of the graph; kept in `folder` once made."""
    version = repr(sorted(knowledge.versions.items()))
    return kept(folder / "footprints.npz", version, lambda: _made(knowledge))


def _made(knowledge: Knowledge) -> SignedRows:
    graph = knowledge.graph
    nodes = sorted({node for edge in graph.edges for node in (edge.source, edge.target)}
                   | {group.name for group in graph.groups}
                   | {member for group in graph.groups for member in group.members})  # fmt: skip
    number = {node: at for at, node in enumerate(nodes)}
    moved: list[tuple[int, int, float]] = []
    acted: list[tuple[int, int, float]] = []
    for node in nodes:
        for relation in graph.out_relations(node):
            ends = number[relation.source], number[relation.target]
            signed = relation.sign * relation.trust
            if relation.expression:
                moved.append((*ends, signed * STEP_DISCOUNT))
                acted.append((*ends, signed * STEP_DISCOUNT * TRANSCRIPT_DISCOUNT))
            else:
                acted.append((*ends, signed * (1.0 if relation.joins_group else STEP_DISCOUNT)))
    transcripts, activities = _matrix(moved, len(nodes)), _matrix(acted, len(nodes))
    total = level = transcripts
    for _ in range(STEPS - 1):
        level = _pruned(activities @ level)
        total = total + level
    genes = np.array([at for node, at in number.items() if graph.kind(node) == "gene"])
    # More of an activator raises its target; a loss does the opposite.
    values = -_pruned(total)[genes][:, genes]
    names = tuple(nodes[at] for at in genes)
    some = np.flatnonzero(np.diff(values.tocsr().indptr))
    return SignedRows(names, names, values.tocsr()).take(some)


def _matrix(edges: list[tuple[int, int, float]], n: int) -> sparse.csr_array:
    if not edges:
        return sparse.csr_array((n, n), dtype=np.float32)
    source, target, value = (np.array(part) for part in zip(*edges, strict=True))
    return sparse.coo_array((value.astype(np.float32), (source, target)), shape=(n, n)).tocsr()


def _pruned(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return a matrix without what the cascade would not follow either, confidences at most 1."""
    found = matrix.tocsr().copy()
    found.data = np.clip(found.data, -1, 1)
    found.data[np.abs(found.data) < LEAST] = 0
    found.eliminate_zeros()
    return found
