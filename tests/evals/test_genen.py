"""Gene properties are measured by hand-checked figures, compared fairly, and gone on with."""

from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import typer
from sklearn.metrics import f1_score, roc_auc_score
from typer.testing import CliRunner

from app.commands.eval_genen import genen
from evals.genen import run as runs
from evals.genen import units
from evals.genen.comparison import Comparison, Key
from evals.genen.facts import HEADLINE, PLAIN, WITH_COMPARTMENT, Condition, Facts, Quoted
from evals.genen.figures import Figures
from evals.genen.inputs import GeneInputs
from evals.genen.maps import alike, most_enriched
from evals.genen.page import BENCHMARK, sections
from evals.genen.predictors import GCN, OURS, REWIRED, TEXT, TOGETHER, Entry, conditions, entries
from evals.genen.published import PUBLISHED_GCN
from evals.genen.rivals.predictor import as_scores, targets
from evals.genen.run import evaluate
from evals.genen.score import Yardstick, held_out
from evals.genen.study_bias import StudyBias
from evals.genen.units import GenenEval, Unit
from evals.genen.workers import fit_together
from evals.genen.world import World, quoted
from evals.harness.page import Record
from evals.harness.run import Clock, Inputs, Run
from evals.harness.scores import Results, Score
from knowledge.errors import DataError, KnockwiseError, RunError
from knowledge.texts.encoder import DEFAULT_ENCODER
from models.genen.graphs import PropertyGraph, Relation
from models.genen.labels import TASKS, LabelAudit, PropertyTask
from models.genen.splits import repeated_splits
from models.genen.texts import GeneText

GENES = tuple(f"G{number:03}" for number in range(60))
HALF = np.arange(60) % 2
THIRD = np.arange(60) % 3


def task_of(name, kind, labels, classes=(), genes=GENES):
    return PropertyTask(
        name, kind, "what it is", genes, np.asarray(labels), classes, False, LabelAudit(len(genes))
    )


BINARY = task_of("dosage-sensitivity", "binary", HALF, ("no", "yes"))
MULTICLASS = task_of("localisation", "multiclass", THIRD, ("membrane", "cytoplasm", "nucleus"))
MULTILABEL = task_of(
    "tf-target-type", "multilabel", np.column_stack([HALF, THIRD > 0]), ("one", "other")
)
REGRESSION = task_of("conservation", "regression", (HALF + THIRD / 10).astype(np.float32))


class Said:
    """A predictor that says what it was made with, whatever it is given."""

    def __init__(self, name, columns):
        self.name, self._columns = name, columns

    def scores(self, task, splits, inputs):
        return [as_scores(task, self._columns(task)) for _ in splits]


class Centroids:
    """Says how near a gene's text is to the mean of each class's training genes."""

    def __init__(self, name):
        self.name = name

    def scores(self, task, splits, inputs):
        SEEN.append((self.name, task.name, inputs, splits))
        x, truth = inputs.gene_x[inputs.graph.rows(task.genes)], targets(task)
        found = []
        for split in splits:
            mean = truth[split.train].mean(axis=0)
            slope = x[split.train].T @ (truth[split.train] - mean) / len(split.train)
            found.append(as_scores(task, np.clip(x @ slope + mean, 0, 1)))
        return found


def noise(seed, share):
    """Return what says `share` of the truth and noise for the rest."""

    def columns(task):
        truth = targets(task)
        rng = np.random.default_rng(seed)
        return share * truth + (1 - share) * rng.random(truth.shape, np.float32)

    return columns


def quick(condition, *, neural=True):
    """One predictor of each role, in the places that the real ones have."""
    if condition.graph is None:
        found = [
            Entry(Said("majority", lambda task: np.full_like(targets(task), 0.5)), "baseline"),
            Entry(Centroids(TEXT), "baseline"),
        ]
        return found[1:] if condition.hidden or condition.together else found
    found = [Entry(Said(OURS, noise(1, 0.6)), "ours")]
    if neural:
        found.insert(0, Entry(Centroids(GCN), "network", 1))
    return found


def graph_of(condition):
    index = np.array([[row, row + 2] for row in range(58)]).T
    both = np.concatenate([index, index[::-1]], axis=1)
    weight = np.ones(both.shape[1], np.float32)
    relation = Relation(
        "gene", "interacts", "gene", both, weight, ("weight",), weight[:, None]
    )  # fmt: skip
    return PropertyGraph(condition.graph, GENES, (), condition.compartment, (relation,))


SEEN = []
"""What the made-up predictors were given: name, task, inputs, splits."""


@pytest.fixture(scope="module")
def made():
    """Sixty genes whose texts tell their classes."""
    rng = np.random.default_rng(0)
    x = np.column_stack([HALF, THIRD == 0, THIRD == 1, THIRD == 2]) + 0.3 * rng.normal(size=(60, 4))
    texts = tuple(GeneText(gene, summary=f"what {gene} does") for gene in GENES)
    tasks = (BINARY, MULTICLASS, MULTILABEL, REGRESSION)
    studied = StudyBias(GENES, np.arange(60), np.arange(60)[::-1].copy())

    def source(condition, progress):
        descriptions = tuple(text.description for text in texts)
        graph = graph_of(condition)
        return GeneInputs(graph, x.astype(np.float32), np.zeros((0, 4), np.float32), descriptions)

    return World(
        tasks,
        texts,
        {task.name: studied for task in tasks},
        {"even genes": frozenset(GENES[::2]), "few": frozenset(GENES[:2])},
        (Quoted(task="dosage-sensitivity", model="MPNet", source="gene-benchmark", value=0.87),),
        0,
        source,
    )


@pytest.fixture(scope="module", autouse=True)
def _no_files(made):
    """Runs read no file, and predictors take no time."""

    def read_world(data, names, *rest):
        chosen = tuple(task for task in made.tasks if task.name in names)
        return replace(made, tasks=chosen)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runs, "sources_root", lambda data: data)
        patched.setattr(runs, "read_world", read_world)
        patched.setattr(units, "entries", quick)
        patched.setattr(runs, "_inputs", lambda *_: Inputs({}, ()))
        yield


SETTINGS = GenenEval(folds=3, shares=(0.0, 0.5), draws=20)
SMALL = GenenEval(
    tasks=("conservation",), graphs=("ppi",), folds=3, shares=(0.0,), neural=False, draws=10
)


def quiet(what, done):
    assert 0 <= done <= 1


def in_folder(out):
    return Run(out, quiet, Clock(out))


def run_in(out, settings=SMALL):
    return evaluate(out.parent, out, settings, None, out / "cache", 1, quiet)


@pytest.fixture(scope="module")
def finished(_no_files, tmp_path_factory):
    """A run of everything: its folder, its metrics, and what predictors were given."""
    out = tmp_path_factory.mktemp("genen") / "run"
    SEEN.clear()
    metrics = run_in(out, SETTINGS)
    return SimpleNamespace(out=out, metrics=metrics, seen=tuple(SEEN))


def table_of(task, columns, repeats=2, folds=3):
    splits = repeated_splits(task, repeats=repeats, folds=folds)
    said = as_scores(task, columns)
    return pd.concat([held_out(s.repeat, s.fold, s.test, said) for s in splits])


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, MULTILABEL, REGRESSION])
def test_the_truth_itself_scores_one_and_a_constant_is_chance(task):
    yardstick = Yardstick(task, 0, 20)
    perfect = table_of(task, targets(task))
    assert yardstick.value(perfect).value == pytest.approx(1)
    constant = yardstick.value(table_of(task, np.full_like(targets(task), 0.5))).estimate()
    assert constant.value == pytest.approx(0 if task.kind == "regression" else 0.5)
    assert np.isfinite([constant.low, constant.high]).all()
    if task.kind != "regression":
        assert yardstick.f1(perfect).value == pytest.approx(1)


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, MULTILABEL])
def test_figures_are_those_of_scikit_learn_fold_by_fold(task):
    said = noise(0, 0.2)(task)
    splits = repeated_splits(task, repeats=2, folds=3)
    found = Yardstick(task, 0, 10).value(table_of(task, said))
    truth = targets(task)
    by_hand = [
        roc_auc_score(truth[s.test, column], said[s.test, column])
        for s in splits
        for column in range(truth.shape[1])
    ]
    assert found.value == pytest.approx(np.mean(by_hand))


def test_f1_is_that_of_scikit_learn_with_as_many_calls_as_the_other_folds_say():
    said = noise(0, 0.2)(MULTICLASS)
    found = Yardstick(MULTICLASS, 0, 10).f1(table_of(MULTICLASS, said)).value
    assert found == pytest.approx(f1_score(THIRD, said.argmax(axis=1), average="macro"))
    said, called = noise(0, 0.2)(BINARY), np.zeros(60)
    for split in repeated_splits(BINARY, repeats=1, folds=3):
        # Half of the other forty genes are of class 1.
        called[split.test[np.argsort(-said[split.test, 0])[:10]]] = 1
    table = table_of(BINARY, said, repeats=1)
    right = f1_score(HALF, called, average="macro")
    assert Yardstick(BINARY, 0, 10).f1(table).value == pytest.approx(right)
    # How scores are calibrated makes no difference.
    table["score_0"] /= 100
    assert Yardstick(BINARY, 0, 10).f1(table).value == pytest.approx(right)


def test_correlation_is_that_of_numpy_fold_by_fold_at_any_scale():
    said = noise(0, 0.2)(REGRESSION)
    splits = repeated_splits(REGRESSION, repeats=2, folds=3)
    by_hand = [
        np.corrcoef(said[s.test, 0], REGRESSION.labels[s.test])[0, 1] for s in splits
    ]  # fmt: skip
    for scale in (1, 1e-6, 1e6):
        found = Yardstick(REGRESSION, 0, 10).value(table_of(REGRESSION, scale * said))
        assert found.value == pytest.approx(np.mean(by_hand), abs=1e-4)
        assert np.isfinite(found.draws).all()


def test_genes_are_ranked_within_their_fold_alone():
    splits = repeated_splits(BINARY, repeats=1, folds=3)
    parts = [
        held_out(s.repeat, s.fold, s.test, targets(BINARY)[:, 0] + 10 * s.fold) for s in splits
    ]
    assert Yardstick(BINARY, 0, 10).value(pd.concat(parts)).value == pytest.approx(1)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    genes = tuple(f"G{number}" for number in range(200))
    held = 0
    for seed in range(60):
        task = task_of("dosage-sensitivity", "binary", labels, ("no", "yes"), genes)
        # Two normal distributions one apart: the true AUROC is 0.7602.
        said = (labels + rng.normal(size=200)).astype(np.float32)[:, None]
        found = Yardstick(task, seed, 200).value(table_of(task, said, 1, 5)).estimate()
        held += found.low <= 0.7602 <= found.high
    assert 50 <= held <= 60


def test_a_score_that_is_no_number_is_told():
    with pytest.raises(ValueError, match="repeat 0, fold 1: a score is not a number"):
        held_out(0, 1, np.arange(2), np.array([0.1, np.nan]))


def test_a_run_compares_everything_and_shows_it(finished):
    out, metrics = finished.out, finished.metrics
    figures = Figures(metrics)
    conditions_seen = {figures.condition(name) for name in metrics.scores.values("condition")}
    assert {PLAIN, HEADLINE, WITH_COMPARTMENT, REWIRED, TOGETHER} <= conditions_seen
    assert {c.hidden for c in conditions_seen} == {0, 0.5}

    def binary(condition, predictor, measure="value"):
        key = ("dosage-sensitivity", condition.name, predictor, measure)
        return figures.found[key].value.value

    assert binary(HEADLINE, OURS) > 0.9
    assert binary(PLAIN, "majority") == 0.5
    assert (binary(HEADLINE, GCN, "repeats"), binary(HEADLINE, OURS, "repeats")) == (1, 5)
    half = HEADLINE.model_copy(update={"hidden": 0.5})
    assert binary(half, GCN) < binary(HEADLINE, GCN)
    # Hidden texts are all alike, and nothing tells such genes apart.
    assert binary(half, GCN, "genes without text") == pytest.approx(0.5)
    page = (out / "scoreboard.md").read_text()
    assert "## Gene properties" in page
    assert "| *MPNet (gene-benchmark)* | 0.87 |" in page
    html = (out / "report.html").read_text()
    assert html.count("data:image/svg+xml") == 5
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert BENCHMARK.page(Record.read(out)).markdown() + "\n" == page


def test_gains_are_over_the_best_baseline_and_on_the_same_folds(finished):
    mine = finished.metrics.scores.where(task="dosage-sensitivity", measure="value")
    gains = {(g["condition"], g.predictor, g.than, g["than_condition"]): g for g in mine.gains}
    headline, plain = HEADLINE.name, PLAIN.name
    over = gains[headline, OURS, TEXT, plain]
    ours = mine.plain.find(condition=headline, predictor=OURS)
    text = mine.plain.find(condition=plain, predictor=TEXT)
    assert over.value.value == pytest.approx(ours.value.value - text.value.value)
    assert (headline, OURS, "majority", plain) not in gains
    # GCN was tried on one repeat: ours is compared with it on that repeat alone.
    yardstick = Yardstick(BINARY, 0, 20)
    tables = {
        name: pd.read_parquet(
            in_folder(finished.out).path(
                Unit(BINARY, HEADLINE, Entry(Said(name, None), "ours")).name
            )
        )
        for name in (OURS, GCN)
    }
    first = yardstick.value(tables[OURS][tables[OURS].repeat == 0])
    by_hand = first.value - yardstick.value(tables[GCN]).value
    assert gains[headline, OURS, GCN, headline].value.value == pytest.approx(by_hand)
    # The made-up GCN looks at no edge, so that shuffled ones do not harm it.
    shuffled = gains[headline, GCN, GCN, REWIRED.name]
    assert (shuffled.value.value, shuffled.verdict) == (0, "level")


def test_predictors_see_no_hidden_text_and_the_graph_that_was_asked_for(finished):
    given = [inputs for _, _, inputs, _ in finished.seen]
    assert {inputs.described.mean() for inputs in given} == {0.5, 1.0}
    for inputs in given:
        assert not inputs.gene_x[~inputs.described].any()
    assert {(inputs.graph.kind, inputs.graph.compartment) for inputs in given} == {
        ("ppi", False), ("go", False), ("go+ppi", False), ("go", True), ("go+ppi", True),
    }  # fmt: skip
    masked = {task for _, task, inputs, _ in finished.seen if not inputs.described.all()}
    assert masked == {"dosage-sensitivity", "localisation"}


def test_every_predictor_of_a_task_is_tested_on_the_same_genes(finished):
    tested = {}
    for _, task, _, splits in finished.seen:
        tested.setdefault(task, set()).add(tuple(splits[0].test))
    # Dealt at random, and dealt with genes of one text together.
    assert {len(found) for found in tested.values()} == {2}


def test_genes_of_one_text_stay_together_where_that_is_asked(made):
    same = [GeneText(gene, summary="may be a receptor" if row < 20 else f"does {gene}")
            for row, gene in enumerate(GENES)]  # fmt: skip
    world = replace(made, texts=tuple(same))

    def torn(condition):
        found = world.splits(BINARY, condition, 2, 3)
        return [0 < len({*range(20)} & {*split.test}) < 20 for split in found]

    assert not any(torn(TOGETHER))
    assert all(torn(HEADLINE))


def test_an_interrupted_run_goes_on_and_gives_the_same_figures(tmp_path, monkeypatch):
    settings = SMALL.model_copy(
        update={"neural": True, "tasks": ("conservation", "tf-target-type")}
    )
    SEEN.clear()
    whole = run_in(tmp_path / "whole", settings)
    needed, fitted, calls = len(SEEN), Centroids.scores, []

    def stopping(self, *rest):
        calls.append(self.name)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return fitted(self, *rest)

    monkeypatch.setattr(Centroids, "scores", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path / "cut", settings)
    assert len(list((tmp_path / "cut" / "units").rglob("*.parquet"))) >= 3
    assert run_in(tmp_path / "cut", settings) == whole
    total = len(calls)
    assert total == needed + 1, "only the unit at work is fitted again"
    (tmp_path / "cut" / "report.html").unlink()
    run_in(tmp_path / "cut", settings)
    assert len(calls) == total, "a finished run is only rendered anew"
    assert (tmp_path / "cut" / "report.html").is_file()


def test_a_folder_holds_one_run(tmp_path):
    run_in(tmp_path / "run")
    with pytest.raises(RunError, match=r"other settings \(seed changed\); name another --out"):
        run_in(tmp_path / "run", SMALL.model_copy(update={"seed": 1}))


def test_a_run_without_networks_and_of_one_graph_is_shown_too(tmp_path):
    metrics = run_in(tmp_path / "run")
    assert {one.graph for one in metrics.about(Facts).conditions} == {None, "ppi"}
    assert not [s for s in metrics.scores if s.predictor == GCN]
    assert "### Conservation" in (tmp_path / "run" / "scoreboard.md").read_text()


def test_the_published_figure_is_reached_at_the_decimals_it_was_published_with(finished):
    metrics = finished.metrics
    at = {"task": "dosage-sensitivity", "condition": HEADLINE.name}
    ours = metrics.scores.plain.find(predictor=OURS, measure="value", **at)
    quoted_gcn = PUBLISHED_GCN["dosage-sensitivity"]

    def verdict(value, high):
        estimate = ours.value.model_copy(update={"value": value, "high": high})
        scores = [one for one in metrics.scores if one is not ours]
        scores.append(Score(OURS, "value", estimate, "ours", **at))
        first = sections(Results.of("genen", scores, metrics.about(Facts)))[0]
        return next(row for row in first.tables[0].rows if row[0] == "dosage sensitivity")[5]

    assert verdict(quoted_gcn - 0.004, 0.95) == "reached"
    assert verdict(quoted_gcn - 0.006, 0.95) == "missed, in the interval"
    assert verdict(quoted_gcn - 0.1, 0.85) == "missed"


def test_a_half_without_one_class_is_left_out_of_the_study_table(made):
    studied = {"dosage-sensitivity": StudyBias(GENES, HALF, HALF)}
    lone = replace(made, studied=studied)
    tables = {Key(HEADLINE, OURS): table_of(BINARY, targets(BINARY))}
    found = Comparison(lone, BINARY, tables, {OURS: "ours"}, 10)
    assert list(found.studied()) == []


def test_the_pathway_named_is_the_one_that_tells_a_class():
    genes = [f"G{number}" for number in range(100)]
    label = (np.arange(100) >= 70).astype(int)
    pathways = {
        "everywhere": frozenset(genes[::3]),
        "of class 1": frozenset([*genes[72:90], "another gene"]),
        "too few": frozenset(genes[70:75]),
    }
    name, code, odds = most_enriched(genes, label, pathways)
    assert (name, code) == ("of class 1", 1)
    # 18 of 30 genes against none of 70: (18.5 x 70.5) / (0.5 x 12.5).
    assert odds == pytest.approx(18.5 * 70.5 / (0.5 * 12.5))


def test_likeness_of_neighbours_is_one_in_clusters_and_chance_in_noise():
    label = np.repeat([0, 1], [40, 20])
    clusters = np.eye(2)[label] + 0.01 * np.random.default_rng(0).normal(size=(60, 2))
    assert alike(clusters, label)[0] == pytest.approx(1)
    noise_share, chance = alike(np.random.default_rng(1).normal(size=(60, 8)), label)
    assert chance == pytest.approx((39 + 19) / 2 / 59)
    assert noise_share == pytest.approx(chance, abs=0.08)


def test_conditions_with_one_graph_and_the_same_texts_are_next_to_each_other():
    graphs = [(c.graph or "ppi", c.compartment, c.rewired, c.hidden) for c in conditions()]
    assert len(set(graphs)) == len([key for key, _ in groupby(graphs)])
    assert len(set(conditions())) == len(conditions())
    assert Condition(graph="go+ppi", hidden=0.75).name == "GO+PPI, 75% of texts hidden"


def test_every_predictor_has_a_name_of_its_own_and_those_singled_out_are_there():
    found = {condition: entries(condition) for condition in conditions()}
    for condition, tried in found.items():
        names = [entry.predictor.name for entry in tried]
        assert len(set(names)) == len(names)
        assert OURS in names if condition.graph else {e.role for e in tried} == {"baseline"}
    roles = {e.predictor.name: e.role for tried in found.values() for e in tried}
    assert (roles[TEXT], roles[GCN], roles[OURS]) == ("baseline", "network", "ours")
    assert {"majority", "label propagation", "GAT"} <= roles.keys()
    for condition in (HEADLINE, WITH_COMPARTMENT, REWIRED, TOGETHER):
        assert GCN in [entry.predictor.name for entry in found[condition]]
    without = {entry.role for entry in entries(HEADLINE, neural=False)}
    assert without == {"baseline", "ours"}


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(genen)

    def run(*words):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("COLUMNS", "400")
            return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_the_command_prints_who_is_ahead_and_where_the_report_is(command, tmp_path):
    out = tmp_path / "run"
    words = (
        "--task",
        "dosage-sensitivity",
        "--no-neural",
        "--mask",
        "0",
        "--folds",
        3,
        "--jobs",
        1,
    )
    done = command("--data", tmp_path, "--out", out, *words, "--graph", "go+ppi")
    assert done.exit_code == 0, done.output
    assert "| dosage sensitivity | text + logistic regression (no graph) |" in done.output
    assert done.output.split()[-2:] == [str(out / "scoreboard.md"), str(out / "report.html")]


@pytest.mark.slow
def test_what_stops_one_of_several_processes_is_one_sentence(made, tmp_path):
    unit = Unit(BINARY, HEADLINE, Entry(Said(OURS, None), "ours"))
    with pytest.raises(KnockwiseError, match="holds no perturbqa folder"):
        fit_together([unit], tmp_path, in_folder(tmp_path), SMALL, DEFAULT_ENCODER, tmp_path, 2)


def test_an_unknown_task_or_graph_is_one_sentence(command, tmp_path):
    for option, word in (("--task", "solvency"), ("--graph", "kegg")):
        done = command("--data", tmp_path, "--out", tmp_path / "run", option, word)
        assert isinstance(done.exception, KnockwiseError)
        assert f"There is no {option[2:]} {word}; choose among" in str(done.exception)


def test_a_missing_table_of_published_scores_is_named(tmp_path):
    with pytest.raises(DataError, match=r"scores\.csv"):
        quoted(tmp_path / "scores.csv", TASKS)


@pytest.mark.data
def test_published_scores_are_read_from_the_mirror(data_mirror):
    from evals.genen.world import PUBLISHED

    found = {(q.task, q.model): q.value for q in quoted(data_mirror / PUBLISHED, TASKS)}
    assert found["dosage-sensitivity", "Geneformer"] == pytest.approx(0.917, abs=5e-4)
    assert len([task for task, _ in found if task == "tf-range"]) == 9
