"""Scores mechanisms in a run folder; a run that was stopped goes on with the stages it has.

config.json      settings, hashes of data, knowledge and code; a folder holds one run
asked/           a run folder per question that the agent answered
parts/           tables and figures of finished stages
metrics.json     every figure; the same after a second run with the same seed
timing.json      how long each stage took and how much memory
scoreboard.md    the tables
report.html      the tables and the gallery
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from agent.session import Session
from agent.settings import Settings
from evals.folder import Clock, claim, finished, part, write_table
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
from evals.mechanism.faithfulness import faithfulness
from evals.mechanism.gallery import gallery
from evals.mechanism.graphs import GraphWithout, Relations, is_curated
from evals.mechanism.grounding import answered, asked_again, grounding, questions
from evals.mechanism.information import information
from evals.mechanism.order import order
from evals.mechanism.recovery import clues, hidden_pairs, recovery
from evals.mechanism.render import render
from evals.mechanism.resampling import Resampler
from evals.mechanism.rows import PAIR, held_out_answers, measured_pairs
from evals.mechanism.schema import (
    Agreement,
    Faithfulness,
    Grounding,
    Information,
    Metrics,
    Order,
    Recovery,
    Shown,
)
from knowledge import cascade
from knowledge.errors import DataError
from knowledge.files import replace_text
from knowledge.schema import Frozen
from knowledge.sources.registry import missing, sha256_of
from models.provenance import code_commit
from models.response.annotations import sources_root
from models.response.screens import CELL_LINES, SCREEN_FILES
from models.response.settings import Progress

T = TypeVar("T")
# Perturbations per line whose cascades are followed once more without the hidden relations.
HIDDEN_PER_LINE = 200


class MechanismEval(Frozen):
    """What an evaluation can be told; another value is another run.

    Attributes:
        seed: Of everything that is drawn.
        draws: Bootstrap resamples.
        questions: Asked of the agent, per line.
        reasoner: Who answers the questions whose steps are audited.
    """

    seed: int = 0
    draws: int = 500
    questions: int = 10
    reasoner: str = "evidence"


@dataclass(frozen=True)
class _Stages:
    """The work of one run; every stage is kept under `parts/` and read from there again."""

    data: Path
    out: Path
    run: MechanismEval
    session: Session
    blind: Session
    progress: Progress
    clock: Clock
    relations: Relations = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "relations", Relations(self.session.knowledge.graph))

    def rng(self, stage: int) -> np.random.Generator:
        """Return the source of a stage's draws, whichever stages are kept already."""
        return np.random.default_rng([self.run.seed, stage])

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return a kept table, or make and keep it."""
        path = self.out / "parts" / f"{name}.parquet"
        if not path.is_file():
            with self.clock(name):
                write_table(make(), path)
        return pd.read_parquet(path)

    def found(self, name: str, kind: type[T], make: Callable[[], T]) -> T:
        """Return kept figures, or make and keep them."""
        path, adapter = self.out / "parts" / f"{name}.json", TypeAdapter(kind)
        if not path.is_file():
            with self.clock(name):
                text = adapter.dump_json(make(), indent=1).decode()
            path.parent.mkdir(exist_ok=True)
            replace_text(path, text + "\n")
        return adapter.validate_json(path.read_bytes())


def evaluate(
    data: Path, out: Path, run: MechanismEval, settings: Settings, progress: Progress
) -> Metrics:
    """Return the metrics; a finished run is read, an interrupted one gone on with.

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
    claim(out, _config(data, run, session))

    def scored() -> Metrics:
        blind = open_session(settings, blind=True, knowledge=session.knowledge)
        return _evaluated(_Stages(data, out, run, session, blind, progress, Clock(out)))

    metrics = finished(out, Metrics, scored)
    render(metrics, out)
    progress("done", 1.0)
    return metrics


def _evaluated(do: _Stages) -> Metrics:
    measured = measured_pairs(do.data)
    table = do.table("paths", lambda: _paths(do, measured)).set_index("row")
    pairs = changed_pairs(table, do.relations)
    if pairs.empty:
        raise DataError(
            "No cascade reaches a readout that changed; compile the knowledge with "
            "`knockwise data pull` and `knockwise index build`."
        )
    resampler = Resampler(measured.pert, do.run.seed, do.run.draws)
    controls = _controls(do, pairs, measured)
    tuning, use = tuned(pairs, do.run.seed)
    moved = measured[measured.is_up.notna()]
    changed = Counter(zip(moved.cell_line.astype(str), moved.split.astype(str), strict=True))
    with do.clock("agreement"):
        agreement: Sequence[Agreement] = tuple(agreements(pairs, controls, use, changed, resampler))
    told = part(do.progress, 0.65, 0.1)
    found = do.found(
        "information",
        tuple[Information, ...],
        lambda: _information(do, measured, table, told),
    )
    hidden = hidden_pairs(do.relations, do.rng(3))
    do.progress("proposing hidden relations", 0.75)
    recovered = do.found(
        "recovery",
        tuple[Recovery, ...],
        lambda: recovery(
            do.relations,
            clues(do.session.knowledge, do.relations, measured[measured.split == "train"]),
            hidden,
            do.rng(4),
            do.run.seed,
        ),
    )
    ordered = do.found("order", tuple[Order, ...], lambda: _order(do, pairs, hidden, resampler))
    ground, faith, shown = _asked(do, pairs, use)
    return Metrics(
        scope=do.session.knowledge.scope,
        reasoner=do.run.reasoner,
        grounding=ground,
        agreement=tuple(agreement),
        reliability=tuple(reliability(pairs, controls, resampler)),
        tuning=tuning,
        doubtful=doubtful(pairs, use, do.relations),
        information=found,
        recovery=recovered,
        order=ordered,
        faithfulness=faith,
        gallery=shown,
    )


def _paths(do: _Stages, measured: pd.DataFrame) -> pd.DataFrame:
    told = part(do.progress, 0.02, 0.3)
    found = followed(measured, do.session.knowledge, told, relations=do.relations)
    return found.rename_axis("row").reset_index()


def _controls(do: _Stages, pairs: pd.DataFrame, measured: pd.DataFrame) -> Controls:
    """Return the controls of the pairs; following rewired graphs takes as long as the real one."""

    def make() -> pd.DataFrame:
        told = part(do.progress, 0.32, 0.33)
        rewired = graphs_rewired(pairs, do.session.knowledge, do.relations, do.rng(2), told)
        return pd.DataFrame(
            {
                "shuffled": signs_shuffled(pairs, do.relations, do.rng(1)),
                "rewired": rewired,
                "majority": majority(pairs, measured),
            }
        )

    kept = do.table("controls", make)
    return Controls(*(kept[name].to_numpy(np.float64) for name in Controls._fields))


def _information(
    do: _Stages, measured: pd.DataFrame, table: pd.DataFrame, told: Progress
) -> tuple[Information, ...]:
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
    return tuple(information(rows, Resampler(rows.pert, do.run.seed, do.run.draws), do.run.seed))


def _order(
    do: _Stages, pairs: pd.DataFrame, hidden: frozenset[tuple[str, str]], resampler: Resampler
) -> tuple[Order, ...]:
    rng = do.rng(5)
    some = []
    for line in CELL_LINES:
        names = sorted(set(pairs.pert[pairs.cell_line == line]))
        drawn = rng.permutation(np.array(names, dtype=str))[:HIDDEN_PER_LINE]
        some.append(pairs[(pairs.cell_line == line) & pairs.pert.isin(drawn)])
    asked = pd.concat(some)[[*PAIR, "split", "de", "is_up"]]
    graph = GraphWithout(do.session.knowledge.graph, hidden)
    told = part(do.progress, 0.8, 0.06)
    found = followed(asked, do.session.knowledge, told, relations=do.relations, graph=graph)
    left = changed_pairs(found, do.relations)
    return (
        *order(pairs, do.relations, frozenset(), resampler, do.rng(6)),
        *order(left, do.relations, hidden, resampler, do.rng(6)),
    )


def _asked(
    do: _Stages, pairs: pd.DataFrame, use: np.ndarray
) -> tuple[Grounding, tuple[Faithfulness, ...], tuple[Shown, ...]]:
    """Return what is found by asking the agent itself."""
    asked = questions(pairs, do.run.questions, do.rng(7))
    context = without(do.blind, frozenset())
    told = part(do.progress, 0.92, 0.02)
    ended = cache(lambda: asked_again(asked, context, told))
    ground = do.found(
        "grounding",
        Grounding,
        lambda: grounding(
            answered(asked, do.session, do.out / "asked", part(do.progress, 0.86, 0.06)),
            ended(),
            context,
            do.rng(8),
            do.run.seed,
        ),
    )
    faith = do.found(
        "faithfulness",
        tuple[Faithfulness, ...],
        lambda: faithfulness(
            asked,
            ended(),
            do.blind,
            do.rng(9),
            do.run.seed,
            part(do.progress, 0.94, 0.04),
        ),
    )
    do.progress("gallery", 0.98)
    shown = do.found("gallery", tuple[Shown, ...], lambda: gallery(pairs, use, context))
    return ground, faith, shown


def _config(data: Path, run: MechanismEval, session: Session) -> dict[str, Any]:
    """Return what a run is, with hashes of what goes into it."""
    root = sources_root(data)
    for name in SCREEN_FILES:
        if not (root / name).is_file():
            raise missing(root / name)
    told = ("report.py", "render.py", "pictures.py")
    mine = [path for path in Path(__file__).parent.glob("*.py") if path.name not in told]
    code = [*mine, Path(cascade.__file__)]
    return {
        "settings": run.model_dump(mode="json"),
        "data": {
            **{name: sha256_of(root / name) for name in SCREEN_FILES},
            "knowledge": session.versions.knowledge,
            **session.versions.models,
        },
        "code": {path.name: sha256_of(path) for path in sorted(code)},
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }
