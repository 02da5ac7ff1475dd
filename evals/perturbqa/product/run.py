"""Asks the product every official test row of K562 and RPE1 and scores what it says.

Nothing is fitted: shipped weights, the knowledge at hand and the starter pack alone. They were
fitted to training rows (setting `multi`), and so is the evidence of the controls.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from agent.settings import Settings
from evals import perturbqa as benchmark
from evals import rows, tasks
from evals.harness.metrics import brier, expected_calibration_error
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, Unit, part
from evals.harness.scores import Results, Score
from evals.harness.session import benchmark_session
from evals.perturbqa.composition import parts, with_parts
from evals.perturbqa.controls import ELSEWHERE, LINES, NEAREST, official_controls
from evals.perturbqa.intervals import coverage
from evals.perturbqa.kept import keep_product
from evals.perturbqa.product.page import BENCHMARK, PRODUCT, RESPONSE, STARTER
from evals.perturbqa.ranked import draws, ranked
from evals.perturbqa.score import CONTROLS
from evals.rows import KEYS, TESTED, read_rows
from evals.tasks import DRAWS, MEAN, TASKS, compared, labelled, samples
from knowledge.base import load_knowledge
from knowledge.progress import Progress
from knowledge.schema import Frozen, Interval, Perturbation
from knowledge.sources.genes import sources_root
from models.fusion import Fusion, Scope
from models.inputs import annotations
from models.inputs.screens import SCREEN_FILES
from tools.effects import EffectPredictor

NAMES: dict[Scope, str] = {"full": PRODUCT, "starter": STARTER}


class ProductEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of the resamples.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")


def evaluate(
    data: Path,
    out: Path,
    settings: ProductEval,
    own: Settings,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Folder that holds `perturbqa/`, `knowledge/` and `networks/`.
        out: The run folder.
        settings: What is evaluated.
        own: How the product is opened.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    session = benchmark_session(own)
    predictors: dict[Scope, EffectPredictor] = {session.knowledge.scope: session.predictor}
    if session.knowledge.scope == "full":
        response = session.predictor.response
        starter = load_knowledge(Path("/nonexistent"), response.genes())
        predictors["starter"] = EffectPredictor(starter, response, Fusion.load("starter"))
    versions = {
        **{f"knowledge {name}": sha for name, sha in session.knowledge.versions.items()},
        "response model": session.predictor.response.version,
        "fusion": session.predictor.fusion.version,
    }
    inputs = Inputs(
        {name: root / name for name in (*SCREEN_FILES, *annotations.FILES)},
        (benchmark, tasks, rows),
        versions,
        frozenset({"own"}),
    )

    def work(run: Run) -> Results:
        asked = read_rows(data, "test", TESTED)
        pairs = asked[["cell_line", "pert", "gene"]].drop_duplicates()
        units = [
            Unit(f"{scope}/{line}", partial(_answers, predictor, pairs, line), f"ask, {scope}")
            for scope, predictor in predictors.items()
            for line in TESTED
        ]
        answers = run.tables(units, 0.02, 0.6)
        told = part(run.progress, 0.6, 0.2)
        controls = run.table(
            "controls",
            lambda: official_controls(
                data, asked.drop(columns="label"), settings.seed, run.out / "units/features", told
            ),
        )
        table = _joined(asked, controls, dict(zip([u.name for u in units], answers, strict=True)))
        keep_product(table, run.out)
        run.progress("resampling", 0.85)
        with run.clock("score"):
            return Results.of(BENCHMARK.kind, _scores(table, settings))

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def _answers(predictor: EffectPredictor, pairs: pd.DataFrame, line: str) -> pd.DataFrame:
    """Return what the product says of the pairs of a line, a row per pair."""
    found = []
    for pert, rows_of in pairs[pairs["cell_line"] == line].groupby("pert", sort=True):
        what = Perturbation(genes=(str(pert),), kind="knockdown", cell_line=line)
        genes = [str(gene) for gene in rows_of["gene"]]
        effects = predictor.effects(what, genes)
        alone = predictor.response.predict((str(pert),), genes, line, kind="knockdown")
        found.append(
            pd.DataFrame(
                {
                    "cell_line": line,
                    "pert": pert,
                    "gene": genes,
                    "p_de": np.array([one.p_de for one in effects], np.float64),
                    "p_up": np.array([one.p_up for one in effects], np.float64),
                    "usual": np.array([one.usual for one in effects], np.float64),
                    "abstained": [one.abstained for one in effects],
                    **_ends("de", [one.interval for one in effects]),
                    **_ends("up", [one.p_up_interval for one in effects]),
                    "response_de": [one.p_de for one in alone],
                    "response_up": [one.p_up for one in alone],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _ends(name: str, intervals: Sequence[Interval | None]) -> dict[str, list[float]]:
    return {
        f"{name}_low": [np.nan if one is None else one.low for one in intervals],
        f"{name}_high": [np.nan if one is None else one.high for one in intervals],
    }


def _joined(
    asked: pd.DataFrame, controls: pd.DataFrame, answers: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the asked rows with a column per predictor; `unsaid` where the product says no number.

    Such a row is ranked by how often its readout changes whatever is perturbed.
    """
    names = [name for name in (*CONTROLS, NEAREST, LINES, ELSEWHERE) if name in controls]
    table = asked.merge(controls[[*KEYS, *names]], on=KEYS, how="left").assign(fold=-1)
    is_de = (table["task"] == "de").to_numpy()
    for scope, name in NAMES.items():
        parts = [part for unit, part in answers.items() if unit.startswith(f"{scope}/")]
        if not parts:
            continue
        said = table[["cell_line", "pert", "gene"]].merge(
            pd.concat(parts), on=["cell_line", "pert", "gene"], how="left"
        )
        unsaid = said["p_de"].isna().to_numpy()
        p_de = said["p_de"].fillna(said["usual"]).fillna(0.0)
        table[name] = np.where(is_de, p_de, said["p_up"])
        table[f"unsaid, {name}"] = is_de & unsaid
        if "de_low" in said and "low" not in table:
            for end in ("low", "high"):
                table[end] = np.where(is_de, said[f"de_{end}"], said[f"up_{end}"])
        table[RESPONSE] = np.where(is_de, said["response_de"], said["response_up"])
    return table


def _scores(table: pd.DataFrame, settings: ProductEval) -> Iterator[Score]:
    ours = next(name for name in NAMES.values() if name in table)
    names = [name for name in (*NAMES.values(), RESPONSE, *CONTROLS) if name in table]
    columns = {name: name for name in names}
    found = samples(table, columns, Resampler(table["pert"], settings.seed, settings.draws))
    yield from compared(found, ours, split="test")
    alone = Resampler(table["pert"], settings.seed, settings.draws)
    told = table.assign(p=table[ours], abstained=table[f"unsaid, {ours}"] | table["low"].isna())
    yield from coverage(told, "test", alone, ours)
    yield from parts(with_parts(table), "test", alone, ours, ours)
    both = draws(table, settings.seed)
    yield from ranked(table, columns, ours, "test", both)
    for task in TASKS:
        for line in (*TESTED, MEAN):
            rows = labelled(table, task, None if line == MEAN else line)
            for name in names[: names.index(RESPONSE) + 1]:
                keys = {"task": task, "cell_line": line, "split": "test"}
                label, p = rows["label"].to_numpy(np.int64), rows[name].to_numpy(np.float64)
                yield Score(name, "rows", len(rows), **keys)
                yield Score(name, "calibration error", expected_calibration_error(label, p), **keys)
                yield Score(name, "brier", brier(label, p), **keys)
                if f"unsaid, {name}" in rows:
                    unsaid = int(rows[f"unsaid, {name}"].sum())
                    yield Score(name, "without a number", unsaid, **keys)
