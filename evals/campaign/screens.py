"""Plays public screens in rounds: how many of their hits a plan finds, beside random choice.

The files are those of BioDiscoveryAgent (Roohani et al. 2024, arXiv:2405.17631; the folder
`datasets` of snap-stanford/BioDiscoveryAgent), which people fetch themselves: `ground_truth_X.csv`
holds a score a gene, `task_prompts/X.json` says what was measured. `topmovers_X.npy` names the hits
but is a pickle, which is not read: hits are the genes of the file `hits_X.txt` where there is one,
else the twentieth with the largest scores on either side. Rules: a plan is asked for so many genes
a round and need not give as many; what it gives counts, and a gene that the screen did not measure
is charged like any other and finds nothing.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evals.campaign.page import CHARGED, ESSENTIAL, GIVEN, HITS
from evals.harness.scores import Key, Score
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.symbols import SymbolTable
from tools.effects import EffectPredictor
from tools.lists.atlas import Atlas
from tools.lists.design import ESSENTIAL as MOST_NEED
from tools.lists.design import Goal, planned

TRUTH = "ground_truth_"
# Share of genes on either side that are hits where no file names them.
EXTREME = 0.025
RANDOM_DRAWS = 200


class PublicScreen(NamedTuple):
    """A screen of one phenotype.

    Attributes:
        name: As its files call it.
        task: What was measured, in words; "" where no file says.
        scores: Of each gene that was measured, by approved symbol.
        hits: Genes that moved the phenotype most.
        readouts: Genes whose level was measured, where name or task name any.
    """

    name: str
    task: str
    scores: dict[str, float]
    hits: frozenset[str]
    readouts: tuple[str, ...]


def read_screens(folder: Path, symbols: SymbolTable) -> tuple[PublicScreen, ...]:
    """Return the screens of a folder by name; those of pairs of genes are left out.

    Raises:
        DataError: There is none, or one cannot be read.
    """
    import pandas as pd

    found = []
    for path in sorted(folder.glob(f"{TRUTH}*.csv")):
        table = pd.read_csv(path, index_col=0)
        column = next((name for name in table.columns if str(name).casefold() == "score"), None)
        if column is None:
            raise DataError(f"{path} has no column `Score`; fetch the file again.")
        words = [str(word) for word in table.index]
        genes = [symbols.approved(word) or word for word in words]
        if any("_" in word and word not in symbols for word in words[:20]):
            continue
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
        scores = {g: float(v) for g, v in zip(genes, values, strict=True) if np.isfinite(v)}
        name = path.stem.removeprefix(TRUTH)
        task = _task(folder, name)
        found.append(
            PublicScreen(name, task, scores, _hits(folder, name, scores, symbols),
                         _readouts(name, task, symbols))
        )  # fmt: skip
    if not found:
        raise DataError(
            f"{folder} holds no {TRUTH}NAME.csv; fetch the folder `datasets` of "
            "snap-stanford/BioDiscoveryAgent and name it."
        )
    return tuple(found)


def _task(folder: Path, name: str) -> str:
    for path in (folder / "task_prompts" / f"{name}.json", folder / f"{name}.json"):
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            return f"{record.get('Task', '')} {record.get('Measurement', '')}".strip()
    return ""


def _hits(
    folder: Path, name: str, scores: dict[str, float], symbols: SymbolTable
) -> frozenset[str]:
    path = folder / f"hits_{name}.txt"
    if path.is_file():
        words = path.read_text(encoding="utf-8").split()
        return frozenset(symbols.approved(word) or word for word in words) & scores.keys()
    low, high = np.quantile(list(scores.values()), [EXTREME, 1 - EXTREME])
    return frozenset(gene for gene, value in scores.items() if value <= low or value >= high)


def _readouts(name: str, task: str, symbols: SymbolTable) -> tuple[str, ...]:
    """Return the gene whose level was measured: named by the file, or in brackets of the task."""
    words = [name, *(part.split(")")[0] for part in task.split("(")[1:])]
    found = (symbols.approved(word.strip()) for word in words)
    return tuple(dict.fromkeys(gene for gene in found if gene))[:1]


def played(
    screen: PublicScreen,
    predictor: EffectPredictor,
    atlas: Atlas,
    cell_line: str,
    rounds: int,
    each: int,
    progress: Progress,
    seed: int = 0,
) -> list[Score]:
    """Return what a plan finds of a screen round by round, and what random choice would.

    Args:
        screen: The screen.
        predictor: Response model, graph and fusion.
        atlas: All predictions; may be empty.
        cell_line: The line that stands in for the screen's cells.
        rounds: How many.
        each: Genes a round at most.
        progress: Told what is done.
        seed: Of the random choice.
    """
    done: dict[str, float] = {}
    goal: Goal = "modifiers" if screen.readouts else "learn"
    rng = np.random.default_rng(seed)
    known = sorted(screen.scores)
    scores: list[Score] = []
    for number in range(1, rounds + 1):
        progress(f"{screen.name}, round {number}", number / (rounds + 1))
        plan = planned(
            predictor, atlas, goal, cell_line, each, readouts=screen.readouts, measured=done,
            panel=0,
        )  # fmt: skip
        for row in plan.rows:
            done[row.gene] = float(row.gene in screen.hits)
        chosen = list(done)
        found = sum(gene in screen.hits for gene in chosen)
        outside = sum(gene not in screen.scores for gene in chosen)
        needed = sum(predictor.response.ground(gene).essential >= MOST_NEED for gene in chosen)
        where: dict[str, Key] = {"screen": screen.name, "round": number}
        total = max(1, len(screen.hits))
        scores.append(Score("plan", HITS, found / total, "ours", **where))
        scores.append(Score("plan", GIVEN, float(len(chosen)), "", **where))
        scores.append(Score("plan", CHARGED, outside / max(1, len(chosen)), "", **where))
        scores.append(Score("plan", ESSENTIAL, needed / max(1, len(chosen)), "", **where))
        size = min(number * each, len(known))
        draws = [
            sum(known[i] in screen.hits for i in rng.choice(len(known), size, replace=False))
            for _ in range(RANDOM_DRAWS)
        ]
        scores.append(Score("random", HITS, float(np.mean(draws)) / total, "control", **where))
    return scores
