"""The control of every graph: the same degrees, but edges that mean nothing."""

from dataclasses import replace

import numpy as np

from models.genen.graphs import PropertyGraph, Relation
from models.genen.interactions import IntArray

ROUNDS = 10


def rewired(graph: PropertyGraph, rng: np.random.Generator, rounds: int = ROUNDS) -> PropertyGraph:
    """Return `graph` with interactions and annotations shuffled and every degree as it was.

    What terms are kinds of others stays, for it says nothing of genes. An edge keeps its weight and
    features, so the strengths of a node may change though its degree does not.

    Args:
        graph: The real graph.
        rng: Chooses the edges.
        rounds: How often each edge is offered a swap.
    """
    done: list[Relation] = []
    for relation in graph.relations:
        if relation.name == "interacts":
            half = len(relation) // 2
            pairs = _swapped(relation.index[:, :half].T, len(graph.genes), rng, rounds, True)
            done.append(replace(relation, index=np.concatenate([pairs, pairs[:, ::-1]]).T))
        elif relation.name == "annotated":
            size = max(len(graph.genes), len(graph.terms))
            done.append(
                replace(relation, index=_swapped(relation.index.T, size, rng, rounds, False).T)
            )
        elif relation.name == "annotates":
            done.append(done[-1].reversed("annotates"))
        else:
            done.append(relation)
    return replace(graph, relations=tuple(done))


def _swapped(
    pairs: IntArray, size: int, rng: np.random.Generator, rounds: int, undirected: bool
) -> IntArray:
    """Exchange the ends of random pairs of edges where that makes no loop and no edge twice."""
    ends = pairs.copy()
    for _ in range(rounds):
        order = rng.permutation(len(ends))
        half = len(ends) // 2
        one, two = order[:half], order[half : 2 * half]
        first, second = ends[one], ends[two]
        if undirected:
            turned = rng.random(half) < 0.5
            second[turned] = second[turned][:, ::-1]
        new_one = np.column_stack([first[:, 0], second[:, 1]])
        new_two = np.column_stack([second[:, 0], first[:, 1]])
        if undirected:
            new_one.sort(axis=1)
            new_two.sort(axis=1)
        codes = np.concatenate([_coded(new_one, size), _coded(new_two, size)])
        _, inverse, count = np.unique(codes, return_inverse=True, return_counts=True)
        free = (count[inverse] == 1) & ~np.isin(codes, _coded(ends, size))
        swap = free[:half] & free[half:]
        if undirected:
            swap &= (new_one[:, 0] != new_one[:, 1]) & (new_two[:, 0] != new_two[:, 1])
        ends[one[swap]], ends[two[swap]] = new_one[swap], new_two[swap]
    return ends


def _coded(pairs: IntArray, size: int) -> IntArray:
    return np.asarray(pairs[:, 0] * size + pairs[:, 1], np.int64)
