"""Set changes: what a model may see, and whether it learns anything."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from evals.genesets import run as runs
from evals.genesets import stack
from evals.genesets import world as world_module
from evals.genesets.labels import hidden_perturbations, official_rows, training_rows
from evals.genesets.naming import NAMERS
from evals.genesets.page import summary
from evals.genesets.score import (
    CONTROLS,
    PREDICTIONS,
    held_out_predictions,
    neighbour_vote,
    official_predictions,
    score_sets,
)
from evals.genesets.stack import SetSettings, fit_sets, set_features, shuffled
from evals.genesets.wording import MEASURES
from evals.genesets.world import K562, World, build_world, narrowed, read_world
from evals.harness.run import Inputs
from evals.harness.scores import Results, Scores
from knowledge.errors import RunError
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.inputs.annotations import Annotations
from models.inputs.screens import UNKNOWN, Rows, Screens
from models.response.features import GeneFacts
from models.response.similarity import relatives

N_COMPLEXES, PER_COMPLEX, N_READOUTS, N_SETS = 15, 8, 40, 5
RUN = SetSettings(folds=3, rounds=30, rank=4)


def tiny_world(seed: int = 0) -> World:
    """Members of a complex change the same sets and the same genes, in the same direction."""
    rng = np.random.default_rng(seed)
    perts = [f"P{i:03d}" for i in range(N_COMPLEXES * PER_COMPLEX)]
    readouts = [f"R{i:03d}" for i in range(N_READOUTS)]
    of = np.arange(len(perts)) // PER_COMPLEX
    members = {f"{i}-set": tuple(readouts[i::N_SETS]) for i in range(N_SETS)}
    changes = rng.random((N_COMPLEXES, N_SETS)) < 0.5
    up = rng.random((N_COMPLEXES, N_SETS)) < 0.5
    line, pert, readout = (
        x.ravel()
        for x in np.meshgrid(range(4), range(len(perts)), range(N_READOUTS), indexing="ij")
    )
    keep = rng.random(len(line)) < 0.3
    line, pert, readout = line[keep], pert[keep], readout[keep]
    noise = rng.random(len(line)) < 0.15
    de = (changes[of[pert], readout % N_SETS] ^ noise).astype(np.int64)
    direction = np.where(de == 1, up[of[pert], readout % N_SETS], UNKNOWN).astype(np.int64)
    screens = Screens(Rows(line, pert, readout, de, direction), tuple(perts), tuple(readouts), {})
    tested = frozenset(perts[::PER_COMPLEX])
    table = pd.DataFrame(
        [
            (name, f"{s}-set", int(changes[of[i], s] ^ (rng.random() < 0.1)), int(up[of[i], s]))
            for i, name in enumerate(perts)
            for s in range(N_SETS)
            if name not in tested
        ],
        columns=["pert", "gene", "de", "up"],
    )
    table.loc[table.de == 0, "up"] = UNKNOWN
    genes = tuple(sorted([*perts, *readouts]))
    where = np.array([genes.index(name) for name in perts])
    matrix = sparse.lil_array((len(genes), N_COMPLEXES), dtype=np.float32)
    for i, gene in enumerate(where):
        matrix[gene, of[i]] = 1.0
    family = Annotations("complex", tuple(f"c{i}" for i in range(N_COMPLEXES)), matrix.tocsr())
    facts = GeneFacts(
        rng.normal(4, 1, (len(genes), 6)).astype(np.float32),
        np.full((len(genes), 3), np.nan, np.float32),
    )
    related = relatives([family], where, {"complex": 1.0}, 1.0, 16)
    return build_world(screens, table, tested, members, related, genes, facts)


@pytest.fixture(scope="module")
def world() -> World:
    return tiny_world()


def quiet(*_: object) -> None:
    pass


def flipped(rows: Rows, where: np.ndarray) -> Rows:
    de = np.where(where, 1 - rows.de, rows.de)
    up = np.where(where, np.where(de == 1, 1, UNKNOWN), rows.up)
    return Rows(rows.line, rows.pert, rows.readout, de, up)


@pytest.mark.parametrize("setting", ["multi", "strict"])
def test_no_row_of_a_hidden_or_tested_perturbation_in_k562_is_visible(world, setting):
    hidden = np.array([1, 2])
    away = np.union1d(hidden, world.tested)
    rows = world.visible(setting, hidden)
    mine = np.isin(rows.pert, away)
    assert not (mine & (rows.line == K562)).any()
    assert not (mine & (rows.readout >= world.n_readouts)).any()
    assert mine.any() == (setting == "multi")
    assert np.isin(world.genes.pert[world.genes.line == K562], away).any()


@pytest.mark.parametrize(("setting", "elsewhere"), [("multi", False), ("strict", True)])
def test_features_of_a_perturbation_ignore_its_own_forbidden_rows(world, setting, elsewhere):
    run = replace(RUN, setting=setting)
    asked = np.r_[world.tested, 3]
    genes, labels = world.genes, world.labels
    forbidden = np.isin(genes.pert, asked) & (elsewhere | (genes.line == K562))
    assert forbidden.any()
    changed = replace(
        world,
        genes=flipped(genes, forbidden),
        labels=flipped(labels, np.isin(labels.pert, asked)),
    )
    before, names = set_features(world, run, asked)
    after, _ = set_features(changed, run, asked)
    assert len(names) == before.shape[2]
    np.testing.assert_array_equal(before, after)


def test_multi_uses_the_rows_of_other_lines_and_strict_does_not(world):
    genes = world.genes
    abroad = np.isin(genes.pert, world.tested) & (genes.line != K562)
    changed = replace(world, genes=flipped(genes, abroad))
    for setting, used in (("multi", True), ("strict", False)):
        run = replace(RUN, setting=setting)
        before, _ = set_features(world, run, world.tested)
        after, _ = set_features(changed, run, world.tested)
        assert np.array_equal(before, after, equal_nan=True) != used


def test_a_test_perturbation_with_training_labels_is_refused(world):
    table = pd.DataFrame({"pert": ["P000"], "gene": ["0-set"], "de": [1], "up": [0]})
    with pytest.raises(ValueError, match="P000 is a test perturbation"):
        build_world(None, table, frozenset({"P000"}), {}, None, (), None)


def test_sets_that_complexes_change_together_are_predicted(world):
    model = fit_sets(world, RUN, None, quiet)
    table = held_out_predictions(world, model, "multi", 0)
    scores = Scores(score_sets(table, "cv", 0, draws=20))
    assert {*scores.where(measure="auroc").values("predictor")} == set(CONTROLS)
    for task in ("de", "dir"):
        found = {
            key: one.value.value
            for key, one in scores.where(task=task).by("predictor", "measure").items()
        }
        assert found["set model", "auroc"] > 0.8
        assert found["set prior", "auroc"] == 0.5
        assert found["neighbour vote", "auroc"] > 0.7
        assert abs(found["neighbour vote, labels shuffled", "auroc"] - 0.5) < 0.12
        assert found["set model", "brier"] < found["set prior", "brier"]
    assert len(model.tested.pert) == len(world.tested) * N_SETS


def test_every_official_row_gets_a_prediction_and_a_place_on_the_page(world, tmp_path):
    (tmp_path / "perturbqa").mkdir()
    tested = [world.perturbations[i] for i in world.tested]
    for task in ("de", "dir"):
        rows = [f"{p},{s},{i % 2},test" for i, p in enumerate(tested) for s in world.sets[:3]]
        path = tmp_path / "perturbqa" / f"k562_set-{task}.csv"
        path.write_text("\n".join(["pert,gene,label,split", "P001,0-set,1,train", *rows]))
    symbols = SymbolTable([Gene(symbol=name) for name in world.perturbations])
    model = fit_sets(world, RUN, None, quiet)
    table = official_predictions(world, model, "strict", 0, tmp_path, symbols)
    assert len(table) == 2 * 3 * len(tested)
    assert table[PREDICTIONS].notna().all().all()
    assert table.p.between(table.low, table.high).all()
    scores = Scores(score_sets(table, "test", 0, draws=20))
    page = summary(Results("genesets", scores, {"encoder": "none"}))
    assert "| set model | strict |  | " in page
    assert "| SUMMER (Llama-3 70B) | published |  | 0.62 |" in page


def test_shuffled_outcomes_leave_nothing_to_learn(world):
    rng = np.random.default_rng(1)
    noise = replace(world, genes=shuffled(world.genes, rng), labels=shuffled(world.labels, rng))
    model = fit_sets(noise, RUN, None, quiet)
    table = held_out_predictions(noise, model, "multi", 0)
    for score in Scores(score_sets(table, "cv", 0, draws=20)).where(measure="auroc"):
        assert abs(score.value.value - 0.5) < 0.12, score.predictor


def test_a_stopped_fit_goes_on_and_gives_the_same_numbers(world, tmp_path, monkeypatch):
    first = fit_sets(world, RUN, tmp_path, quiet)

    def forbidden(*_: object) -> None:
        raise AssertionError("a finished part was made again")

    monkeypatch.setattr(stack, "set_features", forbidden)
    second = fit_sets(world, RUN, tmp_path, quiet)
    for head in ("de", "up"):
        np.testing.assert_array_equal(first.tested.scores[head], second.tested.scores[head])
    with pytest.raises(AssertionError, match="made again"):
        fit_sets(world, replace(RUN, seed=1), tmp_path, quiet)


def test_needed_readouts_stay_and_then_the_most_measured():
    rows = Rows(*(np.array(x) for x in ([0] * 4, [0, 1, 2, 0], [0, 1, 1, 2], [1] * 4, [0] * 4)))
    small = narrowed(Screens(rows, ("P", "Q", "S"), ("A", "B", "C"), {}), {"C"}, 2)
    assert small.readouts == ("B", "C")
    assert small.rows.readout.tolist() == [0, 0, 1]
    assert small.rows.pert.tolist() == [1, 2, 0]


def test_a_vote_by_hand():
    rows = Rows(*(np.array(x) for x in ([0, 0], [1, 2], [7, 7], [1, 0], [UNKNOWN, UNKNOWN])))
    similarity = np.array([[0, 0.8, 0.2], [0.8, 0, 0], [0.2, 0, 0]])
    vote = neighbour_vote(rows, rows.de, similarity, np.array([0, 0]), np.array([7, 8]))
    assert vote == pytest.approx([(0.8 * 0.5 - 0.2 * 0.5) / 1.05, 0.0])


def test_test_labels_reach_the_final_table_alone(tmp_path):
    folder = tmp_path / "perturbqa"
    folder.mkdir()
    symbols = SymbolTable([Gene(symbol="A"), Gene(symbol="B", previous_symbols=("OLDB",))])
    seen = []
    for label in (0, 1):
        for task in ("de", "dir"):
            (folder / f"k562_set-{task}.csv").write_text(
                f"pert,gene,label,split\nA,1-x,1,train\nOLDB,1-x,{label},test\n"
            )
        seen.append((training_rows(tmp_path, symbols), hidden_perturbations(tmp_path, symbols)))
        assert official_rows(tmp_path, "de", symbols).label.tolist() == [label]
    assert seen[0][0].equals(seen[1][0])
    assert seen[0][0].pert.tolist() == ["A"]
    assert seen[0][1] == seen[1][1] == {"B"}


@pytest.mark.data
@pytest.mark.slow
def test_a_subsample_of_the_mirror_is_learnt_from(data_mirror, monkeypatch):
    # The readouts of the sets alone: a tenth of the rows.
    monkeypatch.setattr(world_module, "READOUTS", 0)

    world = read_world(data_mirror, quiet)
    assert not np.isin(world.labels.pert, world.tested).any()
    mapping = json.loads((data_mirror / "perturbqa" / "k562_set-mapping.json").read_text())
    assert set(world.sets) <= set(mapping)
    run = SetSettings(folds=2, rounds=100, rank=12)
    model = fit_sets(world, run, None, quiet)
    table = held_out_predictions(world, model, "multi", 0)
    found = Scores(score_sets(table, "cv", 0, draws=2)).where(predictor="set model")
    scores = found.where(measure="auroc").by("task")
    assert scores["de",].value.value > 0.68
    assert scores["dir",].value.value > 0.78


@pytest.fixture
def mirror(world, tmp_path, monkeypatch, hash_encoder):
    """A folder whose world and clusters come ready-made, and how often a setting is fitted."""
    fits = []
    monkeypatch.setattr(runs, "sources_root", lambda data: data)
    monkeypatch.setattr(runs, "library_files", lambda root: {})
    monkeypatch.setattr(runs, "read_world", lambda root, told: world)
    monkeypatch.setattr(runs, "load_encoder", lambda: hash_encoder("a"))
    monkeypatch.setattr(runs, "read_library", lambda root: SimpleNamespace(sets=(), background=()))
    monkeypatch.setattr(runs, "read_clusters", lambda root: [])
    named = {"kind": "gene clusters", "cluster": 0, "name": "one", "label": "one"}
    row = {**named, **dict.fromkeys(MEASURES, 0.5)}
    table = pd.DataFrame([{**row, "namer": namer} for namer in NAMERS])
    monkeypatch.setattr(runs, "name_clusters", lambda *_: table)
    monkeypatch.setattr(runs, "read_symbols", lambda root: None)
    monkeypatch.setattr(runs, "Inputs", lambda *_: Inputs({}, ()))

    def predicted(root, run, setting, seed, world, told):
        fits.append(setting)
        rng = np.random.default_rng(seed)
        rows = [
            {"task": task, "pert": f"P{i}", "gene": "0-set", "label": i % 2, "fold": 0}
            for task in ("de", "dir")
            for i in range(8)
        ]
        table = pd.DataFrame(rows).assign(
            setting=setting, cell_line="K562", abstained=False, low=0.0, high=1.0, p=0.5,
            **{name: rng.random(16) for name in CONTROLS},
        )  # fmt: skip
        return {"held_out": table, "tested": table}

    monkeypatch.setattr(runs, "_predicted", predicted)
    return tmp_path, fits


def test_a_run_claims_its_folder_and_a_finished_one_is_only_read(mirror):
    root, fits = mirror
    first = runs.evaluate(root, root / "run", runs.GenesetsEval(), quiet)
    assert fits == ["multi", "strict"]
    assert runs.evaluate(root, root / "run", runs.GenesetsEval(), quiet) == first
    (root / "run" / "metrics.json").unlink()
    assert runs.evaluate(root, root / "run", runs.GenesetsEval(), quiet) == first
    assert fits == ["multi", "strict"], "what was kept is not fitted again"
    assert (root / "run" / "names.tsv").is_file()
    assert "## Gene sets" in (root / "run" / "scoreboard.md").read_text()
    with pytest.raises(RunError, match=r"other settings \(seed changed\)"):
        runs.evaluate(root, root / "run", runs.GenesetsEval(seed=1), quiet)
