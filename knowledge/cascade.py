"""Where a perturbation can travel in the signed graph: steps, their signs and their best paths."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from knowledge.cell_lines import CellLine
from knowledge.expression import BaselineExpression
from knowledge.graph import Relation, SignedGraph, changed
from knowledge.schema import Change, Direction, Perturbation, Quantity

# Each step away costs, because effects fade and opposite feedback sets in; a changed transcript is
# a weaker cause of the next step than a protein that is changed directly; losing a member and
# losing its group are one step. Chosen on the training split of PerturbQA for the AUROC of the
# signed confidence against the measured direction, which `knockwise train fusion` reports.
STEP_DISCOUNT = 0.6
TRANSCRIPT_DISCOUNT = 0.5
# A step into another programme of the starter pack: a story that stays in one programme is the
# documented one, however many steps it takes.
PROGRAMME_DISCOUNT = 0.6
# What is left of a step into a gene that is hardly expressed, by one source.
DOUBTFUL_EXPRESSION = 0.5

# The longest path, and the confidence below which one is not followed.
MAX_STEPS = 7
MIN_CONFIDENCE = 0.02
# Parallel paths to one readout that are told.
BRANCHES = 3

# Source, target, and whether the target's transcript changes.
RelationKey = tuple[str, str, bool]


@dataclass(frozen=True)
class CellState:
    """What a cell line does not pass on.

    Attributes:
        line: The cell line, with its lesions and the lineage genes that it keeps silent.
        expression: Baseline expression, where it has been measured.
        observed: Genes whose transcript a screen of the line read, whatever an atlas says of them.
        hindered: Whether the line's lesions and silent genes count.
    """

    line: CellLine
    expression: BaselineExpression | None = None
    observed: frozenset[str] = frozenset()
    hindered: bool = True

    def lacks(self, gene: str) -> str | None:
        """Return why the line certainly has no working `gene`, or None."""
        if not self.hindered:
            return None
        lesion = self.line.lesion(gene)
        if lesion is not None and lesion.effect == "loss":
            return f"{self.line.name} lacks functional {gene}: {lesion.note}"
        if gene in self.line.silent_genes and gene not in self.observed:
            return f"{self.line.name} does not express {gene}."
        return None

    def doubtful(self, gene: str) -> str | None:
        """Return why `gene` may do little in this line, or None.

        An atlas' zero is often a mapping fault, so it weighs and does not forbid.
        """
        if self.expression is None or gene in self.observed:
            return None
        if self.expression.expressed(gene, self.line.name) is False:
            return f"{gene} is below 1 {self.expression.unit} in unperturbed {self.line.name}."
        return None

    def blocks(self, change: Change) -> str | None:
        """Return why `change` cannot happen in this line, or None if it can.

        A gene with little baseline RNA may still be induced; one that its lineage keeps silent,
        or that is lost, may not.
        """
        lesion = self.line.lesion(change.node) if self.hindered else None
        if lesion is not None and lesion.effect == "gain" and change.quantity == "activity":
            return f"{change.node} is constitutively active in {self.line.name}: {lesion.note}"
        return self.lacks(change.node)

    def share(self, change: Change) -> float:
        """Return how much of the confidence in `change` is left in this line, 0 if it cannot be."""
        if self.blocks(change) is not None:
            return 0.0
        if change.quantity == "expression" and change.direction == "up":
            return 1.0
        return 1.0 if self.doubtful(change.node) is None else DOUBTFUL_EXPRESSION


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
    rises = set(perturbation.genes if perturbation.kind == "activation" else perturbation.raised)
    return tuple(
        Change(node=gene, direction="up" if gene in rises else "down", quantity="activity")
        for gene in perturbation.genes
    )


def carried(change: Change, confidence: float) -> float:
    """Return how much of the confidence in `change` is left for what it causes."""
    discount = TRANSCRIPT_DISCOUNT if change.quantity == "expression" else 1.0
    return confidence * STEP_DISCOUNT * discount


def next_steps(graph: SignedGraph, change: Change, confidence: float = 1.0) -> Iterator[Candidate]:
    """Iterate over the steps that `change` makes possible, with the confidence of getting there.

    Losing one member breaks a complex or a process, but more of one member does not make more of
    it, so gains stop at the border of a group, and so do transcripts: paths on which a fallen
    transcript breaks a complex are wrong two times in three.
    """
    remaining = carried(change, confidence)
    for relation in graph.out_relations(change.node):
        if relation.joins_group and not _breaks_group(change.direction, change.quantity):
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


@dataclass(frozen=True, slots=True)
class _Arrival:
    """How a state was reached: with which confidence, over which relation, from which state."""

    confidence: float
    relation: Relation
    before: _State


class Reach:
    """The best-supported signed paths to every change that a perturbation can cause.

    A path that the starter pack asserts throughout is preferred to any other, whichever is shorter:
    `curated` says whether a readout has one, and then the others are none of its paths.

    Args:
        graph: The signed graph.
        tiers: What was found, the more trusted search first.
        drugged: Whether it begins with a drug rather than with the loss of genes.
    """

    def __init__(
        self, graph: SignedGraph, tiers: Sequence["_Tier"], *, drugged: bool = False
    ) -> None:
        self._graph, self._tiers, self.drugged = graph, tuple(tiers), drugged

    def confidence(self, gene: str, direction: Direction) -> float:
        """Return the confidence that `gene`'s transcript goes `direction`, 0 if unreachable."""
        tier = self._tier(gene)
        arrival = tier.arrivals.get((gene, direction == "up", True)) if tier else None
        return arrival.confidence if arrival else 0.0

    def best(self, gene: str) -> float:
        """Return the confidence of the best path to `gene`'s transcript, whichever way it goes."""
        return max(self.confidence(gene, "up"), self.confidence(gene, "down"))

    def curated(self, gene: str) -> bool:
        """Return whether the paths to `gene`'s transcript are the starter pack's throughout."""
        tier = self._tier(gene)
        return tier is not None and tier.curated

    def path(self, gene: str, direction: Direction) -> tuple[Candidate, ...]:
        """Return the best path to `gene`'s transcript going `direction`, first step first."""
        tier = self._tier(gene)
        if tier is None:
            return ()
        return self._walk(tier, (gene, direction == "up", True))

    def branches(
        self, gene: str, direction: Direction, most: int = BRANCHES
    ) -> tuple[tuple[Candidate, ...], ...]:
        """Return the best path through each of the last regulators of `gene`, the best first.

        Two branches never end with the same step, and none runs through another's last regulator.
        """
        tier = self._tier(gene)
        if tier is None:
            return ()
        state: _State = (gene, direction == "up", True)
        found: list[tuple[Candidate, ...]] = []
        ends: set[str] = set()
        for arrival in sorted(
            tier.rivals.get(state, ()), key=lambda one: (-one.confidence, one.before)
        ):
            before = self._walk(tier, arrival.before)
            passed = {step.target.node for step in before}
            if arrival.before[0] in ends or gene in passed or passed & ends:
                continue
            ends.add(arrival.before[0])
            found.append((*before, self._candidate(arrival, state)))
        return tuple(found[:most])

    def transcripts(self) -> set[str]:
        """Return the genes whose transcript can be reached."""
        return {node for tier in self._tiers for node, _, moved in tier.arrivals if moved}

    def __len__(self) -> int:
        return len({state for tier in self._tiers for state in tier.arrivals})

    def _tier(self, gene: str) -> "_Tier | None":
        for tier in self._tiers:
            if (gene, True, True) in tier.arrivals or (gene, False, True) in tier.arrivals:
                return tier
        return None

    def _walk(self, tier: "_Tier", state: _State) -> tuple[Candidate, ...]:
        steps: list[Candidate] = []
        while (arrival := tier.arrivals.get(state)) is not None:
            steps.append(self._candidate(arrival, state))
            state = arrival.before
        return tuple(reversed(steps))

    def _candidate(self, arrival: _Arrival, state: _State) -> Candidate:
        return Candidate(
            source=_as_change(self._graph, arrival.before),
            relation=arrival.relation,
            target=_as_change(self._graph, state),
            confidence=arrival.confidence,
        )


@dataclass(frozen=True)
class _Tier:
    """What one search found.

    Attributes:
        arrivals: The best way to each state.
        rivals: Every way to each transcript, one for each step that ends there.
        curated: Whether only steps of the starter pack were taken.
    """

    arrivals: Mapping[_State, _Arrival]
    rivals: Mapping[_State, Sequence[_Arrival]]
    curated: bool


def reach(
    graph: SignedGraph,
    origins: Iterable[Change],
    *,
    cell: CellState | None = None,
    max_steps: int = MAX_STEPS,
    min_confidence: float = MIN_CONFIDENCE,
    without: frozenset[RelationKey] = frozenset(),
    drugged: bool = False,
) -> Reach:
    """Find the most confident path to every reachable change (Dijkstra over signed changes).

    The starter pack is searched alone first; what it explains, the databases do not explain away.
    A path never returns to a gene that it has passed, nor to a perturbed gene: the perturbation
    holds that gene where it is.

    Args:
        graph: The signed graph.
        origins: The changes made by the perturbation.
        cell: What the cell line does not pass on.
        max_steps: The longest path.
        min_confidence: Paths less confident than this are dropped.
        without: Keys of relations that have been refuted and must not be used.
        drugged: Whether a drug holds the proteins of the perturbed genes alone: then their
            transcripts may answer, from which nothing follows, and a protein that the line lacks
            can be activated no more than it can be blocked.
    """
    begin = [
        (change.node, change.direction == "up", change.quantity == "expression")
        for change in origins
        if cell is None
        or (change.direction == "up" and not drugged)
        or cell.lacks(change.node) is None
    ]
    searches = (True, False) if graph.has_databases else (True,)
    return Reach(
        graph,
        [
            _search(
                graph,
                begin,
                cell,
                max_steps,
                min_confidence,
                without,
                drugged,
                curated=curated,
            )
            for curated in searches
        ],
        drugged=drugged,
    )


def _search(
    graph: SignedGraph,
    begin: Sequence[_State],
    cell: CellState | None,
    max_steps: int,
    min_confidence: float,
    without: frozenset[RelationKey],
    drugged: bool,
    *,
    curated: bool,
) -> _Tier:
    held = {node for node, _, _ in begin}
    arrivals: dict[_State, _Arrival] = {}
    rivals: dict[_State, list[_Arrival]] = defaultdict(list)
    shares: dict[_State, float] = {}
    settled: set[_State] = set()
    seen: dict[_State, float] = dict.fromkeys(begin, 1.0)
    # The heap breaks ties by counter, so that the result does not depend on hash order.
    queue: list[tuple[float, int, _State, _Arrival | None]] = [
        (-1.0, index, state, None) for index, state in enumerate(begin)
    ]
    counter = len(queue)
    while queue:
        negative, _, state, arrival = heapq.heappop(queue)
        if state in settled:
            continue
        settled.add(state)
        confidence = -negative
        if arrival is not None:
            arrivals[state] = arrival
        passed = _passed(arrivals, state)
        if len(passed) > max_steps:
            continue
        node, up, expression = state
        if expression and node in held:
            continue
        remaining = confidence * STEP_DISCOUNT * (TRANSCRIPT_DISCOUNT if expression else 1.0)
        for step in graph.out_relations(node):
            if curated and not step.curated:
                continue
            if step.joins_group and (up or expression):
                continue
            target: _State = (step.target, up is (step.sign == 1), step.expression)
            arriving = (confidence if step.joins_group else remaining) * step.trust
            if arrival is not None and _leaves_programme(arrival.relation, step):
                arriving *= PROGRAMME_DISCOUNT
            if (
                arriving < min_confidence
                or (step.target in held and not (drugged and step.expression))
                or (step.target in passed and not (step.target in held and step.expression))
                or (without and (node, step.target, step.expression) in without)
            ):
                continue
            if cell is not None:
                if target not in shares:
                    shares[target] = cell.share(_as_change(graph, target))
                arriving *= shares[target]
                if arriving < min_confidence:
                    continue
            found = _Arrival(arriving, step, state)
            if step.expression:
                rivals[target].append(found)
            if arriving <= seen.get(target, 0.0):
                continue
            seen[target] = arriving
            heapq.heappush(queue, (-arriving, counter, target, found))
            counter += 1
    return _Tier(arrivals, dict(rivals), curated)


def _breaks_group(direction: Direction, quantity: Quantity) -> bool:
    return direction == "down" and quantity == "activity"


def _leaves_programme(before: Relation, after: Relation) -> bool:
    """Return whether two steps of the starter pack are of different programmes.

    A membership is of no programme, and the databases know none.
    """
    if before.joins_group or after.joins_group:
        return False
    return bool(before.programmes and after.programmes and not before.programmes & after.programmes)


def _as_change(graph: SignedGraph, state: _State) -> Change:
    node, up, expression = state
    return Change(
        node=node,
        kind=graph.kind(node),
        direction="up" if up else "down",
        quantity="expression" if expression else "activity",
    )


def _passed(arrivals: Mapping[_State, _Arrival], state: _State) -> set[str]:
    passed = {state[0]}
    while (arrival := arrivals.get(state)) is not None:
        state = arrival.before
        passed.add(state[0])
    return passed
