"""The signed graph as a table of relations, and graphs with relations shuffled, moved or hidden."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from knowledge.graph import Group, Relation, SignedGraph
from knowledge.schema import Edge, EdgeEffect, NodeKind

IntArray = NDArray[np.int64]
Pair = tuple[str, str]
MEMBERSHIP = "membership"
EFFECT: Mapping[int, EdgeEffect] = {1: "activates", -1: "inhibits"}


class AlteredGraph(SignedGraph):
    """A graph with other relations than `base`, which names the kinds of its nodes.

    Args:
        base: The graph as it is.
        relations: What this graph says instead.
    """

    def __init__(self, base: SignedGraph, relations: Iterable[Relation]) -> None:
        super().__init__(())
        self._base = base
        found: dict[str, list[Relation]] = defaultdict(list)
        for relation in relations:
            found[relation.source].append(relation)
        self._out = {source: tuple(many) for source, many in found.items()}

    def kind(self, node: str) -> NodeKind:
        """Return whether `node` is a gene, a complex or a process."""
        return self._base.kind(node)

    def out_relations(self, source: str) -> tuple[Relation, ...]:
        """Return the signed relations that start at `source`."""
        return self._out.get(source, ())


class GraphWithout(SignedGraph):
    """A graph from which everything that is said between some pairs of nodes is taken away.

    Args:
        base: The graph as it is.
        pairs: Ordered pairs of nodes; the other way round is another pair.
    """

    def __init__(self, base: SignedGraph, pairs: Collection[Pair]) -> None:
        super().__init__(())
        self._base, self._pairs = base, frozenset(pairs)
        self._sources = {source for source, _ in self._pairs}
        self._left: dict[str, tuple[Relation, ...]] = {}

    def __contains__(self, node: str) -> bool:
        return node in self._base

    def kind(self, node: str) -> NodeKind:
        """Return whether `node` is a gene, a complex or a process."""
        return self._base.kind(node)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the complexes and processes."""
        return self._base.groups

    def edges_between(self, source: str, target: str) -> tuple[Edge, ...]:
        """Return the parallel assertions from `source` to `target`."""
        if (source, target) in self._pairs:
            return ()
        return self._base.edges_between(source, target)

    def relations(self, source: str, target: str) -> tuple[Relation, ...]:
        """Return the signed relations from `source` to `target`."""
        return () if (source, target) in self._pairs else self._base.relations(source, target)

    def out_relations(self, source: str) -> tuple[Relation, ...]:
        """Return the signed relations that start at `source`."""
        if source not in self._sources:
            return self._base.out_relations(source)
        if source not in self._left:
            self._left[source] = tuple(
                one
                for one in self._base.out_relations(source)
                if (source, one.target) not in self._pairs
            )
        return self._left[source]


class Relations:
    """Every signed relation of a graph, in an order that does not depend on hashing.

    Attributes:
        all: The relations.
        number: Their places by source, target and whether a transcript changes.
        kind: Number of each relation's type `(relations,)`; see `relation_type`.
        sign: +1 or -1 `(relations,)`.
    """

    def __init__(self, graph: SignedGraph) -> None:
        self.graph = graph
        nodes = sorted({edge.source for edge in graph.edges})
        self.all: Sequence[Relation] = [r for node in nodes for r in graph.out_relations(node)]
        self.number = {(r.source, r.target, r.expression): i for i, r in enumerate(self.all)}
        types = [relation_type(relation) for relation in self.all]
        self.types: tuple[str, ...] = tuple(sorted(set(types)))
        index = {name: i for i, name in enumerate(self.types)}
        self.kind: IntArray = np.array([index[name] for name in types], np.int64)
        self.sign: IntArray = np.array([relation.sign for relation in self.all], np.int64)

    def __len__(self) -> int:
        return len(self.all)

    def shuffled_signs(self, rng: np.random.Generator) -> IntArray:
        """Return signs dealt anew among the relations of each type `(relations,)`."""
        signs = self.sign.copy()
        for here in self._by_type():
            signs[here] = rng.permutation(signs[here])
        return signs

    def with_signs_shuffled(self, rng: np.random.Generator) -> Sequence[Relation]:
        """Return every relation with the sign that `shuffled_signs` deals it."""
        return [
            one if one.sign == sign else replace(one, sign=int(sign), effect=EFFECT[int(sign)])
            for one, sign in zip(self.all, self.shuffled_signs(rng), strict=True)
        ]

    def rewired(self, rng: np.random.Generator) -> AlteredGraph:
        """Return a graph in which the relations of each type have exchanged their targets.

        Every node keeps how many relations of each type and sign leave it and how many of each type
        reach it, but for the few that would then point at themselves or twice at the same node.
        """
        targets = np.arange(len(self.all))
        for here in self._by_type():
            targets[here] = rng.permutation(here)
        found: dict[tuple[str, str, bool], Relation] = {}
        for relation, place in zip(self.all, targets, strict=True):
            target = self.all[int(place)].target
            if target != relation.source:
                key = (relation.source, target, relation.expression)
                found.setdefault(key, replace(relation, target=target))
        return AlteredGraph(self.graph, found.values())

    def _by_type(self) -> list[IntArray]:
        return [np.flatnonzero(self.kind == number) for number in range(len(self.types))]


def relation_type(relation: Relation) -> str:
    """Return what kind of relation it is: its mechanism, and what of the target changes."""
    if relation.joins_group:
        return MEMBERSHIP
    return f"{relation.mechanism or 'not given'}, {'RNA' if relation.expression else 'activity'}"


def is_curated(relation: Relation) -> bool:
    """Return whether the starter pack asserts the relation, rather than databases alone."""
    return any(edge.database.startswith("starter") for edge in relation.edges)
