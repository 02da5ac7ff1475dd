"""Scores mechanisms in a run folder; a run that was stopped goes on with the stages it has.

`asked/` in it holds a run folder per question that the agent answered.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from agent.session import Session
from agent.settings import Settings
from evals import altered_graphs, recovery, rows
from evals import mechanism as benchmark
from evals.altered_graphs import GraphWithout, Relations, is_curated
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, part
from evals.harness.scores import Results, Score
from evals.mechanism.agent import open_session, without
from evals.mechanism.cascades import chosen, followed
from evals.mechanism.direction import (
    Controls,
    agreements,
    changed_pairs,
    doubtful,
    graphs_rewired,
    majority,
    reliability,
    signs_shuffled,
    tuned,
)
from evals.mechanism.facts import Facts, Grounding, Shown
from evals.mechanism.faithfulness import faithfulness
from evals.mechanism.gallery import gallery
from evals.mechanism.grounding import answered, asked_again, grounding, questions
from evals.mechanism.information import information
from evals.mechanism.order import order
from evals.mechanism.page import BENCHMARK
from evals.mechanism.rows import PAIR, held_out_answers, measured_pairs
from evals.recovery import clues, hidden_pairs, recovered
from knowledge import cascade
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models.inputs.screens import CELL_LINES, SCREEN_FILES

# Perturbations per line whose cascades are followed once more without the hidden relations.
HIDDEN_PER_LINE = 200


class MechanismEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")
    draws: int = Field(500, description="Bootstrap resamples.")
    questions: int = Field(10, description="Questions asked of the agent, per line.")
    reasoner: str = Field(
        "evidence", description="Who answers the questions whose steps are audited."
    )


@dataclass(frozen=True)
class _Stages:
    """The work of one run; every stage is kept under `units/` and read from there again."""

    data: Path
    run: Run
    settings: MechanismEval
    session: Session
    blind: Session
    relations: Relations = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "relations", Relations(self.session.knowledge.graph))

    def rng(self, stage: int) -> np.random.Generator:
        """Return the source of a stage's draws, whichever stages are kept already."""
        return np.random.default_rng([self.settings.seed, stage])

    def told(self, start: float, share: float) -> Progress:
        """Return the progress of a stage."""
        return part(self.run.progress, start, share)


def evaluate(
    data: Path, out: Path, run: MechanismEval, settings: Settings, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        run: What is evaluated.
        settings: Where the knowledge is and, with `llm`, who reasons.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
        LLMError: A language model was asked for and does not answer.
    """
    progress("loading knowledge and models", 0.0)
    settings = settings.model_copy(update={"reasoner": run.reasoner})
    session = open_session(settings, blind=False)
    root = sources_root(data)
    inputs = Inputs(
        {name: root / name for name in SCREEN_FILES},
        (benchmark, altered_graphs, recovery, rows, cascade),
        {"knowledge": session.versions.knowledge, **session.versions.models},
    )

    def scored(folder: Run) -> Results:
        blind = open_session(settings, blind=True, knowledge=session.knowledge)
        return _evaluated(_Stages(data, folder, run, session, blind))

    return BENCHMARK.evaluate(out, run, inputs, scored, progress)


def _evaluated(do: _Stages) -> Results:
    measured = measured_pairs(do.data)
    table = do.run.table("paths", lambda: _paths(do, measured)).set_index("row")
    pairs = changed_pairs(table, do.relations)
    if pairs.empty:
        raise DataError(
            "No cascade reaches a readout that changed; compile the knowledge with "
            "`knockwise data pull` and `knockwise index build`."
        )
    resampler = Resampler(measured.pert, do.settings.seed, do.settings.draws)
    controls = _controls(do, pairs, measured)
    tuning, use = tuned(pairs, do.settings.seed)
    moved = measured[measured.is_up.notna()]
    changed = Counter(zip(moved.cell_line.astype(str), moved.split.astype(str), strict=True))
    with do.run.clock("agreement"):
        scores: list[Score] = [
            *agreements(pairs, controls, use, changed, resampler),
            *reliability(pairs, controls, resampler),
        ]
    hidden = hidden_pairs(do.relations, do.rng(3))
    stages: dict[str, Callable[[], Iterable[Score]]] = {
        "information": lambda: _information(do, measured, table),
        "recovery": lambda: _recovery(do, measured, hidden),
        "order": lambda: _order(do, pairs, hidden, resampler),
    }
    for name, make in stages.items():
        scores += do.run.scores(name, make)
    asked = questions(pairs, do.settings.questions, do.rng(7))
    context = without(do.blind, frozenset())
    ended = cache(lambda: asked_again(asked, context, do.told(0.92, 0.02)))
    ground = do.run.figures(
        "grounding",
        Grounding,
        lambda: grounding(
            answered(asked, do.session, do.run.out / "asked", do.told(0.86, 0.06)),
            ended(),
            context,
            do.rng(8),
            do.settings.seed,
        ),
    )
    scores += do.run.scores(
        "faithfulness",
        lambda: faithfulness(
            asked, ended(), do.blind, do.rng(9), do.settings.seed, do.told(0.94, 0.04)
        ),
    )
    do.run.progress("gallery", 0.98)
    shown = do.run.figures("gallery", tuple[Shown, ...], lambda: gallery(pairs, use, context))
    facts = Facts(
        scope=do.session.knowledge.scope,
        reasoner=do.settings.reasoner,
        grounding=ground,
        tuning=tuning,
        doubtful=doubtful(pairs, use, do.relations),
        gallery=shown,
    )
    return Results.of(BENCHMARK.kind, scores, facts)


def _paths(do: _Stages, measured: pd.DataFrame) -> pd.DataFrame:
    found = followed(measured, do.session.knowledge, do.told(0.02, 0.3), relations=do.relations)
    return found.rename_axis("row").reset_index()


def _controls(do: _Stages, pairs: pd.DataFrame, measured: pd.DataFrame) -> Controls:
    """Return the controls of the pairs; following rewired graphs takes as long as the real one."""

    def make() -> pd.DataFrame:
        told = do.told(0.32, 0.33)
        rewired = graphs_rewired(pairs, do.session.knowledge, do.relations, do.rng(2), told)
        return pd.DataFrame(
            {
                "shuffled": signs_shuffled(pairs, do.relations, do.rng(1)),
                "rewired": rewired,
                "majority": majority(pairs, measured),
            }
        )

    kept = do.run.table("controls", make)
    return Controls(*(kept[name].to_numpy(np.float64) for name in Controls._fields))


def _information(do: _Stages, measured: pd.DataFrame, table: pd.DataFrame) -> Iterable[Score]:
    told = do.told(0.65, 0.1)
    told("held-out answers of the response model", 0.0)
    _, paths = chosen(table)
    uncurated = np.array([not is_curated(one) for one in do.relations.all])
    features = table[[*PAIR, "up", "down"]].assign(
        steps=[len(path) for path in paths],
        uncurated=[int(uncurated[np.asarray(path, np.int64)].sum()) for path in paths],
    )
    rows = measured[measured.split == "train"].merge(held_out_answers(), on=PAIR)
    rows = rows.merge(features, on=PAIR, how="left")
    rows = rows.fillna({"up": 0.0, "down": 0.0, "steps": 0, "uncurated": 0})
    told("path features beside the response model", 0.1)
    seed = do.settings.seed
    return information(rows, Resampler(rows.pert, seed, do.settings.draws), seed)


def _recovery(
    do: _Stages, measured: pd.DataFrame, hidden: frozenset[tuple[str, str]]
) -> Iterable[Score]:
    do.run.progress("proposing hidden relations", 0.75)
    known = clues(do.session.knowledge, do.relations, measured[measured.split == "train"])
    return recovered(do.relations, known, hidden, do.rng(4), do.settings.seed)


def _order(
    do: _Stages, pairs: pd.DataFrame, hidden: frozenset[tuple[str, str]], resampler: Resampler
) -> Iterator[Score]:
    rng = do.rng(5)
    some = []
    for line in CELL_LINES:
        names = sorted(set(pairs.pert[pairs.cell_line == line]))
        drawn = rng.permutation(np.array(names, dtype=str))[:HIDDEN_PER_LINE]
        some.append(pairs[(pairs.cell_line == line) & pairs.pert.isin(drawn)])
    asked = pd.concat(some)[[*PAIR, "split", "de", "is_up"]]
    graph = GraphWithout(do.session.knowledge.graph, hidden)
    told = do.told(0.8, 0.06)
    found = followed(asked, do.session.knowledge, told, relations=do.relations, graph=graph)
    left = changed_pairs(found, do.relations)
    yield from order(pairs, do.relations, frozenset(), resampler, do.rng(6))
    yield from order(left, do.relations, hidden, resampler, do.rng(6))
