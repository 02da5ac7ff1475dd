"""An expression model that says what it was told: of two genes, their sum, and both together."""

import numpy as np

from knowledge.errors import KnockwiseError
from models.expression.checkpoint import Context
from models.expression.kernel import Variances
from models.expression.model import ExpressionResponse
from models.inputs.genes import UnknownGeneError

READOUTS = ("CDKN1A", "GADD45A", "MDM2", "TP53", "ATF4")
# MDM2 and MDM4 alone; together they do more to CDKN1A than their sum.
SINGLE = {("MDM2",): (2.0, 0.5, -1.0, 0.0, 0.1), ("MDM4",): (1.0, 0.4, 0.0, 0.0, -0.1)}
JOINT = (5.0, 0.9, -1.0, 0.0, 0.0)
MEASURED = (("MDM4",), ("lncX",), ("MDM4", "TP53"))


def told_context(name, kind, cell_line, unit="log2 fold change", readouts=5):
    return Context(
        name=name,
        description=f"What {name} is.",
        kind=kind,
        cell_line=cell_line,
        unit=unit,
        readouts=readouts,
        perturbations=MEASURED,
        variances=Variances(0.0, 1.0, 1.0),
        pairs=None,
        widths=(1.0, None),
    )


class ToldExpression:
    """Every perturbation does what `SINGLE` or `JOINT` says, and nothing where neither does."""

    version = "told"
    genes = (*READOUTS, "MDM4", "lncX")

    def __init__(self, readouts=READOUTS):
        self.readouts = readouts
        self.contexts = (
            told_context("papalexi", "knockout", "THP-1"),
            told_context("small", "knockout", "THP-1", readouts=2),
            told_context("norman", "activation", "K562"),
            told_context("norman-latent", "activation", "K562", unit="latent"),
        )
        self.asked = []

    def context(self, name):
        for one in self.contexts:
            if one.name == name.lower():
                return one
        known = ", ".join(one.name for one in self.contexts)
        raise KnockwiseError(f"No context {name!r}; choose among {known}.")

    def predict(self, genes, context):
        self.asked.append((genes, context))
        if "ATF4" in genes:
            raise UnknownGeneError("ATF4: nothing is known of it.")
        chosen = self.context(context)
        seen = genes in MEASURED
        told = JOINT if genes == ("MDM2", "MDM4") else SINGLE.get(genes, (0.0,) * 5)
        change = np.array(told, np.float32)
        half = np.float32(0 if seen else 0.8)
        parts = [SINGLE.get((gene,)) for gene in genes]
        summed = len(genes) > 1 and None not in parts
        latent = chosen.unit == "latent"
        return ExpressionResponse(
            genes=genes,
            context=chosen,
            readouts=("z1", "z2", "z3", "z4", "z5") if latent else self.readouts,
            change=change,
            low=change - half,
            high=change + half,
            seen=seen,
            neighbours=() if seen else ((("MDM4",), 0.5), (("ATM", "CHEK2"), 0.2)),
            additive=np.array(parts, np.float32).sum(0) if summed else None,
        )
