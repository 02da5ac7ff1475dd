"""Open questions: what a list of a line's readouts is led by, and how much of that is specific.

The measured lists are the signed sets of K562 and RPE1: of training perturbations, over readouts
that the response model has no row of for that perturbation, so that nothing asked about was
trained on. The perturbation's own rows in the line never vote on it; other lines' do.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray
from evals.harness.resampling import Resampler
from evals.harness.scores import Key, Score
from evals.regulators.answers import World
from knowledge.schema import Perturbation
from knowledge.specific import specificity
from models.expression import mirror

CONTEXTS: Mapping[str, str] = {"K562": "replogle-k562", "RPE1": "replogle-rpe1"}
# A specific responder changes, and changes under at most so many of the line's other perturbations.
RARE = 0.05
FEWEST_SPECIFIC = 5
FIRST = 20
# Perturbations per line.
ASKED = 60


def measured_lists(data: Path, world: World, seed: int) -> pd.DataFrame:
    """Return `cell_line`, `pert`, `gene`, `changed` and `specific` of the perturbations to ask.

    Raises:
        DataError: A file is missing.
    """
    rng = np.random.default_rng(seed)
    response = world.best.response
    parts = []
    for line, context in CONTEXTS.items():
        (screen,) = mirror.read_contexts(data, [context])
        moved = screen.response != 0
        elsewhere = (moved.sum(axis=0) - moved) / max(len(moved) - 1, 1)
        specific = moved & (elsewhere <= RARE)
        readable = np.isin(screen.readouts, response.readouts(line))
        enough = specific[:, readable].sum(axis=1) >= FEWEST_SPECIFIC
        kept = 0
        for row in rng.permutation(np.flatnonzero(enough)):
            (pert,) = screen.perturbations[int(row)]
            if not any(response.measured(pert, gene, line) for gene in response.readouts(line)):
                continue
            asked = [
                at
                for at in np.flatnonzero(readable)
                if (gene := screen.readouts[at]) != pert
                and response.measured(pert, gene, line) is None
            ]
            parts.append(
                pd.DataFrame(
                    {
                        "cell_line": line,
                        "pert": pert,
                        "gene": [screen.readouts[at] for at in asked],
                        "changed": moved[row, asked],
                        "specific": specific[row, asked],
                    }
                )
            )
            kept += 1
            if kept == ASKED:
                break
    return pd.concat(parts, ignore_index=True)


def list_answers(world: World, line: str, pert: str, genes: tuple[str, ...]) -> pd.DataFrame:
    """Return `gene` and `p_de` of the readouts that the product gives a number for."""
    what = Perturbation(genes=(pert,), kind="knockdown", cell_line=line)
    effects = world.best.effects(what, genes)
    told = [one for one in effects if one.p_de is not None and not one.abstained]
    return pd.DataFrame({"gene": [one.gene for one in told], "p_de": [one.p_de for one in told]})


def rankings(
    p_de: FloatArray, habit: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Return what the readouts of a list may be ranked by, the highest first."""
    odds = np.log(p_de / (1 - p_de + 1e-9) + 1e-9)
    return {
        "P(changes)": p_de,
        "P(changes) x (1 - habit), shipped": specificity(p_de, habit),
        "P(changes) - habit": p_de - habit,
        "odds over the habit's odds": odds - np.log(habit / (1 - habit)),
        "habit alone": habit,
        "random": rng.random(len(p_de)),
    }


def listed(lists: pd.DataFrame, resampler: Resampler, seed: int) -> Iterator[Score]:
    """Yield the precision of every ranking per line, and what one that knew would reach.

    Args:
        lists: `cell_line`, `pert`, `gene`, `changed`, `specific`, `p_de` and `habit`.
        resampler: Draws perturbations.
        seed: Of the random ranking.
    """
    rng = np.random.default_rng(seed)
    for line, rows in lists.groupby("cell_line"):
        found: dict[str, list[tuple[float, float]]] = {}
        units, most = [], []
        for pert, mine in rows.groupby("pert"):
            specific, changed = mine["specific"].to_numpy(float), mine["changed"].to_numpy(float)
            p_de, habit = mine["p_de"].to_numpy(np.float64), mine["habit"].to_numpy(np.float64)
            units.append(str(pert))
            most.append(min(specific.sum(), FIRST) / FIRST)
            for rule, score in rankings(p_de, habit, rng).items():
                first = np.argsort(-score, kind="stable")[:FIRST]
                found.setdefault(rule, []).append(
                    (specific[first].sum() / FIRST, changed[first].sum() / FIRST)
                )
        for rule, pairs in found.items():
            precision, any_change = np.array(pairs).T
            keys: dict[str, Key] = {"about": "lists", "cell_line": str(line)}
            yield Score(rule, "specific", resampler.mean(units, precision), **keys)
            yield Score(rule, "changed", float(any_change.mean()), **keys)
        yield Score("at most", "specific", float(np.mean(most)), about="lists", cell_line=str(line))
