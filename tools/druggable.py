"""What the screens of knockdowns say about a drug: the knockdown of its targets, and no more."""

from knowledge.schema import Perturbation
from models.response import ResponsePrediction


def knockdown_of(perturbation: Perturbation) -> Perturbation:
    """Return the perturbation of genes that stands in for a drug; any other is returned as it is.

    What an inhibitor or a degrader takes away is a knockdown, what an agonist switches on an
    activation. Of a drug that does both, the screens speak about what it takes away.
    """
    if not perturbation.drugged:
        return perturbation
    lost = tuple(gene for gene in perturbation.genes if gene not in perturbation.raised)
    return perturbation.model_copy(
        update={"genes": lost, "manner": "", "drugs": (), "raised": ()}
    )


def inferred_from(perturbation: Perturbation) -> str:
    """Return what the numbers of a drug are inferred from, in words."""
    one = knockdown_of(perturbation)
    kind = "activation" if one.kind == "activation" else "knockdown"
    return f"inferred from the {kind} of {' and '.join(one.genes)}"


def inferred(row: ResponsePrediction, perturbation: Perturbation) -> ResponsePrediction:
    """Return a prediction of the targets' knockdown as one of the drug, which no screen saw."""
    reason = "; ".join(filter(None, (row.reason, inferred_from(perturbation))))
    return row.model_copy(update={"reason": reason, "seen_in_training": False})
