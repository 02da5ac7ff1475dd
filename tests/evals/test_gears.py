"""GEARS sees the cells of its training perturbations, and says clearly when it cannot run."""

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pytest
from scipy import sparse
from typer.testing import CliRunner

from app.cli import app
from evals.expression import gears, gears_curve
from evals.expression import run as runs
from evals.expression.gears import Gears, installed
from evals.expression.gears_curve import CurveEval
from evals.expression.predictors import Knowledge, entries
from evals.expression.run import ExpressionEval, GearsSettings, evaluate
from knowledge.errors import KnockwiseError, RunError
from knowledge.ontology import GeneOntology
from models.expression import mirror
from models.expression.genes import GeneFeatures
from models.expression.mirror import Cells
from models.expression.screens import ExpressionScreen

GENES = ("A", "B", "C", "D", "E", "F")
READOUTS = ("R1", "R2", "A")
PERTURBATIONS = (*((gene,) for gene in GENES), ("A", "B"))
# Answers 1 for the first condition, 2 for the second; keeps what it was given.
STAND_IN = """#!{python}
import json, shutil, sys
from pathlib import Path
if "-c" in sys.argv:
    print("0.1.2")
    sys.exit()
assert sys.argv[1] == "-P" and Path(sys.argv[2]).name == "gears_script.py"
folder = Path(sys.argv[-1])
kept = Path({kept!r})
shutil.copytree(folder, kept / str(len(list(kept.iterdir()))))
import numpy as np
asked = json.loads((folder / "split.json").read_text())["test"]
change = np.ones((len(asked), 3)) * (1 + np.arange(len(asked)))[:, None]
readouts = np.array(["R1", "R2", "A"])
np.savez(folder / "predictions.npz", conditions=np.array(asked), readouts=readouts, change=change)
"""
BROKEN = """#!{python}
import sys
print("a warning", file=sys.stderr)
sys.exit("ModuleNotFoundError: No module named 'gears'")
"""


@pytest.fixture
def screen():
    rng = np.random.default_rng(0)
    return ExpressionScreen(
        context="norman",
        kind="activation",
        unit="difference of mean log1p expression",
        readouts=READOUTS,
        perturbations=PERTURBATIONS,
        response=rng.normal(size=(7, 3)).astype(np.float32),
        baseline=np.ones(3, np.float32),
        cells=np.full(7, 2),
    )


@pytest.fixture
def world(monkeypatch, tmp_path):
    """Two cells of each perturbation, two controls; a term for every gene but F."""
    labels = tuple(one for one in (*PERTURBATIONS, ()) for _ in range(2))
    matrix = np.arange(len(labels) * 3, dtype=np.float32).reshape(-1, 3)
    monkeypatch.setattr(mirror, "cells", lambda data, name, limit=0, seed=0: Cells(matrix, labels))
    terms = {gene: ("GO:1",) for gene in ("A", "B", "C", "D", "E", "R1")}
    monkeypatch.setattr(Gears, "ontology", GeneOntology((), {}, terms))
    (tmp_path / "kept").mkdir()
    return tmp_path


def python(folder, text=STAND_IN):
    """An interpreter that does what `text` does, whatever it is asked to run."""
    path = folder / "python"
    path.write_text(text.format(python=sys.executable, kept=str(folder / "kept")))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_cells_of_held_out_perturbations_are_never_handed_over(world, screen):
    training = screen.take(np.array([1, 2, 3, 5]))  # B, C, D and F
    Gears(python(world), world, epochs=3).fit(training, 0).predict([("A",), ("E",), ("A", "B")])
    (given,) = (world / "kept").iterdir()
    table = anndata.read_h5ad(given / "cells.h5ad")
    # F has no terms, so GEARS could not place its cells either.
    assert set(table.obs["condition"]) == {"ctrl", "B+ctrl", "C+ctrl", "D+ctrl"}
    theirs = [row for row, one in enumerate(PERTURBATIONS) if one in {("B",), ("C",), ("D",)}]
    rows = [cell for row in (*theirs, len(PERTURBATIONS)) for cell in (2 * row, 2 * row + 1)]
    values = table.X.toarray() if sparse.issparse(table.X) else table.X
    assert values.tolist() == (np.array(rows)[:, None] * 3 + np.arange(3)).tolist()
    assert list(table.var["gene_name"]) == list(READOUTS)
    split = json.loads((given / "split.json").read_text())
    assert sorted([*split["train"], *split["val"]]) == ["B+ctrl", "C+ctrl", "D+ctrl", "ctrl"]
    assert len(split["val"]) == 1
    assert split["test"] == ["A+ctrl", "E+ctrl", "A+B"]
    assert (split["epochs"], split["seed"]) == (3, 0)
    assert set(json.loads((given / "terms.json").read_text())) == {"A", "B", "C", "D", "E", "R1"}


def test_a_gene_without_terms_has_no_answer(world, screen):
    fitted = Gears(python(world), world).fit(screen.take(np.arange(4)), 0)
    found = fitted.predict([("F",), ("E",), ("E", "F")])
    assert np.isnan(found).all(axis=1).tolist() == [True, False, True]
    assert found[1].tolist() == [1, 1, 1]
    assert np.isnan(fitted.predict([("F",)])).all()
    assert len(list((world / "kept").iterdir())) == 1, "nothing is trained for no answer"


def test_a_failure_quotes_its_last_line(world, screen):
    broken = python(world, BROKEN)
    sentence = r"GEARS does not run with .*python \(ModuleNotFoundError: No module named 'gears'\)"
    with pytest.raises(KnockwiseError, match=sentence):
        Gears(broken, world).fit(screen, 0).predict([("A",)])
    with pytest.raises(KnockwiseError, match=sentence):
        installed(broken)
    with pytest.raises(KnockwiseError, match="No such file or directory"):
        installed(world / "nowhere")


def test_it_is_a_baseline_where_asked_for_and_nowhere_else(screen):
    features = GeneFeatures(GENES, np.eye(6, dtype=np.float32))
    opponent = Gears(Path("python"), Path("data"))

    def role(knowledge, context):
        found = entries(knowledge, replace(screen, context=context), 0, neural=False)
        return {one.predictor.name: one.role for one in found}.get("GEARS")

    assert role(Knowledge(features), "norman") is None
    for context in ("norman", "mcfaline-a172", "mcfaline-t98g", "mcfaline-u87mg"):
        assert role(Knowledge(features, gears=opponent), context) == "baseline"
    for context in ("papalexi", "norman-latent", "mine"):
        assert role(Knowledge(features, gears=opponent), context) is None


@pytest.fixture
def evaluated(world, screen, monkeypatch):
    """Evaluate the made-up screen with GEARS, and return the scores of singles."""
    features = GeneFeatures(GENES, np.eye(6, dtype=np.float32))

    def worlds(data, settings):
        one = settings.gears
        opponent = Gears(one.python, data, one.epochs) if one else None
        return [screen], Knowledge(features, gears=opponent)

    monkeypatch.setattr(runs, "sources_root", lambda data: data)
    monkeypatch.setattr(runs, "_world", worlds)
    monkeypatch.setattr(mirror, "files", lambda names: ())
    monkeypatch.setattr(runs.annotations, "FILES", ())
    monkeypatch.setattr(runs, "NORMAN", "norman.csv")
    (world / "norman.csv").touch()

    def run(name="run", **more):
        settings = ExpressionEval(contexts=("norman",), neural=False, draws=20, **more)
        metrics = evaluate(world, world / name, settings, 1, lambda what, done: None)
        return metrics.scores.plain.where(task="singles").by("predictor", "measure")

    return run


def test_a_run_counts_what_gears_leaves_unanswered(world, evaluated):
    opponent = GearsSettings(python=python(world), epochs=2)
    scores = evaluated(gears=opponent)
    one = scores["GEARS", "unanswered"]
    assert (one.role, one.value.value) == ("baseline", 1)
    assert "GEARS (1 without an answer)" in (world / "run" / "scoreboard.md").read_text()
    config = json.loads((world / "run" / "config.json").read_text())
    assert config["settings"]["gears"] == {"python": str(opponent.python), "epochs": 2}
    assert config["data"]["cell-gears"] == "0.1.2"
    with pytest.raises(RunError, match=r"other settings \(gears changed\)"):
        evaluated(gears=opponent.model_copy(update={"epochs": 3}))
    assert ("GEARS", "l2") not in evaluated(name="without")


def test_an_environment_without_gears_is_refused_before_anything_is_read(world, evaluated):
    with pytest.raises(KnockwiseError, match="No module named 'gears'"):
        evaluated(gears=GearsSettings(python=python(world, BROKEN)))
    assert not (world / "run").exists()


def test_a_context_without_small_single_cells_is_refused(world, evaluated, monkeypatch):
    monkeypatch.setattr(gears, "CONTEXTS", ("mcfaline-a172",))
    with pytest.raises(KnockwiseError, match="GEARS is trained in mcfaline-a172 alone"):
        evaluated(gears=GearsSettings(python=python(world)))


def test_epochs_need_gears(tmp_path):
    found = CliRunner().invoke(
        app, ["eval", "expression", "--data", str(tmp_path), "--out", "x", "--gears-epochs", "3"]
    )
    assert "add --gears" in f"{found.output}{found.exception}"


# Has a falling error on training conditions, and one that rises after two epochs on the others.
CURVED = """#!{python}
import json, sys
from pathlib import Path
if "-c" in sys.argv:
    print("0.1.2")
    sys.exit()
folder = Path(sys.argv[-1])
split = json.loads((folder / "split.json").read_text())
assert split["test"] == [] and len(split["val"]) == 1 and split["minutes"] == 2
low = 0.1 if split["decay"] == 1 else 0.2
curve = dict(training=[0.9, 0.5, 0.2, 0.1], validation=[0.5, low, 0.4])
(folder / "curve.json").write_text(json.dumps(curve | {{"no change": 0.6, "training mean": 0.3}}))
"""


def test_the_curve_of_its_training_perturbations_is_told_for_both_rates(world, screen, monkeypatch):
    monkeypatch.setattr(gears_curve, "sources_root", lambda data: data)
    monkeypatch.setattr(mirror, "files", lambda names: ())
    monkeypatch.setattr(mirror, "read_contexts", lambda data, names: [screen])
    for name in (gears.GAF, gears.OBO):
        (world / name).parent.mkdir(exist_ok=True)
        (world / name).touch()
    settings = CurveEval(python=python(world, CURVED), minutes=2)
    results = gears_curve.evaluate(world, world / "curve", settings, lambda what, done: None)
    lowest = results.scores.find(predictor="rate held", measure="validation", epoch=2)
    assert lowest.value.value == 0.1
    page = (world / "curve" / "scoreboard.md").read_text()
    assert "| 3 | 0.2000 | 0.4000 | 0.2000 | 0.4000 | 0.6000 | 0.3000 |" in page
    assert "| 4 |" not in page, "an epoch without a validation error is not told"
