"""Asks the product every official test row of K562 and RPE1 and scores what it says.

Nothing is fitted: shipped weights, the knowledge at hand and the starter pack alone. They were
fitted to training rows (setting `multi`). Controls are those of the kept run of that setting.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from agent.session import Session
from agent.settings import Settings
from evals import perturbqa as benchmark
from evals import rows, tasks
from evals.harness.brought import KEPT, write_kept
from evals.harness.metrics import brier, expected_calibration_error
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, Unit
from evals.harness.scores import Results, Score
from evals.perturbqa.kept import RESULTS, kept_predictions
from evals.perturbqa.product.page import BENCHMARK, PRODUCT, RESPONSE
from evals.perturbqa.ranked import draws, ranked
from evals.perturbqa.score import CONTROLS
from evals.rows import KEYS, TESTED, read_rows
from evals.tasks import DRAWS, MEAN, TASKS, compared, labelled, samples
from knowledge.base import load_knowledge
from knowledge.progress import Progress
from knowledge.schema import Frozen, Perturbation
from knowledge.sources.genes import sources_root
from models.fusion import Fusion, Scope
from models.inputs.screens import SCREEN_FILES
from tools.effects import EffectPredictor

NAMES: dict[Scope, str] = {"full": PRODUCT, "starter": f"{PRODUCT}, starter pack"}
SETTING = "multi"
"""What the shipped weights may have seen, and so which kept run its controls are of."""


class ProductEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of the resamples.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")


def evaluate(
    data: Path,
    out: Path,
    settings: ProductEval,
    own: Settings,
    against: Path | None,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Folder that holds `perturbqa/`.
        out: The run folder.
        settings: What is evaluated.
        own: How the product is opened.
        against: A finished run of `eval perturbqa` whose controls stand beside; the kept one of
            `multi` by default.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    theirs = RESULTS / f"{SETTING}.parquet" if against is None else against / KEPT
    kept = kept_predictions(SETTING, against)
    session = Session.open(own)
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
        {**{name: root / name for name in SCREEN_FILES}, f"{SETTING}.parquet": theirs},
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
        answers = run.tables(units, 0.02, 0.8)
        table = _joined(asked, kept, dict(zip([u.name for u in units], answers, strict=True)))
        columns = [*KEYS, *(name for name in (*NAMES.values(), RESPONSE) if name in table)]
        write_kept(table[columns], run.out / KEPT)
        run.progress("resampling", 0.85)
        with run.clock("score"):
            return Results.of(BENCHMARK.kind, _scores(table, settings))

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def _answers(predictor: EffectPredictor, pairs: pd.DataFrame, line: str) -> pd.DataFrame:
    """Return what the product says of the pairs of a line, a row per pair."""
    found = []
    for pert, part in pairs[pairs["cell_line"] == line].groupby("pert", sort=True):
        what = Perturbation(genes=(str(pert),), kind="knockdown", cell_line=line)
        genes = [str(gene) for gene in part["gene"]]
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
                    "response_de": [one.p_de for one in alone],
                    "response_up": [one.p_up for one in alone],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _joined(
    asked: pd.DataFrame, kept: pd.DataFrame, answers: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the asked rows with a column per predictor; `unsaid` where the product says no number.

    Such a row is ranked by how often its readout changes whatever is perturbed.
    """
    controls = [name for name in CONTROLS if name in kept]
    table = asked.merge(kept[[*KEYS, *controls]], on=KEYS, how="left").assign(fold=-1)
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
        table[RESPONSE] = np.where(is_de, said["response_de"], said["response_up"])
    return table


def _scores(table: pd.DataFrame, settings: ProductEval) -> Iterator[Score]:
    ours = next(name for name in NAMES.values() if name in table)
    names = [name for name in (*NAMES.values(), RESPONSE, *CONTROLS) if name in table]
    columns = {name: name for name in names}
    found = samples(table, columns, Resampler(table["pert"], settings.seed, settings.draws))
    yield from compared(found, ours, split="test")
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
