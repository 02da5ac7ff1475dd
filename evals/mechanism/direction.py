"""Does the product of a path's signs agree with what was measured, and does that mean anything?"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.altered_graphs import Relations, is_curated
from evals.harness.metrics import FloatArray
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Key, Score
from evals.mechanism.cascades import chosen, followed
from evals.mechanism.facts import ALL, Doubtful, Loop, Rule, Split, Tuning
from knowledge.base import Knowledge
from knowledge.cascade import MIN_CONFIDENCE
from knowledge.progress import Progress
from models.inputs.screens import CELL_LINES

ABOUT, MEASURE = "direction", "agreement"
SHUFFLES = 100
REWIRED = 2
# Perturbations per line and split that are followed through rewired graphs.
REWIRED_PER_LINE = 150
FOLDS = 5
FEWEST = 20
DOUBTED = 15
BINS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 1.0)
# A mechanism that is told without reservation should be right three times in four; of all
# thresholds that give that, on training perturbations, the lowest.
GOAL = 0.75
BEFORE = Rule(curated=MIN_CONFIDENCE, database=MIN_CONFIDENCE, fallen=MIN_CONFIDENCE)
LENGTHS = {"1 or 2 steps": (1, 2), "3 or 4 steps": (3, 4), "5 steps or more": (5, 99)}
KINDS = {
    "curated": "every step in the starter pack",
    "database": "a step from databases alone",
    "fallen": "a fallen transcript breaks its complex",
}
THRESHOLDS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4)


class Controls(NamedTuple):
    """What is right by chance of each covered pair `(pairs,)`, 0 to 1."""

    shuffled: FloatArray
    rewired: FloatArray
    majority: FloatArray


def changed_pairs(table: pd.DataFrame, relations: Relations) -> pd.DataFrame:
    """Return the reached pairs that changed and whose cascade points somewhere.

    Args:
        table: From `followed`.
        relations: Those that the paths are told in.

    Returns:
        The rows with `way` (+1 up, -1 down), `path`, `steps`, `confidence`, `uncurated` (how many
        steps are not in the starter pack), `fallen` (see `breaks_by_falling`) and `right`.
    """
    way, paths = chosen(table)
    use = (way != 0) & table.is_up.notna().to_numpy()
    rows, paths, way = table[use], paths[use], way[use]
    uncurated = np.array([not is_curated(one) for one in relations.all])
    marked: pd.DataFrame = rows.assign(
        way=way,
        path=[np.asarray(path, np.int64) for path in paths],
        steps=[len(path) for path in paths],
        confidence=np.maximum(rows.up, rows.down),
        uncurated=[int(uncurated[np.asarray(path, np.int64)].sum()) for path in paths],
        fallen=[breaks_by_falling(path, relations) for path in paths],
        right=((way > 0) == (rows.is_up.to_numpy() > 0)).astype(np.float64),
    )
    return marked


def breaks_by_falling(path: Iterable[int], relations: Relations) -> bool:
    """Return whether a transcript that fell breaks a complex or process that it is a part of.

    A knockdown takes a subunit away and breaks what it is a part of. A factor that is lost lowers
    its targets' transcripts a little, which is not the same.
    """
    steps = [relations.all[int(number)] for number in path]
    return any(one.expression and two.joins_group for one, two in pairwise(steps))


def signs_shuffled(
    pairs: pd.DataFrame, relations: Relations, rng: np.random.Generator
) -> FloatArray:
    """Return how often each pair agrees when signs are dealt anew within types `(pairs,)`."""
    total = np.zeros(len(pairs))
    up = pairs.is_up.to_numpy() > 0
    lengths = pairs.steps.to_numpy()
    flat = np.concatenate([*pairs.path, np.zeros(0, np.int64)])
    starts = np.r_[0, np.cumsum(lengths)[:-1]]
    for _ in range(SHUFFLES):
        negative = relations.shuffled_signs(rng)[flat] < 0
        # The perturbed gene goes down, so an odd number of inhibitions ends up.
        odd = np.add.reduceat(negative.astype(np.int64), starts) % 2 == 1
        total += odd == up
    return total / SHUFFLES


def graphs_rewired(
    pairs: pd.DataFrame,
    knowledge: Knowledge,
    relations: Relations,
    rng: np.random.Generator,
    progress: Progress,
) -> FloatArray:
    """Return how often each pair agrees in rewired graphs `(pairs,)`.

    Half where there is no path; NaN for perturbations that were not drawn to be followed.
    """
    drawn = [
        rows.index[rows.pert.isin(rng.permutation(sorted(set(rows.pert)))[:REWIRED_PER_LINE])]
        for _, rows in pairs.groupby(["cell_line", "split"])
    ]
    some = pairs.loc[np.sort(np.concatenate(drawn))]
    total = np.zeros(len(some))
    for number in range(REWIRED):

        def follow(what: str, done: float, number: int = number) -> None:
            progress(f"rewired graph {number + 1}: {what}", (number + done) / REWIRED)

        found = followed(some, knowledge, follow, graph=relations.rewired(rng))
        way = pd.Series(np.sign(found.up - found.down)).reindex(some.index).fillna(0).to_numpy()
        up = some.is_up.to_numpy() > 0
        total += np.where(way == 0, 0.5, (way > 0) == up)
    found_again = pd.Series(total / REWIRED, some.index).reindex(pairs.index)
    return np.asarray(found_again, np.float64)


def majority(pairs: pd.DataFrame, measured: pd.DataFrame) -> FloatArray:
    """Return whether the readout's commoner direction in the line is right `(pairs,)`.

    Other perturbations' training rows are counted; half where there are none, or as many.
    """
    train = measured[(measured.split == "train") & measured.is_up.notna()]
    counts = train.groupby(["cell_line", "gene"]).is_up.agg(["sum", "size"])
    keys = pd.MultiIndex.from_frame(pairs[["cell_line", "gene"]])
    found = counts.reindex(keys).fillna(0).to_numpy()
    own = (pairs.split == "train").to_numpy()
    up = pairs.is_up.to_numpy()
    lead = 2 * (found[:, 0] - own * up) - (found[:, 1] - own)
    return np.where(lead == 0, 0.5, (lead > 0) == (up > 0))


def believed(pairs: pd.DataFrame, rule: Rule) -> NDArray[np.bool_]:
    """Return which cascades a rule believes `(pairs,)`."""
    least = np.zeros(len(pairs))
    for kind, rows in kinds(pairs).items():
        threshold = getattr(rule, kind)
        least[rows] = np.inf if threshold is None else threshold
    return np.asarray(pairs.confidence.to_numpy() >= least)


def kinds(pairs: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Return which pairs have a path of each kind that a rule tells apart `(pairs,)`."""
    fallen, curated = pairs.fallen.to_numpy(np.bool_), pairs.uncurated.to_numpy() == 0
    return {"curated": curated & ~fallen, "database": ~curated & ~fallen, "fallen": fallen}


def choose_rule(pairs: pd.DataFrame) -> Rule:
    """Return, for each kind of path, the lowest threshold that is right often enough.

    Right is meant in the mean over lines; a kind that is nowhere right enough is not believed.
    """
    return Rule(**{kind: _threshold(pairs[rows]) for kind, rows in kinds(pairs).items()})


def _threshold(pairs: pd.DataFrame) -> float | None:
    for least in THRESHOLDS:
        kept = pairs[pairs.confidence >= least]
        if len(kept) < FEWEST:
            return None
        if float(kept.groupby("cell_line").right.mean().mean()) >= GOAL:
            return least
    return None


def tuned(pairs: pd.DataFrame, seed: int) -> tuple[Tuning, NDArray[np.bool_]]:
    """Return the tuning, and which pairs are believed by a rule that never saw them `(pairs,)`.

    Training pairs are judged by the rule of the other folds of perturbations, test pairs by that of
    all training pairs.
    """
    train = (pairs.split == "train").to_numpy()
    names = np.array(sorted(set(pairs.pert)))
    drawn = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    fold = pairs.pert.map(dict(zip(names, drawn, strict=True))).to_numpy()
    rule = choose_rule(pairs[train])
    use = believed(pairs, rule)
    per_fold = []
    for number in range(FOLDS):
        fit, judged = train & (fold != number), train & (fold == number)
        if not fit.any():
            continue
        per_fold.append(choose_rule(pairs[fit]))
        use[judged] = believed(pairs[judged], per_fold[-1])
    return Tuning(before=BEFORE, chosen=rule, per_fold=tuple(per_fold), goal=GOAL), use


def agreements(
    pairs: pd.DataFrame,
    controls: Controls,
    use: NDArray[np.bool_],
    changed: Mapping[tuple[str, str], int],
    resampler: Resampler,
) -> Iterator[Score]:
    """Iterate over the agreement per line, split, loop and kind of `paths`, beside controls.

    *Shuffled*: signs dealt anew among relations of a type, on the same paths. *Rewired*: the same
    search where relations of a type exchanged targets; a pair without a path there counts half. Of
    drawn perturbations; so is the gain over it. *Majority*: the readout's commoner direction among
    other perturbations in the line.

    Args:
        pairs: From `changed_pairs`.
        controls: Of the same pairs.
        use: Which of them the tuned rule believes.
        changed: How many pairs changed, by line and split.
        resampler: Draws perturbations.
    """
    everything = np.ones(len(pairs), np.bool_)
    steps = pairs.steps.to_numpy()
    slices = {
        ALL: everything,
        **{name: (steps >= a) & (steps <= b) for name, (a, b) in LENGTHS.items()},
        **{KINDS[kind]: rows for kind, rows in kinds(pairs).items()},
    }
    splits: tuple[Split, ...] = ("test", "train")
    loops: dict[Loop, NDArray[np.bool_]] = {"before": everything, "after": use}
    for split in splits:
        mine = (pairs.split == split).to_numpy()
        for line in (*CELL_LINES, ALL):
            here = mine if line == ALL else mine & (pairs.cell_line == line).to_numpy()
            n = sum(k for (a, b), k in changed.items() if b == split and line in (a, ALL))
            for loop, kept in loops.items():
                for name, part in slices.items():
                    at = here & kept & part
                    # A slice of a line is told where there is enough of it to be told.
                    if at.any() and (name == ALL or line == ALL):
                        keys: dict[str, Key] = {"cell_line": line, "split": split, "loop": loop,
                                                "paths": name}  # fmt: skip
                        yield Score("cascade", "changed", n, about=ABOUT, **keys)
                        yield from _agreement(pairs, controls, at, resampler, keys)


def _agreement(
    pairs: pd.DataFrame,
    controls: Controls,
    at: NDArray[np.bool_],
    resampler: Resampler,
    keys: Mapping[str, Key],
) -> Iterator[Score]:
    unit, right = pairs.pert.to_numpy(str), pairs.right.to_numpy()
    cascade = resampler.mean(unit[at], right[at])
    yield Score("cascade", "covered", int(at.sum()), about=ABOUT, **keys)
    yield Score("cascade", MEASURE, cascade, about=ABOUT, **keys)
    for name, values in controls._asdict().items():
        asked = at & np.isfinite(values)
        control, beside = (resampler.mean(unit[asked], one[asked]) for one in (values, right))
        if control.known:
            yield Score(name, MEASURE, control, "control", about=ABOUT, **keys)
            yield Gain("cascade", name, MEASURE, beside - control, about=ABOUT, **keys)


def reliability(pairs: pd.DataFrame, controls: Controls, resampler: Resampler) -> Iterator[Score]:
    """Iterate over the agreement of training pairs by the confidence of their cascade."""
    train = (pairs.split == "train").to_numpy()
    confidence = pairs.confidence.to_numpy()
    for low, high in pairwise(BINS):
        at = train & (confidence >= low) & (confidence < high)
        if at.any():
            unit, bounds = pairs.pert.to_numpy(str)[at], f"{low:g} to {high:g}"
            yield Score("cascade", "pairs", int(at.sum()), about="confidence", confidence=bounds)
            for name, values in (("cascade", pairs.right), ("shuffled", controls.shuffled)):
                mean = resampler.mean(unit, np.asarray(values)[at])
                yield Score(name, MEASURE, mean, about="confidence", confidence=bounds)


def doubtful(
    pairs: pd.DataFrame, use: NDArray[np.bool_], relations: Relations
) -> tuple[Doubtful, ...]:
    """Return the relations whose paths are wrong most often, net of how often they are right.

    They are for a curator to read: a relation may be right and its neighbours wrong.

    Args:
        pairs: From `changed_pairs`; training rows alone are looked at.
        use: Which pairs' cascades are believed.
        relations: Those that the paths are told in.
    """
    rows = pairs[use & (pairs.split == "train").to_numpy()]
    long = pd.DataFrame(
        {
            "number": np.concatenate([*rows.path, np.zeros(0, np.int64)]),
            "right": np.repeat(rows.right.to_numpy(), rows.steps.to_numpy()),
            "pert": np.repeat(rows.pert.to_numpy(), rows.steps.to_numpy()),
        }
    )
    found = long.groupby("number").agg(
        pairs=("right", "size"), right=("right", "sum"), perts=("pert", "nunique")
    )
    found = found[(found.perts >= FEWEST // 4) & (2 * found.right < found.pairs)]
    found = found.assign(net=2 * found.right - found.pairs).sort_values("net", kind="stable")
    out = []
    for number, row in found.head(DOUBTED).iterrows():
        one = relations.all[int(str(number))]
        out.append(
            Doubtful(
                source=one.source,
                sign=one.sign,
                target=one.target,
                databases=tuple(sorted({edge.database for edge in one.edges})),
                pairs=int(row.pairs),
                perturbations=int(row.perts),
                agreement=float(row.right / row.pairs),
            )
        )
    return tuple(out)
