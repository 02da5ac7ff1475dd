"""What a drug is predicted to do to transcripts, from what related drugs did in screens."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.drugs import Drug
from knowledge.schema import Call, Effect, Evidence, Frozen, Interval
from tools.base import Tool, ToolError, ToolOutput

if TYPE_CHECKING:
    from models.drugs.model import DrugModel, DrugPrediction

LIKELY, UNLIKELY, ONE_WAY = 0.2, 0.06, 0.65
"""From which P(changes) on a call goes one way, below which none is expected, and how sure of the
way it must be. A screen's drugs move 10 % of their genes by definition."""
NEAREST = 4


class PredictDrugArgs(Frozen):
    """Predict what a drug does to one transcript in cells in which other drugs were screened.

    From what related drugs did there: P(changes), P(up if it changes) with 90 % intervals, the
    nearest drugs and what each did to the gene, what was measured of the drug itself, and whether
    the question is in the model's scope. Dose and time are not modelled.
    """

    drug: str = Field(
        description="Name, code or brand: vorinostat, SAHA, PD-0325901", max_length=80
    )
    gene: str = Field(description="Readout: symbol, alias or identifier", max_length=60)
    context: str = Field(
        description="Kind of cells: OP3-T, OP3-B, OP3-NK, OP3-myeloid, C32, HOP62, HepG2/C3A, "
        "Hs766T, PANC-1, K562, A549, MCF7",
        max_length=40,
    )


class NearDrug(Frozen):
    """A measured drug like the one asked about; `shares` is what they have in common."""

    drug: str
    likeness: float
    shares: tuple[str, ...]
    did: str


class DrugAnswer(Frozen):
    """What a drug is predicted to do to one transcript.

    Attributes:
        drug: As it is known.
        gene: The readout, as the screen names it.
        context: The kind of cells.
        screen: The study that measured other drugs in them.
        p_de: P(changes): that the gene is among the tenth that the drug moves most; None where it
            was not read there.
        p_up: P(up if it changes).
        interval: 90 % interval of `p_de`.
        p_up_interval: 90 % interval of `p_up`.
        call: The prediction; `unknown` out of scope.
        in_scope: Whether a measured drug shares a target or a mode of action.
        reason: What it rests on, or why it is out of scope.
        measured: What the screen measured of this very drug; the numbers do not use it.
        nearest: The most like measured drugs, and what they did.
    """

    drug: str
    gene: str
    context: str
    screen: str
    p_de: float | None
    p_up: float | None
    interval: Interval | None
    p_up_interval: Interval | None
    call: Call
    in_scope: bool
    reason: str
    measured: str
    nearest: tuple[NearDrug, ...]


@lru_cache(maxsize=1)
def shipped_drug_model() -> "DrugModel":
    """Return the shipped drug model, read when it is first asked."""
    from models.drugs.model import shipped_drugs

    return shipped_drugs()


def predict_drug(
    model: "DrugModel", drug: Drug | str, gene: str, context: str, nearest: int = NEAREST
) -> DrugAnswer:
    """Return what a drug is predicted to do to one transcript.

    Args:
        model: The drug model.
        drug: A drug of the registry, or its name.
        gene: Approved symbol of the readout.
        context: One of the model's kinds of cells, in any spelling.
        nearest: How many measured drugs to name.

    Raises:
        QuestionError: No screen of drugs was made in such cells.
    """
    name = readout_of(model, gene, context)
    found = model.predict(drug, [name], context)
    effect = drug_effects(found)[0]
    near = model.relatives(drug, context, name, nearest)
    return DrugAnswer(
        drug=found.drug,
        gene=name,
        context=found.context,
        screen=found.screen,
        p_de=effect.p_de,
        p_up=None if effect.abstained else effect.p_up,
        interval=effect.interval,
        p_up_interval=effect.p_up_interval,
        call=effect.call,
        in_scope=found.in_scope,
        reason=effect.reason,
        measured=found.effects[0].measured,
        nearest=tuple(
            NearDrug(drug=one.drug, likeness=one.likeness, shares=one.shares, did=one.did)
            for one in near
        ),
    )


def readout_of(
    model: "DrugModel", word: str, context: str, knowledge: Knowledge | None = None
) -> str:
    """Return the readout of a kind of cells that a word means; the word itself where none is."""
    read = _read(model, model.context(context))
    for name in (word, model.older.get(word, "")):
        if name in read:
            return name
    if knowledge is not None and (gene := knowledge.symbols.ground(word, suggest=False).gene):
        return gene.symbol
    return word


@lru_cache(maxsize=32)
def _read(model: "DrugModel", context: str) -> frozenset[str]:
    return frozenset(model.readouts(context))


def drug_effects(found: "DrugPrediction") -> tuple[Effect, ...]:
    """Return the effects of a prediction, with calls; those not read in the cells abstain."""
    effects = []
    for one in found.effects:
        known = one.p_de is not None and one.p_up is not None
        p_up = 0.5 if one.p_up is None else one.p_up
        said = [one.reason or found.reason]
        if one.measured:
            said.append(f"measured there: {one.measured}, which the numbers do not use")
        effects.append(
            Effect(
                gene=one.gene,
                p_de=one.p_de,
                p_up=p_up,
                interval=one.interval,
                p_up_interval=one.up_interval,
                call=drug_call(one.p_de, p_up) if known and found.in_scope else "unknown",
                seen_in_training=bool(one.measured),
                abstained=not known,
                reason="; ".join(said),
            )
        )
    return tuple(effects)


def drug_call(p_de: float | None, p_up: float) -> Call:
    """Return the prediction that two probabilities say."""
    if p_de is None:
        return "unknown"
    if p_de < UNLIKELY:
        return "unchanged"
    if p_de >= LIKELY and max(p_up, 1 - p_up) >= ONE_WAY:
        return "up" if p_up > 0.5 else "down"
    return "unknown"


def predict_drug_tool(
    knowledge: Knowledge, model: "Callable[[], DrugModel]" = shipped_drug_model
) -> Tool[PredictDrugArgs]:
    """Build the `predict_drug` tool; `model` is called when the tool is."""

    def run(args: PredictDrugArgs) -> ToolOutput:
        drugs = model()
        drug: Drug | str = drugs.find(args.drug) or args.drug
        if isinstance(drug, str):
            drug = knowledge.drugs.find(args.drug)
        gene = readout_of(drugs, args.gene, args.context, knowledge)
        answer = predict_drug(drugs, drug, gene, args.context)
        if answer.p_de is None:
            raise ToolError(answer.reason)
        fact = drug_fact(answer, drugs)
        return ToolOutput(text=f"[{fact.id}] {fact.statement}", evidence=(fact,))

    return Tool("predict_drug", PredictDrugArgs, run)


def drug_fact(answer: DrugAnswer, model: "DrugModel") -> Evidence:
    """Return a prediction as evidence."""
    parts = [f"{answer.drug} on {answer.gene} in {answer.context}: {_numbers(answer)}"]
    if not answer.in_scope:
        parts.append("out of scope")
    parts.append(answer.reason)
    near = [f"{one.drug} ({one.did})" for one in answer.nearest if one.shares]
    if near:
        parts.append(f"nearest drugs: {', '.join(near)}")
    surest = max(answer.p_up or 0.0, 1 - (answer.p_up or 0.0))
    sign = 0 if answer.call not in ("up", "down") else 1 if answer.call == "up" else -1
    return Evidence(
        id=f"mod:drug:{answer.drug}:{answer.gene}:{answer.context}",
        kind="model",
        statement="; ".join(parts),
        source=f"drugs {model.version}",
        reference=answer.screen,
        weight=surest if answer.in_scope else 0.0,
        genes=(answer.gene,),
        sign=sign,
    )


def _numbers(answer: DrugAnswer) -> str:
    told = []
    for name, value, around in (
        ("P(changes)", answer.p_de, answer.interval),
        ("P(up if it changes)", answer.p_up, answer.p_up_interval),
    ):
        if value is not None and around is not None:
            told.append(f"{name} {value:.2f} [{around.low:.2f}, {around.high:.2f}]")
    return ", ".join(told)
