"""Plays screens in rounds on training rows: what is learnt from the perturbations chosen so far.

A fifth of a line's training perturbations is never chosen and is predicted after every round, by
the vote of the chosen ones weighted by how alike two genes are (no label is in that likeness). The
score is the AUROC within a readout, averaged over readouts. Orders: ours (`tools.lists.choosing`,
greedy facility location over the line's genes), random, and by degree, the most related first.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from agent.settings import Settings
from evals.campaign import screens
from evals.campaign.page import BENCHMARK, SHARE
from evals.campaign.screens import TRUTH, played, read_screens
from evals.harness.metrics import Ranking
from evals.harness.resampling import Resampler, Sample
from evals.harness.run import Inputs, Run
from evals.harness.scores import Gain, Results, Score
from evals.harness.session import benchmark_session
from knowledge.progress import Progress
from knowledge.schema import Frozen
from models.inputs.screens import CELL_LINES
from models.response import ResponseModel
from models.response.checkpoint import SHIPPED
from tools.lists import choosing, design
from tools.lists.atlas import atlas_of
from tools.lists.choosing import spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HELD_OUT = 0.2
# A vote of distant relatives alone is drawn towards none.
PRIOR = 0.5


class CampaignEval(Frozen):
    """What is played.

    Attributes:
        cell_lines: Lines.
        rounds: How many.
        share: Share of the perturbations that may be chosen, a round.
        random: Random orders, whose mean is the control.
        seed: Of everything that is drawn.
        draws: Bootstrap resamples.
        each: Genes a round on public screens.
        stands_in: The line whose predictions stand in for the cells of a public screen.
    """

    cell_lines: tuple[str, ...] = CELL_LINES
    rounds: int = Field(5, ge=1)
    share: float = Field(0.1, gt=0, le=1)
    random: int = Field(5, ge=1)
    seed: int = 0
    draws: int = 200
    each: int = Field(128, ge=1)
    stands_in: str = "Jurkat"


class _Line(NamedTuple):
    """A line's screen: perturbations, what they moved, and how alike they are."""

    between: Floats
    observed: NDArray[np.bool_]
    moved: Floats


def evaluate(out: Path, run: CampaignEval, progress: Progress) -> Results:
    """Return the results; a finished run is read.

    Raises:
        RunError: `out` holds another run.
    """
    inputs = Inputs({"response": SHIPPED / "config.json"}, (choosing,))

    def work(folder: Run) -> Results:
        response = ResponseModel.load()
        scores: list[Score] = []
        for number, line in enumerate(run.cell_lines):
            progress(f"screens of {line}", number / len(run.cell_lines))
            with folder.clock(line):
                scores += _played(_screen(response, line), line, run)
        return Results.of("campaign", scores)

    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def evaluate_public(
    folder: Path, out: Path, run: CampaignEval, world: Settings, progress: Progress
) -> Results:
    """Return what plans find of public screens; a finished run is read.

    Args:
        folder: Where the files of BioDiscoveryAgent are.
        out: The run folder.
        run: Rounds, genes a round, and the line that stands in.
        world: Where the knowledge and the atlas are.
        progress: Told what is done.

    Raises:
        DataError: The folder holds no screen.
        RunError: `out` holds another run.
    """
    session = benchmark_session(world)
    predictor = session.predictor
    shown = read_screens(folder, session.knowledge.symbols)
    files = {one.name: folder / f"{TRUTH}{one.name}.csv" for one in shown}
    inputs = Inputs({"response": SHIPPED / "config.json", **files}, (choosing, design, screens))

    def work(kept: Run) -> Results:
        atlas = atlas_of(world.data, predictor.response)
        scores: list[Score] = []
        for one in shown:
            with kept.clock(one.name):
                scores += played(
                    one, predictor, atlas, run.stands_in, run.rounds, run.each, progress, run.seed
                )
        return Results.of("campaign", scores)

    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def _screen(response: ResponseModel, line: str) -> _Line:
    rows = response._rows
    here = np.flatnonzero(rows.line == response.cell_lines.index(line))
    perts, pert = np.unique(rows.pert[here], return_inverse=True)
    _, readout = np.unique(rows.readout[here], return_inverse=True)
    shape = (len(perts), int(readout.max()) + 1)
    observed, moved = np.zeros(shape, bool), np.zeros(shape)
    observed[pert, readout] = True
    moved[pert, readout] = rows.de[here]
    whole = response._relatives.between(response._pert_gene)
    return _Line(whole[np.ix_(perts, perts)].astype(np.float64), observed, moved)


def _played(screen: _Line, line: str, run: CampaignEval) -> list[Score]:
    """Return what each order has reached after each round, and gains over random."""
    n = len(screen.between)
    rng = np.random.default_rng([run.seed, n])
    shuffled = rng.permutation(n)
    tested, pool = shuffled[: int(HELD_OUT * n)], np.sort(shuffled[int(HELD_OUT * n) :])
    tested = tested[screen.observed[tested].any(axis=1)]
    orders = {
        "plan": _planned(screen.between, pool, round(run.rounds * run.share * len(pool))),
        "degree": pool[np.argsort(-screen.between[pool].sum(axis=1), kind="stable")],
    }
    randoms = [rng.permutation(pool) for _ in range(run.random)]
    resampler = Resampler(tested, run.seed, run.draws)
    scores: list[Score] = []
    for number in range(1, run.rounds + 1):
        take = round(number * run.share * len(pool))
        share = round(number * run.share, 3)

        def reached(order: Ints, take: int = take) -> Sample:
            return _score(screen, order[:take], tested, resampler)

        chance = Sample.mean([reached(order) for order in randoms])
        scores.append(Score("random", "auroc", chance, "control", cell_line=line, share=share))
        for name, order in orders.items():
            sample = reached(order)
            role = "ours" if name == "plan" else "control"
            scores.append(Score(name, "auroc", sample, role, cell_line=line, share=share))
            ahead = sample - chance
            scores.append(Gain(name, "random", "auroc", ahead, cell_line=line, share=share))
    target = scores_of(scores, "random")[-1].value.value
    for name in orders:
        rounds = scores_of(scores, name)
        scores.append(
            Score(
                name,
                SHARE,
                _needed([one.value.value for one in rounds], target),
                cell_line=line,
            )
        )
    return scores


def scores_of(scores: list[Score], name: str) -> list[Score]:
    """Return the AUROCs of one order, round by round."""
    return [
        one
        for one in scores
        if one.predictor == name and one.measure == "auroc" and not isinstance(one, Gain)
    ]


def _needed(reached: list[float], target: float) -> float:
    """Return after what share of the rounds a target is reached, between two rounds in line."""
    before = 0.5
    for number, now in enumerate(reached):
        if now >= target:
            part = (target - before) / (now - before) if now > before else 1.0
            return (number + min(1.0, max(0.0, part))) / len(reached)
        before = now
    return float("nan")


def _planned(between: Floats, pool: Ints, budget: int) -> Ints:
    """Return the order of a plan that knows likeness and no label."""
    near = sparse.csr_array(between[:, pool])
    n = len(between)
    order, _ = spread(near, np.zeros(n), np.ones(n), np.ones(len(pool), bool), budget)
    rest = np.setdiff1d(np.arange(len(pool)), order)
    planned: Ints = pool[np.concatenate([np.array(order, np.int64), rest])]
    return planned


def _score(screen: _Line, chosen: Ints, tested: Ints, resampler: Resampler) -> Sample:
    """Return the AUROC within readouts of the vote of the chosen perturbations."""
    mask = screen.observed[chosen].astype(np.float64)
    usual = (screen.moved[chosen] * mask).sum(axis=0) / np.maximum(1.0, mask.sum(axis=0))
    centred = (screen.moved[chosen] - usual) * mask
    alike = screen.between[np.ix_(tested, chosen)]
    vote = alike @ centred / (alike @ mask + PRIOR)
    row, readout = np.nonzero(screen.observed[tested])
    label = screen.moved[tested][row, readout]
    ranking = Ranking(readout, label, vote[row, readout])
    return resampler.auroc(tested[row], ranking)
