"""The signed paths that lead to one gene, found backwards: what acts on it, and how."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.cascade import MIN_CONFIDENCE, STEP_DISCOUNT, TRANSCRIPT_DISCOUNT, Candidate
from knowledge.graph import Relation, SignedGraph
from knowledge.schema import Change, Direction

MOST_STEPS = 4
# Nodes that are gone back from; beyond, paths are long and worth little.
WIDEST = 600
# A node, and whether more of it raises the gene.
_State = tuple[str, bool]


@dataclass(frozen=True)
class Upstream:
    """The best path from every node to one gene.

    Attributes:
        graph: The signed graph.
        gene: What the paths lead to.
        arrivals: For a node and the sign of its action: confidence, first relation, next state.
    """

    graph: SignedGraph
    gene: str
    arrivals: dict[_State, tuple[float, Relation, _State | None]]

    def confidence(self, node: str, direction: Direction) -> float:
        """Return the confidence that losing `node` moves the gene this way, 0 without a path."""
        arrival = self.arrivals.get((node, direction == "down"))
        return arrival[0] if arrival else 0.0

    def direction(self, node: str) -> Direction | None:
        """Return which way losing `node` moves the gene by the best path."""
        up, down = self.confidence(node, "up"), self.confidence(node, "down")
        if up == down:
            return None
        return "up" if up > down else "down"

    def path(self, node: str, direction: Direction) -> tuple[Candidate, ...]:
        """Return the best path from the loss of `node`, first step first."""
        state: _State | None = (node, direction == "down")
        before = Change(node=node, kind=self.graph.kind(node), direction="down",
                        quantity="activity")  # fmt: skip
        steps = []
        while state is not None and (arrival := self.arrivals.get(state)) is not None:
            confidence, relation, state = arrival
            falls = (before.direction == "down") == (relation.sign == 1)
            after = Change(
                node=relation.target,
                kind=self.graph.kind(relation.target),
                direction="down" if falls else "up",
                quantity="expression" if relation.expression else "activity",
            )
            steps.append(Candidate(before, relation, after, confidence))
            before = after
        return tuple(steps)

    def nodes(self) -> Iterator[str]:
        """Iterate over the genes that some path leads from."""
        return iter(dict.fromkeys(node for node, _ in self.arrivals))


def upstream(graph: SignedGraph, gene: str, *, activity: bool = False) -> Upstream:
    """Return the best paths to the transcript of `gene`; to its activity too, if so wanted."""
    arrivals: dict[_State, tuple[float, Relation, _State | None]] = {}
    settled: set[_State] = set()
    depth: dict[_State, int] = {}
    queue: list[tuple[float, int, _State]] = []
    counter = 0

    def arrive(relation: Relation, sign: int, confidence: float, then: _State | None) -> None:
        nonlocal counter
        state = (relation.source, sign == 1)
        if relation.source == gene or confidence < MIN_CONFIDENCE:
            return
        held = arrivals.get(state)
        if state in settled or (held is not None and held[0] >= confidence):
            return
        arrivals[state] = (confidence, relation, then)
        depth[state] = 1 + (depth[then] if then else 0)
        counter += 1
        heapq.heappush(queue, (-confidence, counter, state))

    for relation in _into(graph, gene):
        if relation.expression or activity:
            arrive(relation, relation.sign, STEP_DISCOUNT * relation.trust, None)
    while queue and len(settled) < WIDEST:
        negative, _, state = heapq.heappop(queue)
        if state in settled:
            continue
        settled.add(state)
        node, raises = state
        if depth[state] >= MOST_STEPS:
            continue
        passed = _passed(arrivals, state)
        for relation in _into(graph, node):
            if relation.source in passed:
                continue
            kept = 1.0 if relation.joins_group else STEP_DISCOUNT
            kept *= TRANSCRIPT_DISCOUNT if relation.expression else 1.0
            sign = relation.sign * (1 if raises else -1)
            arrive(relation, sign, -negative * kept * relation.trust, state)
    return Upstream(graph, gene, arrivals)


def _into(graph: SignedGraph, node: str) -> Iterator[Relation]:
    for source in sorted({edge.source for edge in graph.in_edges(node) if edge.sign}):
        yield from graph.relations(source, node)


def _passed(
    arrivals: dict[_State, tuple[float, Relation, _State | None]], state: _State | None
) -> set[str]:
    passed = set()
    while state is not None:
        passed.add(state[0])
        arrival = arrivals.get(state)
        state = arrival[2] if arrival else None
    return passed
