"""What HeLa cells look like without a gene: channels measured by PERISCOPE, and predicted apart."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Evidence, Frozen
from tools.base import Tool, ToolOutput
from tools.genes import grounded

if TYPE_CHECKING:
    from models.morphology.model import (
        ChannelMeasured,
        ChannelPredicted,
        Morphology,
        MorphologyModel,
    )

SHOWS = {
    "Mito": "mitochondria",
    "ConA": "endoplasmic reticulum",
    "DAPI": "nucleus",
    "WGA": "Golgi and plasma membrane",
    "Phalloidin": "actin",
}
SCREEN = "PERISCOPE (Ramezani et al. 2025, HeLa, DMEM)"
PAPER = "doi:10.1038/s41592-024-02537-7"
LIKELY = 1.25
"""How much likelier than among all hits a channel must be for the prediction to name it."""
NO_HIT = (
    "{} is no hit of PERISCOPE: nothing about the cells changed beyond its false-discovery rate of "
    "5 %."
)
CONDITIONAL = (
    "Predicted chances are for a knockout that changes the picture at all; which ones do is not "
    "predicted."
)
CAUTION = (
    "Counts of changed features say how much of a channel looks different, not how; HeLa cells "
    "alone were photographed, and the two media agree weakly."
)


class PredictMorphologyArgs(Frozen):
    """Say which compartments of HeLa cells look different without one human gene.

    Measured by optical pooled CRISPR screening (PERISCOPE: mitochondria, endoplasmic reticulum,
    nucleus, Golgi and plasma membrane, actin) where the gene was, and predicted from related genes
    apart from that, with how well held-out genes are predicted.
    """

    gene: str = Field(
        description="Symbol, alias or identifier: COPB1, beta-COP, ENSG00000129083", max_length=60
    )


@lru_cache(maxsize=1)
def shipped_morphology() -> "MorphologyModel":
    """Return the shipped morphology model, loaded when it is first asked."""
    from models.morphology.model import MorphologyModel

    return MorphologyModel.load()


def predict_morphology_tool(
    knowledge: Knowledge, model: "Callable[[], MorphologyModel]" = shipped_morphology
) -> Tool[PredictMorphologyArgs]:
    """Build the `predict_morphology` tool; `model` is called when the tool is."""

    def run(args: PredictMorphologyArgs) -> ToolOutput:
        gene = grounded(knowledge, args.gene).symbol
        learnt = model()
        found = learnt.of(gene)
        facts = tuple(morphology_facts(found, learnt.version))
        lines = [f"[{fact.id}] {fact.statement}" for fact in facts]
        text = "\n".join([summary(found), *lines, *remarks(found)])
        return ToolOutput(text=text, evidence=facts)

    return Tool("predict_morphology", PredictMorphologyArgs, run)


def morphology_facts(
    found: "Morphology", version: str, channels: Sequence[str] = ()
) -> Iterator[Evidence]:
    """Yield what is measured, then what is predicted, of all channels or of some.

    Args:
        found: What the model says of a gene.
        version: Of the model.
        channels: Those that are asked about; all without any.
    """
    for one in found.measured:
        if not channels or one.channel in channels:
            said = measured_words(one, hit=bool(found.hit))
            yield Evidence(
                id=f"meas:morphology:{found.gene}:{one.channel}",
                kind="measured",
                statement=f"Knocking out {found.gene} in HeLa: {said}",
                source=SCREEN,
                reference=PAPER,
                weight=1.0,
                genes=(found.gene,),
            )
    for guess in found.predicted:
        if not channels or guess.channel in channels:
            yield Evidence(
                id=f"mod:morphology:{found.gene}:{guess.channel}",
                kind="model",
                statement=(
                    f"From other genes alone, {found.gene}: {predicted_words(guess)}"
                    f"{_related(found)}"
                ),
                source=f"morphology {version}",
                reference=guess.channel,
                weight=min(max(guess.probability, 0.0), 1.0),
                genes=(found.gene, *(one.gene for one in found.related)),
            )


def measured_words(one: "ChannelMeasured", *, hit: bool) -> str:
    """Return what was counted in a channel, in words."""
    verdict = "altered" if one.altered else "not altered"
    why = "" if hit else ", as the knockout is no hit"
    return (
        f"{one.channel} ({SHOWS[one.channel]}) {verdict}{why}: {one.features} changed features, "
        f"{one.threshold} make a channel altered; more than {100 * one.percentile:.0f} % of "
        "knockouts"
    )


def predicted_words(one: "ChannelPredicted") -> str:
    """Return a prediction in words: its chance, the usual one, and how good such chances are."""
    value, low, high = one.auroc
    return (
        f"{one.channel} ({SHOWS[one.channel]}) altered with probability {one.probability:.2f}; of "
        f"all hits {one.usual:.2f} are (held-out AUROC {value:.2f} [{low:.2f}, {high:.2f}])"
    )


def _related(found: "Morphology") -> str:
    near = [one for one in found.related if one.altered][:3]
    if not near:
        return ""
    return "; most alike: " + ", ".join(f"{one.gene} ({', '.join(one.altered)})" for one in near)


def remarks(found: "Morphology") -> tuple[str, ...]:
    """Return what to know before relying on it."""
    told = []
    if found.hit is None:
        told.append(f"{found.gene} was not measured in PERISCOPE; what is said is predicted.")
    if found.predicted:
        told.append(CONDITIONAL)
    else:
        told.append(f"Nothing is known of {found.gene} that a prediction could be made from.")
    return (*told, CAUTION)


def summary(found: "Morphology", channels: Sequence[str] = ()) -> str:
    """Return the answer in a sentence or two: what was measured first, else what is predicted."""
    asked = [one for one in found.measured if not channels or one.channel in channels]
    if found.hit:
        altered = [one for one in asked if one.altered]
        others = [
            one
            for one in found.measured
            if one.altered and one.channel not in {a.channel for a in asked}
        ]
        if altered:
            said = ", ".join(
                f"the {SHOWS[one.channel]} ({one.channel}: {one.features} changed features, "
                f"{one.threshold} needed)"
                for one in altered
            )
            first = f"Measured: without {found.gene}, HeLa cells look different in {said}."
        else:
            said = " and ".join(f"the {SHOWS[one.channel]} ({one.channel})" for one in asked)
            first = (
                f"Measured: losing {found.gene} changes how HeLa cells look, but not beyond the "
                f"false-discovery rate in {said}."
            )
        if channels and others:
            first += (
                " Also altered: "
                + ", ".join(f"{SHOWS[one.channel]} ({one.channel})" for one in others)
                + "."
            )
        return f"{first} {_guess(found, channels)}".strip()
    if found.hit is False:
        counted = ", ".join(
            f"{one.channel} ({SHOWS[one.channel]}) has {one.features} changed features, "
            f"{one.threshold} are needed"
            for one in asked
            if channels
        )
        said = f"{NO_HIT.format(found.gene)}{f' {counted}.' if counted else ''}"
        return f"Measured: {said} {_guess(found, channels)}".strip()
    return f"Not measured. {_guess(found, channels)}".strip()


def _guess(found: "Morphology", channels: Sequence[str]) -> str:
    asked = [one for one in found.predicted if not channels or one.channel in channels]
    if not asked:
        return ""
    if not channels:
        asked = [one for one in asked if one.probability > LIKELY * one.usual] or asked[:1]
    said = ", ".join(
        f"{one.channel} {one.probability:.2f} (usual {one.usual:.2f})" for one in asked
    )
    return f"Predicted from other genes alone, if anything changes: {said}{_related(found)}."
