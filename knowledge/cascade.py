"""Where a perturbation can travel in the signed graph: steps, their signs and their best paths."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from knowledge.cell_lines import CellLine
from knowledge.expression import BaselineExpression
from knowledge.graph import Relation, SignedGraph, changed
from knowledge.schema import Change, Direction, Perturbation

# Each step away costs, because effects fade and opposite feedback sets in; a changed transcript is
# a weaker cause of the next step than a protein that is changed directly; losing a member and
# losing its group are one step. Chosen on the training split of PerturbQA for the AUROC of the
# signed confidence against the measured direction, which `knockwise train fusion` reports.
STEP_DISCOUNT = 0.6
TRANSCRIPT_DISCOUNT = 0.5

# The longest path, and the confidence below which one is not followed.
MAX_STEPS = 7
MIN_CONFIDENCE = 0.02

# Source, target, and whether the target's transcript changes.
RelationKey = tuple[str, str, bool]


@dataclass(frozen=True)
class CellState:
    """What a cell line does not pass on.

    Attributes:
        line: The cell line, with its lesions and the lineage genes that it keeps silent.
        expression: Baseline expression, where it has been measured.
    """

    line: CellLine
    expression: BaselineExpression | None = None

    def lacks(self, gene: str) -> str | None:
        """Return why the line certainly has no working `gene`, or None."""
        lesion = self.line.lesion(gene)
        if lesion is not None and lesion.effect == "loss":
            return f"{self.line.name} lacks functional {gene}: {lesion.note}"
        if gene in self.line.silent_genes:
            return f"{self.line.name} does not express {gene}."
        return None

    def absent(self, gene: str) -> str | None:
        """Return why `gene` does nothing in this line, or None if it may."""
        if lacks := self.lacks(gene):
            return lacks
        if self.expression is not None and self.expression.expressed(gene, self.line.name) is False:
            return f"{gene} is below 1 {self.expression.unit} in unperturbed {self.line.name}."
        return None

    def blocks(self, change: Change) -> str | None:
        """Return why `change` cannot happen in this line, or None if it can.

        A gene with little baseline RNA may still be induced; one that its lineage keeps silent,
        or that is lost, may not.
        """
        lesion = self.line.lesion(change.node)
        if lesion is not None and lesion.effect == "gain" and change.quantity == "activity":
            return f"{change.node} is constitutively active in {self.line.name}: {lesion.note}"
        if change.quantity == "expression" and change.direction == "up":
            if change.node in self.line.silent_genes:
                return f"{self.line.name} does not express {change.node}."
            return None
        return self.absent(change.node)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One step that the graph allows from a change that has already happened."""

    source: Change
    relation: Relation
    target: Change
    confidence: float

    @property
    def key(self) -> RelationKey:
        """Identify the relation behind the step."""
        return (self.relation.source, self.relation.target, self.relation.expression)


def start(perturbation: Perturbation) -> tuple[Change, ...]:
    """Return what the perturbation itself does: the activity of its genes is lost or gained."""
    direction: Direction = "up" if perturbation.kind == "activation" else "down"
    return tuple(
        Change(node=gene, direction=direction, quantity="activity") for gene in perturbation.genes
    )


def carried(change: Change, confidence: float) -> float:
    """Return how much of the confidence in `change` is left for what it causes."""
    discount = TRANSCRIPT_DISCOUNT if change.quantity == "expression" else 1.0
    return confidence * STEP_DISCOUNT * discount


def next_steps(graph: SignedGraph, change: Change, confidence: float = 1.0) -> Iterator[Candidate]:
    """Iterate over the steps that `change` makes possible, with the confidence of getting there.

    Losing one member breaks a complex or a process, but more of one member does not make more of
    it, so gains stop at the border of a group.
    """
    remaining = carried(change, confidence)
    for relation in graph.out_relations(change.node):
        if relation.joins_group and change.direction == "up":
            continue
        yield Candidate(
            source=change,
            relation=relation,
            target=Change(
                node=relation.target,
                kind=graph.kind(relation.target),
                direction=changed(change.direction, relation.sign),
                quantity="expression" if relation.expression else "activity",
            ),
            confidence=(confidence if relation.joins_group else remaining) * relation.trust,
        )


# A change as the search sees it: node, whether it goes up, whether its transcript changes.
_State = tuple[str, bool, bool]


class Reach:
    """The best-supported signed path to every change that a perturbation can cause."""

    def __init__(
        self,
        graph: SignedGraph,
        arrivals: Mapping[_State, tuple[float, Relation, _State]],
    ) -> None:
        self._graph, self._arrivals = graph, arrivals

    def confidence(self, gene: str, direction: Direction) -> float:
        """Return the confidence that `gene`'s transcript goes `direction`, 0 if unreachable."""
        arrival = self._arrivals.get((gene, direction == "up", True))
        return arrival[0] if arrival else 0.0

    def best(self, gene: str) -> float:
        """Return the confidence of the best path to `gene`'s transcript, whichever way it goes."""
        return max(self.confidence(gene, "up"), self.confidence(gene, "down"))

    def path(self, gene: str, direction: Direction) -> tuple[Candidate, ...]:
        """Return the best path to `gene`'s transcript going `direction`, first step first."""
        state: _State = (gene, direction == "up", True)
        steps: list[Candidate] = []
        while (arrival := self._arrivals.get(state)) is not None:
            confidence, relation, before = arrival
            steps.append(
                Candidate(
                    source=self._change(before),
                    relation=relation,
                    target=self._change(state),
                    confidence=confidence,
                )
            )
            state = before
        return tuple(reversed(steps))

    def transcripts(self) -> set[str]:
        """Return the genes whose transcript can be reached."""
        return {node for node, _, expression in self._arrivals if expression}

    def __len__(self) -> int:
        return len(self._arrivals)

    def _change(self, state: _State) -> Change:
        return _as_change(self._graph, state)


def reach(
    graph: SignedGraph,
    origins: Iterable[Change],
    *,
    cell: CellState | None = None,
    max_steps: int = MAX_STEPS,
    min_confidence: float = MIN_CONFIDENCE,
    without: frozenset[RelationKey] = frozenset(),
) -> Reach:
    """Find the most confident path to every reachable change (Dijkstra over signed changes).

    A path never returns to a gene that it has passed, nor to a perturbed gene: the perturbation
    holds that gene where it is.

    Args:
        graph: The signed graph.
        origins: The changes made by the perturbation.
        cell: What the cell line does not pass on.
        max_steps: The longest path.
        min_confidence: Paths less confident than this are dropped.
        without: Keys of relations that have been refuted and must not be used.
    """
    begin: list[_State] = [
        (change.node, change.direction == "up", change.quantity == "expression")
        for change in origins
        if cell is None or cell.absent(change.node) is None
    ]
    held = {node for node, _, _ in begin}
    arrivals: dict[_State, tuple[float, Relation, _State]] = {}
    blocked: dict[_State, bool] = {}
    settled: set[_State] = set()
    seen: dict[_State, float] = dict.fromkeys(begin, 1.0)
    # The heap breaks ties by counter, so that the result does not depend on hash order.
    queue: list[tuple[float, int, _State, Relation | None, _State]] = [
        (-1.0, index, state, None, state) for index, state in enumerate(begin)
    ]
    counter = len(queue)
    while queue:
        negative, _, state, relation, before = heapq.heappop(queue)
        if state in settled:
            continue
        settled.add(state)
        confidence = -negative
        if relation is not None:
            arrivals[state] = (confidence, relation, before)
        passed = _passed(arrivals, state)
        if len(passed) > max_steps:
            continue
        node, up, expression = state
        remaining = confidence * STEP_DISCOUNT * (TRANSCRIPT_DISCOUNT if expression else 1.0)
        for step in graph.out_relations(node):
            if step.joins_group and up:
                continue
            arriving = (confidence if step.joins_group else remaining) * step.trust
            target: _State = (step.target, up is (step.sign == 1), step.expression)
            if (
                arriving < min_confidence
                or arriving <= seen.get(target, 0.0)
                or step.target in held
                or step.target in passed
                or (without and (node, step.target, step.expression) in without)
            ):
                continue
            if cell is not None:
                if target not in blocked:
                    blocked[target] = cell.blocks(_as_change(graph, target)) is not None
                if blocked[target]:
                    continue
            seen[target] = arriving
            heapq.heappush(queue, (-arriving, counter, target, step, state))
            counter += 1
    return Reach(graph, arrivals)


def _as_change(graph: SignedGraph, state: _State) -> Change:
    node, up, expression = state
    return Change(
        node=node,
        kind=graph.kind(node),
        direction="up" if up else "down",
        quantity="expression" if expression else "activity",
    )


def _passed(arrivals: Mapping[_State, tuple[float, Relation, _State]], state: _State) -> set[str]:
    passed = {state[0]}
    while (arrival := arrivals.get(state)) is not None:
        state = arrival[2]
        passed.add(state[0])
    return passed
