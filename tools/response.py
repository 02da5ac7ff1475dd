"""What a perturbation is predicted to do to readout genes, with intervals and abstentions."""

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Effect, Frozen, Interval, Perturbation, PerturbationKind
from tools.base import Tool, ToolOutput
from tools.effects import EffectPredictor
from tools.genes import grounded

_CALLS = {"up": "goes up", "down": "goes down", "unchanged": "does not change"}


class PredictEffectsArgs(Frozen):
    """Predict whether the transcripts of readout genes change when genes are perturbed.

    Probabilities are calibrated on measured screens; brackets hold 90 % intervals. Where nothing
    supports a prediction there is none, and the reason is given.
    """

    genes: list[str] = Field(
        description="The gene perturbed, or genes perturbed together", min_length=1, max_length=4
    )
    kind: PerturbationKind = Field(description="What is done to them")
    cell_line: str = Field(description="For example K562", max_length=60)
    readouts: list[str] = Field(
        description="The genes whose transcripts are read, at most 20", min_length=1, max_length=20
    )


def predict_effects_tool(
    knowledge: Knowledge, predictor: EffectPredictor
) -> Tool[PredictEffectsArgs]:
    """Build the `predict_effects` tool over response model and cascade, fused."""

    def run(args: PredictEffectsArgs) -> ToolOutput:
        line = knowledge.cell_lines.ground(args.cell_line)
        perturbation = Perturbation(
            genes=_symbols(knowledge, args.genes), kind=args.kind, cell_line=line.name
        )
        effects = predictor.effects(perturbation, _symbols(knowledge, args.readouts))
        facts = {
            effect.gene: predictor.model_fact(perturbation, effect)
            for effect in effects
            if not effect.abstained
        }
        lines = [
            f"[{facts[effect.gene].id}] {_words(effect)}"
            if effect.gene in facts
            else _words(effect)
            for effect in effects
        ]
        return ToolOutput(text="\n".join(lines), evidence=tuple(facts.values()))

    return Tool("predict_effects", PredictEffectsArgs, run)


def _symbols(knowledge: Knowledge, words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(grounded(knowledge, word).symbol for word in words))


def _words(effect: Effect) -> str:
    if effect.abstained:
        return f"{effect.gene}: no prediction, because {effect.reason}"
    seen = "; measured in training" if effect.seen_in_training else ""
    note = f"; {effect.reason}" if effect.reason else ""
    note += f"; {effect.conflict}" if effect.conflict else ""
    if effect.p_de is None:
        return f"{effect.gene}: no screen read it; by the paths it {_CALLS[effect.call]}{note}"
    numbers = (
        f"P(changes) {_number(effect.p_de, effect.interval)}, "
        f"P(up if it changes) {_number(effect.p_up, effect.p_up_interval)}"
    )
    return f"{effect.gene} {_CALLS[effect.call]}: {numbers}{seen}{note}"


def _number(value: float, interval: Interval | None) -> str:
    return f"{value:.2f}" + (f" [{interval.low:.2f}, {interval.high:.2f}]" if interval else "")
