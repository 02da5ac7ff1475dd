"""Ranks what would produce a list, with permuted lists and paths beside each candidate."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from knowledge.schema import Frozen, Probability
from tools.effects import EffectPredictor
from tools.lists.atlas import Atlas, atlas_dir, atlas_of
from tools.lists.causes import LEAST_LIST, WEIGHTS, Library, Scores, Way
from tools.lists.explanation import path_told
from tools.lists.footprints import footprints
from tools.lists.listed import ResultList
from tools.lists.rows import MOST_ROWS, PathTold
from tools.lists.signatures import kinship, parts, signatures
from tools.lists.upstream import Upstream, upstream

Floats = NDArray[np.float64]
PERMUTED = 200
# Of a longer list, the surest changes are compared.
LONGEST_LIST = 500
PATHS = 5
# A complex larger than this is no complex that acts as one.
LARGEST_COMPLEX = 60
Sought = Literal["loss", "gain", "either"]
By = Literal["all", "predicted", "measured", "footprint"]


class Cause(Frozen):
    """A candidate for what produced a list.

    Attributes:
        gene: Whose loss or gain it would be.
        way: Loss or gain.
        score: Weighted sum of the parts in standard deviations over all candidates.
        predicted: How probable the predictions make these genes, given how many: mean log.
        measured: Likeness (cosine) of the nearest measured knockdown, of its own or its relatives'.
        measured_in: The lines of its own measured knockdowns that are compared.
        footprint: Likeness (cosine) of what signed paths of at most three steps do.
        agreeing: Genes of the list that its footprint moves the measured way.
        opposing: Those that it moves the other way.
        p: Share of permuted lists for which this candidate scores as well.
        complexes: Complexes that it is a member of.
        paths: Signed paths to genes of the list, for the first candidates.
        essential: Share of cancer lines that need it.
    """

    gene: str
    way: Way
    score: float
    predicted: float | None
    measured: float | None
    measured_in: tuple[str, ...] = ()
    footprint: float | None
    agreeing: int = 0
    opposing: int = 0
    p: Probability
    complexes: tuple[str, ...] = ()
    paths: tuple[PathTold, ...] = ()
    essential: Probability | None = None


class Causes(Frozen):
    """What would produce a list.

    Attributes:
        source: The list.
        cell_line: Whose predictions it was laid beside.
        listed: Genes with a direction.
        used: Of those, what any prediction, measurement or path knows.
        candidates: Losses, or gains, that were compared.
        rows: The best first, at most 1,000.
        notes: What to be careful of.
    """

    source: str
    cell_line: str
    listed: int
    used: int
    candidates: int
    rows: tuple[Cause, ...]
    notes: tuple[str, ...] = ()


def library_of(predictor: EffectPredictor, data: Path, atlas: Atlas | None = None) -> Library:
    """Return what lists are laid beside: the atlas of a data folder and what is kept with it."""
    response, knowledge = predictor.response, predictor.knowledge
    found = atlas or atlas_of(data, response)
    return Library(
        found,
        signatures(response, knowledge, data),
        footprints(knowledge, atlas_dir(data)),
        kinship(response),
    )


def causes(
    predictor: EffectPredictor,
    library: Library,
    result: ResultList,
    cell_line: str,
    sought: Sought = "either",
    top: int = 20,
    seed: int = 0,
    by: By = "all",
) -> Causes:
    """Return the losses or gains that would produce a list, the likeliest first.

    Args:
        predictor: For the graph, and what is known of genes.
        library: What the list is laid beside.
        result: The list; genes without a direction are left out.
        cell_line: The line whose predictions are used.
        sought: Losses, gains or both.
        top: How many are returned.
        seed: Of the permuted lists.
        by: All parts, or one of them; lists of other cells than the screens' are best ranked by
            footprints.

    Raises:
        QuestionError: The list is too short, or says no directions.
    """
    signs = _most_changed(result)
    if len(signs) < LEAST_LIST:
        raise QuestionError(
            f"{result.source} holds {len(signs)} changed genes with a direction; give at least "
            f"{LEAST_LIST}, written as DDIT3+ or LDLR-."
        )
    ways: tuple[Way, ...] = ("loss", "gain") if sought == "either" else (sought,)
    weights: Mapping[str, float] = WEIGHTS if by == "all" else {by: 1.0}
    ranked = []
    for way in ways:
        scores = library.scores(signs, cell_line, way=way)
        joined = scores.joined(weights)
        for at in np.argsort(-joined, kind="stable")[:top]:
            ranked.append((float(joined[at]), way, scores, int(at)))
    ranked.sort(key=lambda one: (-one[0], one[2].genes[one[3]]))
    ranked = ranked[: min(top, MOST_ROWS)]
    chance = _chance(library, signs, cell_line, ranked, seed, weights)
    rows = [
        _row(predictor, library, signs, scores, at, way, score, chance[number], number < PATHS)
        for number, (score, way, scores, at) in enumerate(ranked)
    ]
    read = {*library.signatures.genes, *library.footprints.genes,
            *predictor.response.readouts(cell_line)}  # fmt: skip
    return Causes(
        source=result.source,
        cell_line=cell_line,
        listed=len(signs),
        used=len(read & set(signs)),
        candidates=len(ranked[0][2].genes),
        rows=tuple(rows),
        notes=(*result.notes, *_notes(library, cell_line, signs, rows)),
    )


def _most_changed(result: ResultList) -> dict[str, int]:
    """Return the signs of a list, of a long one those of its surest and largest changes."""
    signs = result.signs
    if len(signs) <= LONGEST_LIST:
        return signs
    changed = [one for one in result.changed if one.gene in signs]
    changed.sort(key=lambda one: (one.padj if one.padj is not None else 1.0,
                                  -abs(one.effect or 0.0)))  # fmt: skip
    return {one.gene: signs[one.gene] for one in changed[:LONGEST_LIST]}


def _chance(
    library: Library,
    signs: Mapping[str, int],
    cell_line: str,
    ranked: Sequence[tuple[float, Way, Scores, int]],
    seed: int,
    weights: Mapping[str, float],
) -> list[float]:
    """Return, for each candidate, the share of permuted lists that suit it as well.

    A permuted list has as many genes with as many signs, drawn as often as screens see them move;
    the parts are standardised as those of the list itself were.
    """
    rng = np.random.default_rng(seed)
    pool = library.signatures.genes
    seen = np.asarray((library.signatures.values != 0).sum(axis=0)).ravel() + 0.5
    chosen = np.array(list(signs.values()))
    size = min(len(chosen), len(pool))
    lists = []
    for _ in range(PERMUTED):
        drawn = rng.choice(len(pool), size, replace=False, p=seen / seen.sum())
        shuffled = rng.permutation(chosen)[:size]
        lists.append({pool[i]: int(s) for i, s in zip(drawn, shuffled, strict=True)})
    out = []
    both: tuple[Way, ...] = ("loss", "gain")
    genes = {way: sorted({s.genes[at] for _, w, s, at in ranked if w == way}) for way in both}
    null = {
        way: library.parts_of(mine, lists, cell_line, way=way)
        for way, mine in genes.items()
        if mine
    }
    for score, way, scores, at in ranked:
        column = genes[way].index(scores.genes[at])
        total = np.zeros(len(lists))
        for name, weight in weights.items():
            values = scores.parts[name]
            known = np.isfinite(values)
            if known.sum() < 2 or not np.isfinite(values[at]):
                continue
            drawn_values = null[way][name][column]
            spread = max(float(values[known].std()), 1e-9)
            total += weight * np.nan_to_num((drawn_values - values[known].mean()) / spread)
        out.append(float((1 + np.sum(total >= score)) / (1 + len(lists))))
    return out


def _row(
    predictor: EffectPredictor,
    library: Library,
    signs: Mapping[str, int],
    scores: Scores,
    at: int,
    way: Way,
    score: float,
    p: float,
    with_paths: bool,
) -> Cause:
    gene = scores.genes[at]
    turn = 1 if way == "loss" else -1
    footprint = library.footprints
    moved: dict[str, float] = {}
    if gene in library.places:
        row = footprint.values[[library.places[gene]]]
        moved = {footprint.genes[i]: turn * float(v)
                 for i, v in zip(row.indices, row.data, strict=True)}  # fmt: skip
    shared = [(one, value * signs[one]) for one, value in moved.items() if one in signs]
    known = predictor.response.ground(gene)
    return Cause(
        gene=gene,
        way=way,
        score=score,
        predicted=_part(scores, "predicted", at),
        measured=_part(scores, "measured", at),
        measured_in=tuple(
            line for name, line in map(parts, library.signatures.rows) if name == gene
        ),
        footprint=_part(scores, "footprint", at),
        agreeing=sum(value > 0 for _, value in shared),
        opposing=sum(value < 0 for _, value in shared),
        p=p,
        complexes=tuple(
            group.name
            for group in predictor.knowledge.graph.groups_of(gene)
            if group.kind == "complex" and len(group.members) <= LARGEST_COMPLEX
        )[:3],
        paths=_paths(predictor, gene, way, shared) if with_paths else (),
        essential=known.essential if gene in predictor.response._gene else None,
    )


def _part(scores: Scores, name: str, at: int) -> float | None:
    value = float(scores.parts[name][at])
    return value if np.isfinite(value) else None


def _paths(
    predictor: EffectPredictor, gene: str, way: Way, shared: Sequence[tuple[str, float]]
) -> tuple[PathTold, ...]:
    """Return the best paths from a loss to two genes of the list that it moves the measured way."""
    if way == "gain":
        return ()
    agreeing = sorted((one for one in shared if one[1] > 0), key=lambda one: -one[1])
    out = []
    for target, _ in agreeing[:2]:
        found = upstream_of(predictor, target)
        said = found.direction(gene)
        if said is not None:
            steps = found.path(gene, said)
            out.append(path_told(predictor.knowledge.graph, steps, said, frozenset({gene})))
    return tuple(out)


@lru_cache(maxsize=64)
def upstream_of(predictor: EffectPredictor, target: str) -> Upstream:
    """Return the best paths to a gene; the same search is done only once."""
    return upstream(predictor.knowledge.graph, target)


def _notes(
    library: Library, cell_line: str, signs: Mapping[str, int], rows: Sequence[Cause]
) -> list[str]:
    notes = []
    if not library.atlas.perturbations(cell_line):
        notes.append(
            f"There is no atlas of {cell_line}, so candidates are ranked by measured knockdowns "
            f"and paths alone; `knockwise atlas build --cell-line {cell_line}` makes one."
        )
    if rows and rows[0].p > 0.05:
        notes.append(
            "No candidate suits the list better than permuted lists do: take none for its cause."
        )
    if len(signs) < 20:
        notes.append(f"{len(signs)} genes with a direction are few: short lists fit many causes.")
    return notes
