"""What the screens of knockdowns say about a drug: the knockdown of its targets, and no more."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from knowledge.drugs import Drug, Drugs, given, written
from knowledge.schema import (
    Call,
    Direction,
    Effect,
    Evidence,
    Frozen,
    Interval,
    Lead,
    Likeness,
    Perturbation,
    Probability,
)
from models.response import ResponsePrediction
from tools.lists.upstream import upstream

if TYPE_CHECKING:
    from tools.effects import EffectPredictor

LEADS = 12
# Starts of drugs that are predicted, the most promising ones.
PREDICTED = 24
# What a measured knockdown that moved the readout promises, beside a path's confidence.
MEASURED = 0.3
# How likely a change is taken to be, for the order only, where no screen read the readout.
UNREAD = 0.4
# How sure the start of a drug is that acts through a process.
BY_PROCESS = 0.8
MOST_NAMED = 4
THROUGH_TARGETS = (
    "Drugs are found through their targets; dose, time and other targets are not modelled, and "
    "nothing here is for treatment."
)
VERBS = {
    "inhibitor": "inhibits",
    "antagonist": "blocks",
    "degrader": "degrades",
    "agonist": "activates",
    "activator": "activates",
    "binder": "binds",
    "unknown": "acts on",
}


class DrugNumbers(Frozen):
    """What a trained drug model says of one transcript.

    Attributes:
        p_de: P(changes), as the model means it.
        p_up: P(up if it changes).
        interval: 90 % interval of `p_de`.
        p_up_interval: 90 % interval of `p_up`.
        call: What it predicts.
        context: The cells and the screen that it knows.
        reason: What it rests on.
    """

    p_de: Probability
    p_up: Probability
    interval: Interval | None = None
    p_up_interval: Interval | None = None
    call: Call
    context: str
    reason: str


class DrugModel(Protocol):
    """A trained model of what drugs do, asked before the knockdown of the target is."""

    def numbers(
        self, perturbation: Perturbation, genes: Sequence[str]
    ) -> Mapping[str, DrugNumbers]:
        """Return gene -> numbers, for the genes that it can tell in these cells; none elsewhere."""
        ...

    def outcomes(self, perturbation: Perturbation, gene: str) -> Sequence[Evidence]:
        """Return what related drugs of its training rows did to a gene, the nearest first."""
        ...


def knockdown_of(perturbation: Perturbation) -> Perturbation:
    """Return the perturbation of genes that stands in for a drug; any other is returned as it is.

    What an inhibitor or a degrader takes away is a knockdown, what an agonist switches on an
    activation. Of a drug that does both, the screens speak about what it takes away.
    """
    if not perturbation.drugged:
        return perturbation
    lost = tuple(gene for gene in perturbation.genes if gene not in perturbation.raised)
    return perturbation.model_copy(update={"genes": lost, "manner": "", "drugs": (), "raised": ()})


def inferred_from(perturbation: Perturbation) -> str:
    """Return what the numbers of a drug are inferred from, in words."""
    one = knockdown_of(perturbation)
    kind = "activation" if one.kind == "activation" else "knockdown"
    return f"inferred from the {kind} of {' and '.join(one.genes)}"


def inferred(row: ResponsePrediction, perturbation: Perturbation) -> ResponsePrediction:
    """Return a prediction of the targets' knockdown as one of the drug, which no screen saw."""
    reason = "; ".join(filter(None, (row.reason, inferred_from(perturbation))))
    return row.model_copy(update={"reason": reason, "seen_in_training": False})


def target_id(drug: str, gene: str) -> str:
    """Return the id of the fact that a drug acts on a target."""
    return f"drug:{drug}>{gene}"


def drug_facts(drug: Drug, genes: Collection[str] = ()) -> list[Evidence]:
    """Return what is known of a drug's targets as evidence, or else of the process it disturbs.

    Args:
        drug: The drug.
        genes: The targets that are told; all of them where none is named.
    """
    facts = [
        Evidence(
            id=target_id(drug.name, one.gene),
            kind="database",
            statement=f"{written(drug.name)} {VERBS[one.action]} {one.gene}",
            source=", ".join(one.sources),
            reference=", ".join(drug.ids[:2]),
            weight=one.certainty,
            genes=(one.gene,),
            sign=one.sign,
        )
        for one in drug.targets
        if not genes or one.gene in genes
    ]
    if facts:
        return facts
    begins = [f"{node} {'activated' if sign > 0 else 'lost'}" for node, sign in drug.starts]
    return [
        Evidence(
            id=f"drug:{drug.name}",
            kind="database",
            statement=(
                f"{written(drug.name)} acts on {drug.process or 'no one protein'}: "
                f"{' and '.join(begins)}"
            ),
            source=", ".join(drug.sources),
            weight=BY_PROCESS,
            genes=tuple(node for node, _ in drug.starts),
        )
    ]


def relatives(drug: Drug, drugs: Drugs) -> list[str]:
    """Return the drugs whose cascade begins as that of this one, those built in first."""
    mine = set(drug.starts)
    alike = [one for one in drugs if one.name != drug.name and mine and set(one.starts) == mine]
    return [one.name for one in sorted(alike, key=lambda one: not drugs.curated(one.name))]


def drugs_moving(
    predictor: "EffectPredictor",
    drugs: Drugs,
    readout: str,
    cell_line: str,
    direction: Direction | None,
    limit: int = LEADS,
) -> tuple[list[Lead], int]:
    """Return the drugs that move a transcript the wanted way, and how many were looked through.

    Drugs with one start are told together, the best known first. Only starts that a path of the
    graph or a measured knockdown leads from are predicted.

    Args:
        predictor: Response model and cascade.
        drugs: The drugs that are known.
        readout: An approved symbol.
        cell_line: One of the screened lines.
        direction: Which way it must go; None for either.
        limit: How many are returned.
    """
    starts: dict[frozenset[tuple[str, int]], list[Drug]] = {}
    for drug in drugs:
        if drug.starts:
            starts.setdefault(frozenset(drug.starts), []).append(drug)
    up = upstream(predictor.knowledge.graph, readout)
    measured = predictor.response.measured
    promise: list[tuple[float, str, list[Drug]]] = []
    for start, members in starts.items():
        best = 0.0
        for gene, sign in start:
            best = max(best, up.confidence(gene, "up"), up.confidence(gene, "down"))
            if sign < 0 and measured(gene, readout, cell_line) in ("up", "down"):
                best = max(best, MEASURED)
        if best:
            members.sort(key=lambda drug: not drugs.curated(drug.name))
            best *= _certainty(members[0])
            promise.append((best, members[0].name, members))
    promise.sort(key=lambda row: (-row[0], row[1]))
    found = []
    for _, _, members in promise[:PREDICTED]:
        one = given((members[0].name,), drugs, cell_line)
        (effect,) = predictor.effects(one, [readout])
        if effect.call not in ("up", "down") or direction not in (None, effect.call):
            continue
        reached = predictor.reach(one).best(readout) > 0
        lost = knockdown_of(one).genes
        worth = _worth(effect) * _certainty(members[0])
        lead = Lead(
            gene="+".join(one.genes),
            effect=effect,
            measured=any(measured(gene, readout, cell_line) is not None for gene in lost),
            linked=reached,
            drug=_told(members),
            action=_action(members[0]),
        )
        found.append((worth, lead))
    found.sort(key=lambda row: (-row[0], not row[1].linked, row[1].drug))
    return [lead for _, lead in found[:limit]], len(starts)


def drugs_like(
    drugs: Drugs, rows: Sequence[Likeness], one: Perturbation, limit: int
) -> list[Likeness]:
    """Return the drugs that do what a perturbation does: on its own genes first, then on like ones.

    Args:
        drugs: The drugs that are known.
        rows: Knockdowns that are like it, the likest first.
        one: The perturbation.
        limit: How many are returned.
    """
    sign = 1 if one.kind == "activation" else -1
    found: list[Likeness] = []
    for gene in () if one.drugged else one.genes:
        acting = drugs.acting(gene, sign, MOST_NAMED)
        if acting:
            found.append(
                Likeness(
                    gene=gene, likeness=1.0, same=0, opposite=0, readouts=0, measured=False,
                    drug=_told([drug for drug, _ in acting]), action=acting[0][1].action,
                )
            )  # fmt: skip
    for row in rows:
        acting = tuple(pair for pair in drugs.acting(row.gene, -1, MOST_NAMED)
                       if (row.gene, -1) in pair[0].starts)  # fmt: skip
        if acting:
            told = {"drug": _told([drug for drug, _ in acting]), "action": acting[0][1].action}
            found.append(row.model_copy(update=told))
    return found[:limit]


def with_drugs(
    drugs: Drugs,
    rows: Sequence[dict[str, Any]],
    shown: Sequence[dict[str, str]],
    dumped: dict[str, Any],
    top: int,
) -> tuple[list[dict[str, Any]], list[dict[str, str]], dict[str, Any]]:
    """Return the rows of a search whose perturbation a drug does, each with its drugs.

    Args:
        drugs: The drugs that are known.
        rows: With `perturbation` and `kind`, as they are written to a file.
        shown: The same as they are shown.
        dumped: The same as JSON, under `rows`.
        top: How many are kept.
    """
    kept = []
    for i, row in enumerate(rows):
        sign = 1 if row["kind"] == "activation" else -1
        acting = drugs.acting(str(row["perturbation"]), sign, MOST_NAMED)
        if acting:
            kept.append((i, [drug.name for drug, _ in acting]))
    kept = kept[:top]
    listed = dumped.get("rows", ())
    return (
        [{**rows[i], "drugs": "; ".join(names)} for i, names in kept],
        [{**shown[i], "Drugs": ", ".join(names)} for i, names in kept],
        {**dumped, "rows": [{**listed[i], "drugs": names} for i, names in kept]},
    )


def _told(members: Sequence[Drug]) -> str:
    names = [drug.name for drug in members]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _action(drug: Drug) -> str:
    acting = [
        one.action for one in drug.targets if any(one.gene == gene for gene, _ in drug.starts)
    ]
    return acting[0] if acting else drug.process


def _certainty(drug: Drug) -> float:
    """Return how sure it is that a drug acts where its cascade begins."""
    return max((one.certainty for one in drug.targets), default=BY_PROCESS)


def _worth(effect: Effect) -> float:
    likely = UNREAD if effect.p_de is None else max(effect.p_de, UNREAD if effect.subtle else 0.0)
    return likely * max(effect.p_up, 1 - effect.p_up)
