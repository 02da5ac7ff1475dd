"""What programmes are called: regulons, known sets and complexes that they are enriched in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.base import Knowledge
from knowledge.gene_sets import GeneSet
from knowledge.graph import is_membership
from models.programmes.schema import Programme, Regulator, SetMatch
from models.response.field import FloatArray

Floats = NDArray[np.float64]
# Standard errors from which on a match is told, and members that must load.
CLEAR, FEWEST_TARGETS, FEWEST_READOUTS, FEWEST_PERTURBED = 5.0, 8, 4, 3
# A match is specific where its z is this many times the set's usual z over all programmes: the
# transcripts of the ribosome answer to nearly everything and name nothing.
SPECIFIC = 2.5
# Regulons whose targets load with the regulon's sign less often than this say little.
LEAST_AGREE = 0.75
LARGEST_SET = 250
TOLD, TOP_GENES = 3, 12
# Sets that name a programme, the preferred sources first, where they are nearly as clear as others.
OF_READOUTS = ("starter", "MSigDB Hallmark")
OF_LOST = ("starter", "CORUM", "Complex Portal", "Reactome", "WikiPathways")
NEARLY = 0.6
# A set of readouts or a regulon names a programme from so many standard errors on.
NAMING = 8.0
HALF_PERCENT = 0.995
AFTER = "Response to loss of "


class Match(NamedTuple):
    """A known set, its z, and how many of its members count."""

    known: GeneSet
    z: float
    members: int


@dataclass(frozen=True)
class Named:
    """The programmes by name, and which of them were turned round to fit their names.

    Attributes:
        programmes: In order.
        turn: +1 or -1 `(rank,)`: loadings and shifts are to be multiplied with it.
    """

    programmes: tuple[Programme, ...]
    turn: FloatArray


def named(
    loaded: FloatArray,
    shifts: Floats,
    readouts: Sequence[str],
    perturbations: Sequence[str],
    knowledge: Knowledge,
) -> Named:
    """Return what the programmes are called.

    Args:
        loaded: Loadings `(readouts, rank)`.
        shifts: Mean shift of each perturbation over the lines it was measured in
            `(perturbations, rank)`, NaN where it never was.
        readouts: Approved symbols.
        perturbations: Approved symbols.
        knowledge: Regulons, sets and complexes.
    """
    sets = [one for one in knowledge.gene_sets if len(one.members) <= LARGEST_SET]
    read = _matches(loaded, readouts, sets, FEWEST_READOUTS, need=loaded != 0)
    # A starter programme holds what answers beside what is lost, so it is no set to lose.
    parts = [
        one
        for one in sets
        if one.source in OF_LOST and (one.source != "starter" or one.id.count(":") > 1)
    ]
    known = np.asarray(np.isfinite(shifts).all(axis=1))
    lost = _matches(
        np.where(known[:, None], shifts, 0),
        [name if here else "" for name, here in zip(perturbations, known, strict=True)],
        parts,
        FEWEST_PERTURBED,
        need=np.broadcast_to(known[:, None], shifts.shape),
    )
    driven = _regulators(loaded, readouts, knowledge)
    found, turn = [], np.ones(loaded.shape[1], np.float32)
    for k in range(loaded.shape[1]):
        anchor, broken = _best(read[k], OF_READOUTS, NAMING), _best(lost[k], OF_LOST)
        lead = anchor or broken
        if lead is not None:
            turn[k] = 1.0 if lead.z > 0 else -1.0
        elif driven[k]:
            turn[k] = driven[k][0].sign
        found.append(_programme(k, loaded[:, k] * turn[k], turn[k], read[k], lost[k], driven[k],
                                readouts))  # fmt: skip
    return Named(tuple(_unique(found)), turn)


def _programme(
    k: int,
    values: FloatArray,
    turn: float,
    read: Sequence[Match],
    lost: Sequence[Match],
    driven: Sequence[Regulator],
    readouts: Sequence[str],
) -> Programme:
    order = np.argsort(-values, kind="stable")
    up = tuple(readouts[i] for i in order[:TOP_GENES] if values[i] > 0)
    down = tuple(readouts[i] for i in order[::-1][:TOP_GENES] if values[i] < 0)
    anchor, broken = _best(read, OF_READOUTS, NAMING), _best(lost, OF_LOST)
    regulators = tuple(one.model_copy(update={"sign": int(one.sign * turn)}) for one in driven)
    if anchor is not None:
        name = anchor.known.name[:1].upper() + anchor.known.name[1:]
    elif regulators and regulators[0].z >= NAMING:
        name = f"{regulators[0].gene} targets"
    elif broken is not None:
        name = f"{AFTER}{_short(broken.known.name)}"
    elif regulators:
        name = f"{regulators[0].gene} targets"
    else:
        name = f"{', '.join((up or down)[:3])} set"
    starter = anchor is not None and anchor.known.source == "starter"
    return Programme(
        id=f"P{k + 1:02d}",
        name=name,
        anchor=anchor.known.id if anchor is not None and starter else "",
        readouts=tuple(_told(one, turn) for one in read[:TOLD]),
        perturbations=tuple(
            _told(one, turn) for one in [*([broken] if broken else []), *lost][:TOLD]
        ),
        regulators=regulators[:TOLD],
        up=up,
        down=down,
    )


def _told(match: Match, turn: float) -> SetMatch:
    return SetMatch(
        name=match.known.name,
        source=match.known.source,
        members=match.members,
        z=round(float(match.z * turn), 2),
    )


def _short(name: str) -> str:
    """Return the name of a set without what stands in brackets."""
    return name.partition(" (")[0]


def _best(found: Sequence[Match], sources: Sequence[str], least: float = CLEAR) -> Match | None:
    """Return the set that names a programme: of the preferred sources that are nearly as clear."""
    for source in sources:
        for one in found:
            enough = max(least, NEARLY * abs(found[0].z))
            if one.known.source == source and abs(one.z) >= enough:
                return one
    return None


def _unique(programmes: Iterable[Programme]) -> list[Programme]:
    """Return the programmes, those that share a name told apart by what shifts them."""
    listed = list(programmes)
    names = [one.name for one in listed]
    taken: set[str] = set()
    out = []
    for one in listed:
        name = one.name
        if names.count(name) > 1 and not name.startswith(AFTER) and one.perturbations:
            lost = next((p.name for p in one.perturbations if p.name != name), "its own genes")
            name = f"{name} after loss of {_short(lost)}"
        if name in taken:
            name = f"{name} ({(one.up or one.down)[0]})"
        if name in taken:
            name = f"{name} ({one.id})"
        taken.add(name)
        out.append(one.model_copy(update={"name": name}))
    return out


def _matches(
    values: NDArray[np.floating],
    genes: Sequence[str],
    sets: Sequence[GeneSet],
    fewest: int,
    need: NDArray[np.bool_],
) -> list[list[Match]]:
    """Return for each programme the sets whose members' mean is clearly off, the clearest first."""
    place = {gene: i for i, gene in enumerate(genes) if gene}
    at = [(row, place[g]) for row, one in enumerate(sets) for g in one.members if g in place]
    rows, columns = np.array(at, np.int64).reshape(-1, 2).T
    member = sparse.csr_array((np.ones(len(at)), (rows, columns)), shape=(len(sets), len(genes)))
    flat = _winsorised(np.asarray(values, np.float64))
    counted = np.array([bool(gene) for gene in genes])
    mean, spread = flat[counted].mean(0), np.maximum(flat[counted].std(0), 1e-9)
    size = np.asarray(member.sum(1)).ravel()[:, None]
    z = (member @ flat - size * mean) / (spread * np.sqrt(np.maximum(size, 1)))
    loads = member @ need.astype(np.float64)
    usual = np.median(np.abs(z), axis=1, keepdims=True)
    out = []
    for k in range(values.shape[1]):
        clear = np.flatnonzero(
            (np.abs(z[:, k]) >= np.maximum(CLEAR, SPECIFIC * usual[:, 0])) & (loads[:, k] >= fewest)
        )
        order = clear[np.argsort(-np.abs(z[clear, k]), kind="stable")]
        out.append([Match(sets[i], float(z[i, k]), int(loads[i, k])) for i in order])
    return out


def _winsorised(values: Floats) -> Floats:
    """Return the values, the largest half per cent cut to what comes next."""
    most = np.quantile(np.abs(values), HALF_PERCENT, axis=0)
    return np.clip(values, -most, most)


def _regulators(
    loaded: FloatArray, readouts: Sequence[str], knowledge: Knowledge
) -> list[list[Regulator]]:
    """Return for each programme the regulators whose signed targets load alike."""
    place = {gene: i for i, gene in enumerate(readouts)}
    targets: Mapping[str, dict[int, int]] = defaultdict(dict)
    databases: Mapping[str, set[str]] = defaultdict(set)
    for edge in knowledge.graph.edges:
        if edge.sign and edge.changes_expression and edge.target in place:
            gene = knowledge.graph.kind(edge.source) == "gene"
            if gene and not is_membership(edge) and edge.source != edge.target:
                targets[edge.source].setdefault(place[edge.target], edge.sign)
                databases[edge.source].add(edge.database.partition(":")[0])
    names = sorted(name for name, found in targets.items() if len(found) >= FEWEST_TARGETS)
    at = [(i, r, s) for i, name in enumerate(names) for r, s in targets[name].items()]
    row, column, sign = np.array(at, np.int64).reshape(-1, 3).T
    shape = (len(names), len(readouts))
    regulon = sparse.csr_array((sign.astype(np.float64), (row, column)), shape=shape)
    flat = _winsorised(loaded.astype(np.float64))
    mean, spread = flat.mean(0), np.maximum(flat.std(0), 1e-9)
    size, net = abs(regulon).sum(1)[:, None], regulon.sum(1)[:, None]
    z = (regulon @ flat - net * mean) / (spread * np.sqrt(size))
    way = np.sign(loaded.astype(np.float64))
    loads, surplus = abs(regulon) @ np.abs(way), regulon @ way
    usual = np.median(np.abs(z), axis=1)
    agree = (loads + np.abs(surplus)) / np.maximum(2 * loads, 1)
    out = []
    for k in range(loaded.shape[1]):
        clear = np.flatnonzero(
            (np.abs(z[:, k]) >= np.maximum(CLEAR, SPECIFIC * usual))
            & (loads[:, k] >= FEWEST_TARGETS)
            & (agree[:, k] >= LEAST_AGREE)
            & (np.sign(z[:, k]) == np.sign(surplus[:, k]))
        )
        order = clear[np.argsort(-np.abs(z[clear, k]), kind="stable")][:TOLD]
        out.append(
            [
                Regulator(
                    gene=names[i],
                    sign=1 if z[i, k] > 0 else -1,
                    targets=int(loads[i, k]),
                    agree=int((loads[i, k] + abs(surplus[i, k])) / 2),
                    z=round(abs(float(z[i, k])), 2),
                    databases=tuple(sorted(databases[names[i]])),
                )
                for i in order
            ]
        )
    return out
