"""Which steps of the graph a language model may choose among, and how it reads them."""

from collections.abc import Sequence

from agent.reasoners.base import Frontier
from agent.reasoners.forms import SHOWN_CANDIDATES
from agent.state import Proposal
from agent.wording import change_words
from knowledge.cascade import Candidate
from knowledge.graph import SignedGraph

# A step whose target is further than this from every readout is not offered.
REMOTE = 3


def offered(frontier: Frontier, wanted: Sequence[Proposal], graph: SignedGraph) -> list[Candidate]:
    """Return the candidates that may lead to a readout: the wanted ones, then the nearest."""
    first = {(step.source, step.target) for step in wanted}
    away = graph.within(frontier.targets, REMOTE)

    def leads(one: Candidate) -> bool:
        return (one.source, one.target) in first or one.target.node in away

    def order(one: Candidate) -> tuple[bool, int, float]:
        wanted_too = (one.source, one.target) in first
        return (not wanted_too, away.get(one.target.node, REMOTE), -one.confidence)

    return sorted(filter(leads, frontier.candidates), key=order)[:SHOWN_CANDIDATES]


def candidate_line(candidate: Candidate) -> str:
    """Return a candidate as one line."""
    relation = candidate.relation
    how = f", {relation.mechanism}" if relation.mechanism else ""
    steps = [change_words(candidate.source), change_words(candidate.target)]
    return f"{' -> '.join(steps)} ({relation.effect}{how}; trust {relation.trust:.2f})"
