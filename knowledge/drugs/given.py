"""Drugs as a perturbation: what cells undergo that are given them."""

from collections.abc import Sequence

from knowledge.drugs.drug import Drug
from knowledge.drugs.registry import Drugs
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation, PerturbationKind


def given(names: Sequence[str], drugs: Drugs, line: str) -> Perturbation:
    """Return what cells of a line undergo that are given these drugs.

    Raises:
        QuestionError: Nothing is known that a drug begins with.
    """
    starts: dict[str, int] = {}
    for name in names:
        drug = drugs.find(name)
        if not drug.starts:
            raise QuestionError(_unfollowed(drug))
        for node, sign in drug.starts:
            starts.setdefault(node, sign)
    rising = tuple(node for node, sign in starts.items() if sign > 0)
    kind: PerturbationKind = "activation" if len(rising) == len(starts) else "knockdown"
    return Perturbation(
        genes=tuple(starts),
        kind=kind,
        cell_line=line,
        manner="drug",
        drugs=tuple(names),
        raised=() if kind == "activation" else rising,
    )


def _unfollowed(drug: Drug) -> str:
    if drug.targets:
        genes = " and ".join(one.gene for one in drug.main_targets[:3])
        return (
            f"{drug.name} binds {genes}, but no table says whether it blocks or activates it; ask "
            "for the knockdown or the activation of its target."
        )
    what = f" acts on {drug.process}, and" if drug.process else ""
    return (
        f"{drug.name}{what} no gene is known that its cascade would begin with; ask about the "
        "knockdown of a gene instead."
    )
