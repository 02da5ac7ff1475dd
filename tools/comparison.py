"""Lays perturbations side by side, and two of them beside what independence would give.

One arithmetic for all who compare: the answers of `ask`, the command `compare`, its page, the web
and a language model. A side is a perturbation as it is predicted, what two perturbations would do
together if they were independent, a table that somebody measured, or a response of `express`.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from knowledge.schema import Call, Effect, Frozen, Perturbation
from tools.compared import (
    Column,
    ComparedReadout,
    Comparison,
    Pair,
    Pattern,
    Region,
    Role,
    Unit,
)
from tools.effects import EffectPredictor

Floats = NDArray[np.float64]
# Without readouts asked about, this many of each side's most specific changes come first.
LEADING = 8
MOST_ROWS = 1000
MOST_SIDES = 12
EXPECTED = "expected if independent"
PAIR_PREDICTED = "No screen behind these probabilities measured pairs: the double is predicted."


class Told(Frozen):
    """What one side says of one readout: a value, a call, and how far that is its own."""

    value: float | None
    call: Call
    subtle: bool = False
    specific: float = 0.0
    p_de: float | None = None
    own: float | None = None


class SideOf(Frozen):
    """A side before it is laid beside others: its label and what it says of each readout."""

    label: str
    role: Role
    told: Mapping[str, Told]
    genes: tuple[str, ...] = ()
    cell_line: str = ""


def labels(ways: Sequence[Perturbation]) -> list[str]:
    """Return what sets each perturbation apart: its genes, its kind, its line or its background."""
    out = []
    for way in ways:
        parts = [way.label if way.drugged else "+".join(way.done)]
        if not way.drugged and len({(one.kind, one.drugged) for one in ways}) > 1:
            parts.append(way.kind)
        if len({one.cell_line for one in ways}) > 1:
            parts.append(f"in {way.cell_line}")
        if len({one.background for one in ways}) > 1:
            lost = " and ".join(way.background)
            parts.append(f"without {lost}" if lost else f"in {way.cell_line} as it is")
        out.append(" ".join(parts))
    return out


def changed(effects: Sequence[Effect]) -> dict[str, Call]:
    """Return the readouts that a prediction says to change, not by direction alone."""
    return {e.gene: e.call for e in effects if e.call in ("up", "down") and not e.subtle}


def leading(everything: Sequence[Sequence[Effect]], most: int = LEADING) -> tuple[str, ...]:
    """Return the most specific changes of each prediction, those of the first one first."""
    chosen: dict[str, None] = {}
    for effects in everything:
        known = [effect for effect in effects if not effect.abstained]
        for effect in sorted(known, key=lambda one: (-one.specific, one.gene))[:most]:
            chosen[effect.gene] = None
    return tuple(chosen)


def independent(alone: Sequence[Sequence[Effect]], together: Sequence[Effect]) -> list[Effect]:
    """Return what the single perturbations would do together if they were independent.

    P(changes) is the noisy-or of the single ones, which is Bliss independence of the chances that
    a readout changes; P(up if it changes) is their mean on the log-odds scale, weighed by
    P(changes). A readout that one of them says nothing of is left out.

    Args:
        alone: The effects of each single perturbation.
        together: Those of all at once; they say which readouts, and what else an effect holds.
    """
    by_gene = [{effect.gene: effect for effect in effects} for effects in alone]
    out = []
    for effect in together:
        singles = [one[effect.gene] for one in by_gene if effect.gene in one]
        singles = [one for one in singles if not one.abstained]
        if len(singles) < len(alone) or effect.abstained:
            continue
        known = [one.p_de for one in singles if one.p_de is not None]
        p_de = 1 - float(np.prod([1 - p for p in known])) if len(known) == len(singles) else None
        ups = np.clip([one.p_up for one in singles], 1e-4, 1 - 1e-4)
        weights = np.array([max(one.p_de or 0.0, 1e-6) for one in singles])
        p_up = float(expit(np.average(logit(ups), weights=weights)))
        call = effect.call
        if any(one.call in ("up", "down") for one in singles):
            call = "up" if p_up >= 0.5 else "down"
        elif all(one.call == "unchanged" for one in singles):
            call = "unchanged"
        new = {"p_de": p_de, "p_up": p_up, "call": call, "evidence_ids": (), "reason": "",
               "subtle": False}  # fmt: skip
        out.append(effect.model_copy(update=new))
    return out


def predicted_side(
    label: str, effects: Sequence[Effect], perturbation: Perturbation, role: Role = "predicted"
) -> SideOf:
    """Return a prediction as a side: P(changes) with the sign of its direction."""
    told = {}
    for one in effects:
        if one.abstained or one.gene in perturbation.genes:
            continue
        way = 2 * one.p_up - 1
        value = None if one.p_de is None else one.p_de * way
        own = None if one.p_de is None else (one.p_de - (one.usual or 0.0)) * way
        told[one.gene] = Told(
            value=value,
            call=one.call,
            subtle=one.subtle,
            specific=one.specific,
            p_de=one.p_de,
            own=own,
        )
    return SideOf(
        label=label,
        role=role,
        told=told,
        genes=perturbation.done,
        cell_line=perturbation.cell_line,
    )


def with_singles(one: Perturbation) -> list[Perturbation]:
    """Return the singles of a joint perturbation, of three or more its pairs too, and itself."""
    sizes = (1, 2) if len(one.genes) > 2 else (1,)
    parts = [part for size in sizes for part in combinations(one.genes, size)]
    return [*(one.model_copy(update={"genes": part, "named": ()}) for part in parts), one]


def predicted_sides(predictor: EffectPredictor, ways: Sequence[Perturbation]) -> list[SideOf]:
    """Return predictions as sides, and beside each joint one what independence would give.

    Independence is told where every single perturbation is among the ways, in the same line.
    """
    effects = [predictor.effects(one) for one in ways]
    names = labels(ways)
    at = {(frozenset(one.genes), one.cell_line): i for i, one in enumerate(ways)}
    several = sum(len(one.genes) > 1 for one in ways) > 1
    sides = []
    for name, one, found in zip(names, ways, effects, strict=True):
        sides.append(predicted_side(name, found, one))
        singles = [at.get((frozenset((gene,)), one.cell_line)) for gene in one.genes]
        if len(one.genes) > 1 and None not in singles:
            joint = independent([effects[i] for i in singles if i is not None], found)
            label = f"{name} {EXPECTED}" if several else EXPECTED
            sides.append(predicted_side(label, joint, one, "expected"))
    return sides


def compared(
    sides: Sequence[SideOf],
    unit: Unit = "P(changes), signed",
    readouts: Sequence[str] = (),
    notes: Sequence[str] = (),
    top: int = MOST_ROWS,
) -> Comparison:
    """Return sides laid beside each other.

    Args:
        sides: At least two.
        unit: What their values are.
        readouts: Approved symbols; by default what some side changes.
        notes: What to be careful of.
        top: How many readouts at most.
    """
    measured = [side for side in sides if side.role != "expected"]
    moved = {gene for side in measured for gene, one in side.told.items() if _moves(one)}
    # A list that names its changes alone does not say what else was read.
    telling = [{*side.told} for side in measured if any(not _moves(v) for v in side.told.values())]
    shared = set.intersection(*telling) if telling else moved
    # What all sides know comes first: there alone can they differ.
    both, rest = _ordered(measured, moved & shared), _ordered(measured, moved - shared)
    wanted = tuple(readouts) or (*both, *rest)
    rows = tuple(_row(gene, sides) for gene in wanted[: min(top, MOST_ROWS)])
    return Comparison(
        columns=tuple(_column(side) for side in sides),
        unit=unit,
        rows=rows,
        changed=len(moved),
        pairs=tuple(_pairs(sides)),
        regions=tuple(_regions(sides, shared & moved)),
        shared=len(shared),
        notes=tuple(notes),
    )


def ranked_above(changed: Sequence[float], quiet: Sequence[float]) -> float | None:
    """Return the probability that one of the first is above one of the second (AUROC)."""
    if not changed or not quiet:
        return None
    from scipy.stats import rankdata

    ranks = rankdata([*changed, *quiet])[: len(changed)]
    n = len(changed)
    return float((ranks.sum() - n * (n + 1) / 2) / (n * len(quiet)))


def overlap(names: Sequence[str], everything: Sequence[Sequence[Effect]]) -> list[str]:
    """Return in words how many genes each side is predicted to change, and how many both do."""
    sets = [changed(effects) for effects in everything]
    counts = [f"{label} changes {len(one):,} genes" for label, one in zip(names, sets, strict=True)]
    joined = " and ".join([", ".join(counts[:-1]), counts[-1]] if len(counts) > 1 else counts)
    said = [f"By the predictions, {joined}."]
    first = sets[0]
    for label, other in zip(names[1:], sets[1:], strict=True):
        both = first.keys() & other.keys()
        same = sum(first[gene] == other[gene] for gene in both)
        said.append(
            f"{names[0]} and {label} have {len(both):,} of them in common, {same:,} the same way."
        )
    return said


def _moves(one: Told) -> bool:
    return one.call in ("up", "down") and not one.subtle


def _column(side: SideOf) -> Column:
    calls = [one.call for one in side.told.values() if not one.subtle]
    return Column(
        label=side.label, role=side.role, up=calls.count("up"), down=calls.count("down"),
        known=len(side.told), genes=side.genes, cell_line=side.cell_line,
    )  # fmt: skip


def _ordered(sides: Sequence[SideOf], moved: set[str]) -> tuple[str, ...]:
    """Return what changes, each side's most specific ones in turn."""
    orders = []
    for side in sides:
        mine = [gene for gene in moved if gene in side.told and _moves(side.told[gene])]
        orders.append(sorted(mine, key=lambda gene: (-side.told[gene].specific, gene)))
    chosen: dict[str, None] = {}
    for at in range(max(map(len, orders), default=0)):
        for order in orders:
            if at < len(order):
                chosen[order[at]] = None
    return tuple(chosen)


def _row(gene: str, sides: Sequence[SideOf]) -> ComparedReadout:
    told = [side.told.get(gene) for side in sides]
    moving = {one.call for one in told if one is not None and _moves(one)}
    count = sum(one is not None and _moves(one) for one in told)
    pattern: Pattern = "unchanged"
    if len(moving) == 2:  # up and down
        pattern = "opposite ways"
    elif moving:
        pattern = "same way" if count > 1 else "only"
    return ComparedReadout(
        gene=gene,
        values=tuple(None if one is None else one.value for one in told),
        calls=tuple("unknown" if one is None else one.call for one in told),
        subtle=tuple(one is not None and one.subtle for one in told),
        pattern=pattern,
    )


def _pairs(sides: Sequence[SideOf]) -> list[Pair]:
    most = 6  # sides of which every two are told
    return [
        _pair(one, other)
        for at, one in enumerate(sides)
        for other in sides[at + 1 :]
        if at == 0 or len(sides) <= most
    ]


def _pair(one: SideOf, other: SideOf) -> Pair:
    both = sorted(one.told.keys() & other.told.keys())
    common = [gene for gene in both if _moves(one.told[gene]) and _moves(other.told[gene])]
    either = [gene for gene in both if _moves(one.told[gene]) or _moves(other.told[gene])]
    ranked = None
    if (one.role == "measured") != (other.role == "measured"):
        told, said = (one, other) if one.role == "measured" else (other, one)
        held = [gene for gene in both if said.told[gene].p_de is not None]
        p = {gene: said.told[gene].p_de or 0.0 for gene in held}
        ranked = ranked_above(
            [p[gene] for gene in held if _moves(told.told[gene])],
            [p[gene] for gene in held if not _moves(told.told[gene])],
        )
    return Pair(
        first=one.label,
        second=other.label,
        known=len(both),
        common=len(common),
        same=sum(one.told[gene].call == other.told[gene].call for gene in common),
        either=len(either),
        likeness=_likeness(one, other, both),
        ranked=ranked,
    )


def _likeness(one: SideOf, other: SideOf, both: Sequence[str]) -> float | None:
    """Return the cosine of what both say, each without the line's habit where that is known."""
    pairs = []
    for gene in both:
        mine, theirs = one.told[gene], other.told[gene]
        pairs.append([side.value if side.own is None else side.own for side in (mine, theirs)])
    known = np.array([pair for pair in pairs if None not in pair], np.float64).reshape(-1, 2)
    length = np.linalg.norm(known, axis=0)
    if not len(known) or not length.all():
        return None
    return float(known[:, 0] @ known[:, 1] / length.prod())


def _regions(sides: Sequence[SideOf], moved: set[str]) -> list[Region]:
    found: dict[tuple[int, ...], list[tuple[float, str, bool]]] = {}
    real = [at for at, side in enumerate(sides) if side.role != "expected"]
    for gene in moved:
        at = tuple(i for i in real if gene in sides[i].told and _moves(sides[i].told[gene]))
        calls = {sides[i].told[gene].call for i in at}
        strength = max(sides[i].told[gene].specific for i in at)
        found.setdefault(at, []).append((-strength, gene, len(calls) == 1))
    regions = [
        Region(
            sides=at,
            count=len(mine),
            same=sum(same for _, _, same in mine),
            genes=tuple(gene for _, gene, _ in sorted(mine)[:12]),
        )
        for at, mine in found.items()
    ]
    return sorted(regions, key=lambda one: (-one.count, one.sides))
