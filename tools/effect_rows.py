"""An effect as a line of a table: the same columns wherever effects are written."""

from typing import Any, Literal, get_args

from pydantic import Field

from knowledge.schema import Call, Effect, Frozen, Perturbation, PerturbationKind

# Half a part in ten thousand is far below what any probability here is worth.
DIGITS = 4
CALLS: tuple[Call, ...] = get_args(Call)
NUMBERS = ("p_de", "p_de_low", "p_de_high", "p_up", "p_up_low", "p_up_high")


class EffectRow(Frozen):
    """What a perturbation does to one transcript; the fields are the columns, in this order."""

    perturbation: str = Field(
        description="Perturbed genes by approved symbol, `A` or `A+B`; or the drug by its name."
    )
    kind: PerturbationKind | Literal["drug"] = Field(
        description="`knockout`, `knockdown`, `activation` or `drug`."
    )
    cell_line: str = Field(description="The line, by the name that Knockwise gives it.")
    gene: str = Field(description="The readout: approved symbol of the gene of the transcript.")
    call: Call = Field(
        description="The prediction: `up`, `down`, `unchanged` (no change expected) or `unknown`."
    )
    p_de: float | None = Field(
        description="P(changes): that the transcript is differentially expressed. Empty where no "
        "screen of the line read the gene, or nothing is predicted."
    )
    p_de_low: float | None = Field(description="Low end of the 90 % interval of `p_de`.")
    p_de_high: float | None = Field(description="High end of the 90 % interval of `p_de`.")
    p_up: float | None = Field(description="P(up if it changes). Empty where none is predicted.")
    p_up_low: float | None = Field(description="Low end of the 90 % interval of `p_up`.")
    p_up_high: float | None = Field(description="High end of the 90 % interval of `p_up`.")
    seen_in_training: bool = Field(
        description="Whether a screen that the models learnt from measured this perturbation "
        "(as a knockdown) and this gene in this line."
    )
    reason: str = Field(description="What the prediction rests on, or why there is none.")
    path: str = Field(
        description="The best signed path from the perturbation to the transcript, whichever way "
        "it points; in a run the path that the answer tells. Empty where there is none."
    )
    subtle: bool = Field(description="Whether only the direction is known, not that it changes.")
    abstained: bool = Field(
        description="Whether nothing is predicted; the numbers are empty and `reason` says why."
    )


class RunRow(EffectRow):
    """A row of a run's `effects.csv`, which says more of each effect."""

    usual: float | None = Field(
        description="P(changes) under any perturbation of the line: how little the change says."
    )
    evidence_count: int = Field(description="Database edges of the path, and the measured row.")
    top_evidence: str = Field(description="The measured row in words, or else the path.")


COLUMNS = tuple(EffectRow.model_fields)
RUN_COLUMNS = tuple(RunRow.model_fields)


def effect_row(
    perturbation: Perturbation, effect: Effect, path: str = "", digits: int | None = DIGITS
) -> EffectRow:
    """Return an effect as a row.

    Args:
        perturbation: What was done, and where.
        effect: What it does to one transcript.
        path: The best signed path to it, in words.
        digits: That probabilities are rounded to; None: as they are.
    """
    return EffectRow(
        perturbation=perturbation.label,
        kind="drug" if perturbation.drugged else perturbation.kind,
        cell_line=perturbation.cell_line,
        gene=effect.gene,
        call=effect.call,
        **numbers(effect, digits),
        seen_in_training=effect.seen_in_training,
        reason=effect.reason,
        path=path,
        subtle=effect.subtle,
        abstained=effect.abstained,
    )


def numbers(effect: Effect, digits: int | None = DIGITS) -> dict[str, Any]:
    """Return `p_de`, `p_up` and the ends of their 90 % intervals.

    They are None where they are not known, all of them where the effect abstains.
    """
    if effect.abstained:
        return dict.fromkeys(NUMBERS)
    around, around_up = effect.interval, effect.p_up_interval
    values = (
        effect.p_de,
        around.low if around else None,
        around.high if around else None,
        effect.p_up,
        around_up.low if around_up else None,
        around_up.high if around_up else None,
    )
    return {
        name: value if value is None or digits is None else round(value, digits)
        for name, value in zip(NUMBERS, values, strict=True)
    }
