"""The signed, directed, multi-edge graph of signalling, transcription and complexes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import networkx as nx

from knowledge.schema import Direction, Edge, EdgeEffect, Frozen, NodeKind
from knowledge.trust import EdgeTrust, is_starter, load_edge_trust

# A protein that is called a part of a complex mostly is, and mostly the complex needs it.
MEMBERSHIP_TRUST = 0.5


class Group(Frozen):
    """A complex or a process as a node of its own: losing a member lowers the group."""

    name: str
    kind: Literal["complex", "process"]
    members: tuple[str, ...] = ()
    summary: str = ""
    source: str = "starter"


@dataclass(frozen=True, slots=True)
class Relation:
    """Everything the graph says about how `source` acts on `target`, through one sign and quantity.

    `trust` is learnt (`knowledge.trust`), discounted by the edges of the opposite sign. `curated`:
    the starter pack asserts it, in the `programmes` named. `joins_group` marks a membership: the
    source is a part of the target.
    """

    source: str
    target: str
    effect: EdgeEffect
    sign: int
    expression: bool
    joins_group: bool
    edges: tuple[Edge, ...]
    opposed_by: tuple[Edge, ...]
    trust: float
    curated: bool = False
    programmes: frozenset[str] = frozenset()

    @property
    def mechanism(self) -> str:
        """Return the mechanism of the best edge."""
        return self.edges[0].mechanism


def is_membership(edge: Edge) -> bool:
    """Return whether `edge` says that its source is a part of its target."""
    return edge.mechanism in {"complex", "membership"} and edge.effect == "activates"


def changed(direction: Direction, sign: int) -> Direction:
    """Return which way a target goes when its source goes `direction` over an edge of `sign`.

    This is the loss-of-function logic: a lost activator lowers its target, a lost inhibitor
    raises it, and the other way round for a gain.
    """
    if sign not in (1, -1):
        raise ValueError(f"an edge of sign {sign} carries no direction")
    return direction if sign == 1 else ("down" if direction == "up" else "up")


class SignedGraph:
    """A `networkx.MultiDiGraph` of sourced edges; nodes are HGNC symbols and names of groups.

    Args:
        edges: Signed and unsigned assertions; parallel ones are kept.
        groups: Complexes and processes; each member is linked to its group.
        trust: How far the databases are trusted; as learnt by default.
    """

    def __init__(
        self,
        edges: Iterable[Edge],
        groups: Iterable[Group] = (),
        trust: EdgeTrust | None = None,
    ) -> None:
        self._graph = nx.MultiDiGraph()
        self._trust = trust or load_edge_trust()
        self._groups = {group.name: group for group in groups}
        self._relations: dict[str, tuple[Relation, ...]] = {}
        for edge in edges:
            self._graph.add_edge(edge.source, edge.target, edge=edge)
        for group in self._groups.values():
            self._graph.add_node(group.name)
            for member in group.members:
                self._graph.add_edge(member, group.name, edge=_membership(member, group))

    def __contains__(self, node: str) -> bool:
        return node in self._graph

    def __len__(self) -> int:
        return int(self._graph.number_of_nodes())

    @cached_property
    def has_databases(self) -> bool:
        """Return whether it holds more than the starter pack."""
        return any(not is_starter(edge) for edge in self.edges)

    @property
    def edges(self) -> Iterator[Edge]:
        """Iterate over every assertion."""
        return (edge for _, _, edge in self._graph.edges(data="edge"))

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the complexes and processes."""
        return tuple(self._groups.values())

    def group(self, name: str) -> Group | None:
        """Return the complex or process called `name`, if there is one."""
        return self._groups.get(name)

    def kind(self, node: str) -> NodeKind:
        """Return whether `node` is a gene, a complex or a process."""
        group = self._groups.get(node)
        return group.kind if group else "gene"

    def groups_of(self, gene: str) -> tuple[Group, ...]:
        """Return the complexes and processes that `gene` is a member of."""
        if gene not in self._graph:
            return ()
        return tuple(self._groups[n] for n in self._graph.successors(gene) if n in self._groups)

    def out_edges(self, node: str) -> tuple[Edge, ...]:
        """Return the assertions that start at `node`, none for an unknown node."""
        if node not in self._graph:
            return ()
        return tuple(edge for _, _, edge in self._graph.out_edges(node, data="edge"))

    def in_edges(self, node: str) -> tuple[Edge, ...]:
        """Return the assertions that point at `node`, none for an unknown node."""
        if node not in self._graph:
            return ()
        return tuple(edge for _, _, edge in self._graph.in_edges(node, data="edge"))

    def successors(self, node: str) -> Iterator[str]:
        """Iterate over the nodes that `node` acts on."""
        return iter(self._graph.successors(node)) if node in self._graph else iter(())

    def edges_between(self, source: str, target: str) -> tuple[Edge, ...]:
        """Return the parallel assertions from `source` to `target`."""
        data = self._graph.get_edge_data(source, target) or {}
        return tuple(entry["edge"] for entry in data.values())

    def relations(self, source: str, target: str) -> tuple[Relation, ...]:
        """Return the signed relations from `source` to `target`, at most one per quantity.

        Where databases disagree on the sign, the better supported sign wins, its trust is reduced
        by the support of the other, and the losers are kept in `opposed_by`. The starter pack has
        settled its own signs against the databases, so it wins without reduction. An even split
        gives no relation: an unknown sign is not guessed.
        """
        signed = [edge for edge in self.edges_between(source, target) if edge.sign]
        found = []
        for expression in (True, False):
            edges = [edge for edge in signed if edge.changes_expression is expression]
            up = [edge for edge in edges if edge.sign == 1]
            down = [edge for edge in edges if edge.sign == -1]
            heavier = self._weight(up) >= self._weight(down)
            winners, losers = (up, down) if heavier else (down, up)
            if not winners or self._weight(winners) == self._weight(losers):
                continue
            curated = _curated(winners)
            doubt = 0.0 if curated else self._trusted(losers)
            winners.sort(key=_display_order)
            found.append(
                Relation(
                    source=source,
                    target=target,
                    effect=winners[0].effect,
                    sign=winners[0].sign,
                    expression=expression,
                    joins_group=target in self._groups and is_membership(winners[0]),
                    edges=tuple(winners),
                    opposed_by=tuple(losers),
                    trust=self._trusted(winners) * (1 - doubt),
                    curated=curated,
                    programmes=frozenset(edge.database for edge in winners if is_starter(edge)),
                )
            )
        return tuple(found)

    def _trusted(self, edges: list[Edge]) -> float:
        if not edges:
            return 0.0
        if is_membership(edges[0]) and not _curated(edges):
            return MEMBERSHIP_TRUST
        return self._trust.of(edges)

    def _weight(self, edges: list[Edge]) -> tuple[bool, float]:
        """Return what decides between two signs: the starter pack first, then the support."""
        return _curated(edges), self._trusted(edges)

    def out_relations(self, source: str) -> tuple[Relation, ...]:
        """Return the signed relations that start at `source`."""
        if source not in self._relations:
            self._relations[source] = tuple(
                relation
                for target in self.successors(source)
                for relation in self.relations(source, target)
            )
        return self._relations[source]

    def within(self, targets: Iterable[str], steps: int) -> dict[str, int]:
        """Return how many steps each node is from the nearest of `targets`, up to `steps`."""
        sources = [target for target in targets if target in self._graph]
        if not sources:
            return {}
        backwards = self._graph.reverse(copy=False)
        return dict(nx.multi_source_dijkstra_path_length(backwards, sources, cutoff=steps))


def _membership(member: str, group: Group) -> Edge:
    return Edge(
        source=member,
        target=group.name,
        effect="activates",
        mechanism="complex" if group.kind == "complex" else "membership",
        database=group.source,
    )


def _curated(edges: list[Edge]) -> bool:
    return any(is_starter(edge) for edge in edges)


def _display_order(edge: Edge) -> tuple[bool, bool, str]:
    """Order the hand-curated edge first, then edges with references."""
    return (not is_starter(edge), not edge.references, edge.database)
