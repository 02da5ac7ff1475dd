"""Searches a line's perturbations for those that move a readout: measured, then by the graph."""

from collections.abc import Sequence

from knowledge.schema import Direction, Effect, Lead, Perturbation, PerturbationKind
from tools.effects import EffectPredictor

LEADS = 12
# Of what no screen read, only the best supported regulators in the graph are predicted.
FROM_GRAPH = 12
# How far upstream the graph is searched, how many nodes of a level go on, and what a step keeps.
STEPS_BACK = 4
WIDTH_BACK = 40
STEP_BACK = 0.9
# A perturbation that changes more than this share of everything says little about one readout.
BROAD = 0.25
# How likely a change is taken to be, for the order only, where no screen read the readout.
UNREAD = 0.4
# What a lead is worth that no path of the graph links to the readout.
UNLINKED = 0.6


def leads(
    predictor: EffectPredictor,
    readout: str,
    cell_line: str,
    kind: PerturbationKind = "knockdown",
    direction: Direction | None = None,
    limit: int = LEADS,
) -> tuple[list[Lead], int]:
    """Return the perturbations that move `readout`, and how many a screen read.

    Those that the graph links to it come first, then the more specific ones.

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
    breadth = {gene: _breadth(predictor, gene, readouts, cell_line) for gene in moving}
    upstream = _regulators(predictor, readout)
    linked = set(upstream)
    measured = sorted(moving, key=lambda gene: (gene not in linked, breadth[gene], gene))[:limit]
    unread = [gene for gene in upstream if gene not in outcomes]
    found = []
    for gene in (*measured, *unread[:FROM_GRAPH]):
        one = Perturbation(genes=(gene,), kind=kind, cell_line=cell_line)
        (effect,) = predictor.effects(one, [readout])
        if _fits(effect, direction):
            found.append(
                Lead(
                    gene=gene,
                    effect=effect,
                    measured=gene in outcomes,
                    linked=gene in linked,
                    breadth=breadth.get(gene),
                )
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
    known = 1.0 if lead.linked else UNLINKED
    likely = UNREAD if effect.p_de is None else effect.p_de
    return likely * sure * known * (1 - min(1.0, broad / BROAD) / 2)


def _breadth(
    predictor: EffectPredictor, gene: str, readouts: Sequence[str], cell_line: str
) -> float:
    """Return the share of a line's readouts that a knockdown is known to change."""
    measured = predictor.response.measured
    changed = sum(measured(gene, one, cell_line) in ("up", "down") for one in readouts)
    return changed / len(readouts)


def _regulators(predictor: EffectPredictor, readout: str) -> list[str]:
    """Return the genes upstream of the readout's transcript in the graph, the surest first.

    A search backwards that keeps the best few of each level; the last step must move a transcript.
    """
    graph = predictor.knowledge.graph
    best: dict[str, float] = {}
    level = {readout: 1.0}
    for depth in range(STEPS_BACK):
        arriving: dict[str, float] = {}
        for node, confidence in level.items():
            for source in {edge.source for edge in graph.in_edges(node)} - {readout, node}:
                trusts = [
                    relation.trust
                    for relation in graph.relations(source, node)
                    if relation.expression or depth
                ]
                if trusts:
                    arriving[source] = max(
                        arriving.get(source, 0.0), confidence * max(trusts) * STEP_BACK
                    )
        level = dict(sorted(arriving.items(), key=lambda one: (-one[1], one[0]))[:WIDTH_BACK])
        for node, confidence in level.items():
            best[node] = max(best.get(node, 0.0), confidence)
    genes = [node for node in best if graph.kind(node) == "gene"]
    return sorted(genes, key=lambda gene: (-best[gene], gene))
