"""Searches the perturbations of a line for those that move one readout: measured, then by the graph."""

from collections.abc import Sequence

from knowledge.schema import Direction, Effect, Lead, Perturbation, PerturbationKind
from tools.effects import EffectPredictor

LEADS = 15
# Of what no screen read, only the best supported regulators in the graph are predicted.
FROM_GRAPH = 10
# Readouts that the breadth of a perturbation is estimated from.
PROBES = 200
# A perturbation that changes more than this share of everything says little about one readout.
BROAD = 0.25


def leads(
    predictor: EffectPredictor,
    readout: str,
    cell_line: str,
    kind: PerturbationKind = "knockdown",
    direction: Direction | None = None,
    limit: int = LEADS,
) -> tuple[list[Lead], int]:
    """Return the perturbations that move `readout`, specific ones first, and how many were read.

    Args:
        predictor: Response model and cascade.
        readout: The transcript.
        cell_line: One of the screened lines.
        kind: How the genes sought are perturbed; screens measured knockdowns, an activation is
            taken as the mirror of one.
        direction: Which way the readout must go; None for either.
        limit: How many are returned.
    """
    response = predictor.response
    wanted = _measured_way(direction, kind)
    outcomes = {
        gene.symbol: outcome
        for gene in response.genes()
        if gene.symbol != readout
        and (outcome := response.measured(gene.symbol, readout, cell_line)) is not None
    }
    moving = [
        gene
        for gene, outcome in outcomes.items()
        if outcome in ("up", "down") and wanted in (None, outcome)
    ]
    readouts = response.readouts(cell_line)
    probes = readouts[:: max(1, len(readouts) // PROBES)]
    breadth = {gene: _breadth(predictor, gene, probes, cell_line) for gene in moving}
    measured = sorted(moving, key=lambda gene: (breadth[gene], gene))[: 2 * limit]
    unread = [gene for gene in _regulators(predictor, readout) if gene not in outcomes]
    found = []
    for gene in (*measured, *unread[:FROM_GRAPH]):
        one = Perturbation(genes=(gene,), kind=kind, cell_line=cell_line)
        (effect,) = predictor.effects(one, [readout])
        if _fits(effect, direction):
            found.append(
                Lead(gene=gene, effect=effect, measured=gene in outcomes, breadth=breadth.get(gene))
            )
    found.sort(key=lambda lead: (-_worth(lead), lead.gene))
    return found[:limit], len(outcomes)


def _measured_way(direction: Direction | None, kind: PerturbationKind) -> Direction | None:
    """Return which way a knockdown moves what this kind of perturbation moves in `direction`."""
    if direction is None or kind != "activation":
        return direction
    return "down" if direction == "up" else "up"


def _fits(effect: Effect, direction: Direction | None) -> bool:
    if effect.call not in ("up", "down"):
        return False
    return direction is None or effect.call == direction


def _worth(lead: Lead) -> float:
    """Return how good a lead is: how probable its effect, how sure its way, how specific it is."""
    effect = lead.effect
    sure = max(effect.p_up, 1 - effect.p_up)
    broad = lead.breadth if lead.breadth is not None else BROAD / 2
    return effect.p_de * sure * (1 - min(1.0, broad / BROAD) / 2)


def _breadth(
    predictor: EffectPredictor, gene: str, probes: Sequence[str], cell_line: str
) -> float:
    """Return the share of the probed readouts that a knockdown changes."""
    read = [
        outcome
        for probe in probes
        if (outcome := predictor.response.measured(gene, probe, cell_line)) is not None
    ]
    return sum(outcome != "unchanged" for outcome in read) / len(read) if read else BROAD


def _regulators(predictor: EffectPredictor, readout: str) -> list[str]:
    """Return the genes that the graph has acting on the readout's transcript, the surest first."""
    graph = predictor.knowledge.graph
    trust: dict[str, float] = {}
    for edge in graph.in_edges(readout):
        if graph.kind(edge.source) != "gene" or edge.source == readout:
            continue
        for relation in graph.relations(edge.source, readout):
            if relation.expression:
                trust[edge.source] = max(trust.get(edge.source, 0.0), relation.trust)
    return sorted(trust, key=lambda gene: (-trust[gene], gene))
