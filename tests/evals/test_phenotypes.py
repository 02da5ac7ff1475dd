"""Predicted phenotypes are scored on held-out genes, compared there, and gone on with."""

from dataclasses import replace
from itertools import zip_longest
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from evals.harness.page import Record
from evals.harness.plots import written
from evals.harness.run import Inputs
from evals.harness.scores import Results
from evals.phenotypes import run as runs
from evals.phenotypes.bottleneck import bottleneck
from evals.phenotypes.facts import Bottleneck, Facts
from evals.phenotypes.measures import measured
from evals.phenotypes.page import (
    BENCHMARK,
    WITH_UNIREP,
    claim_table,
    summary,
    summary_with_unirep,
)
from evals.phenotypes.plots import drawn
from evals.phenotypes.predictors import (
    BASELINES,
    OURS,
    READ,
    REQUIRED,
    WITH_LANGUAGE,
    Entry,
    Task,
    World,
    entries,
)
from evals.phenotypes.run import PLAN, PhenotypeEval, evaluate
from evals.phenotypes.score import Folds, as_table
from evals.phenotypes.splits import random_split
from knowledge.errors import DataError, RunError
from models.genepheno.baselines import TermFrequency
from models.genepheno.ontology import IntArray
from models.genepheno.phenotypes import PhenotypeLabels, TermVocabulary
from models.genepheno.sequences import Protein

GENES = tuple(f"G{number:03}" for number in range(80))
PARENTS = ((), (0,), (0,), (), (3,), ())


@pytest.fixture
def labels():
    """Half of the genes have the first branch of terms, the others the second."""
    rng = np.random.default_rng(0)
    first = np.arange(len(GENES)) % 2 == 0
    known = np.zeros((len(GENES), 6), bool)
    known[:, 0], known[:, 3] = first, ~first
    known[:, 1] = first & (rng.random(len(GENES)) < 0.6)
    known[:, 2] = first & (rng.random(len(GENES)) < 0.3)
    known[:, 4] = ~first & (rng.random(len(GENES)) < 0.5)
    known[:, 5] = rng.random(len(GENES)) < 0.2
    vocabulary = TermVocabulary(
        terms=tuple(f"MP:{number}" for number in range(6)),
        names=tuple(f"term {number}" for number in range(6)),
        parents=tuple(np.array(above, np.int64) for above in PARENTS),
        systems=("bone", "bone", "bone", "ear", "ear", ""),
        exclusive=np.zeros((0, 2), np.int64),
        exclusive_rate=0.0,
    )
    matrix = sparse.csr_array(known)
    return PhenotypeLabels("mp", GENES, vocabulary, matrix, matrix, ~known.any(axis=1))


class Branch:
    """Knows by a protein's first residue which branch its gene has, for as much as it is told."""

    def __init__(self, certainty):
        self.name, self.certainty = f"certain {certainty}", certainty

    def fit(self, proteins, labels):
        self.share = labels.frequencies()
        return self

    def predict(self, proteins):
        first = np.array([one.sequence[0] == "M" for one in proteins])
        told = np.where(np.array([1, 1, 1, 0, 0, 0.5]) == first[:, None], self.share * 2, 0)
        mixed = self.certainty * told + (1 - self.certainty) * self.share
        return np.clip(mixed, 0, 1).astype(np.float32)


ENTRIES = (
    Entry(REQUIRED[0], "baseline", lambda world, task, fold: TermFrequency()),
    Entry("reference", "reference", lambda world, task, fold: Branch(1.0)),
    Entry(OURS, "ours", lambda world, task, fold: Branch(0.9)),
    Entry("no branch", "ablation", lambda world, task, fold: Branch(0.0)),
)


@pytest.fixture
def world(labels, tmp_path, monkeypatch):
    """A data folder without files, whose only task is the made-up labels."""
    proteins = tuple(
        Protein(gene, "human", ("M" if row % 2 == 0 else "K") + "AVLK", gene, False)
        for row, gene in enumerate(GENES)
    )

    def made(root, out, settings):
        folds = random_split(GENES, settings.seed)[: settings.folds]
        world = World(root, None, None, proteins, np.arange(len(proteins)), {}, frozenset())
        return world, [Task("mp", "random", labels, proteins, folds)]

    monkeypatch.setattr(runs, "sources_root", lambda data: data)
    monkeypatch.setattr(runs, "open_world", made)
    monkeypatch.setattr(
        runs, "entries", lambda task, ablation, language: ENTRIES if ablation else ENTRIES[:3]
    )
    monkeypatch.setattr(runs, "_inputs", lambda root, settings: Inputs({}, ()))
    return tmp_path


def quiet(what, done):
    assert 0 <= done <= 1


SETTINGS = PhenotypeEval(collections=("mp",), folds=2, draws=50)


def test_who_knows_the_branch_is_ahead_of_who_does_not(world):
    metrics = evaluate(world, world / "run", SETTINGS, quiet)
    gain = {(g.than, g.measure): g for g in metrics.scores.gains}
    for measure in ("f_max", "s_min", "auroc", "auprc"):
        assert gain[REQUIRED[0], measure].verdict == "better", measure
        assert gain["no branch", measure].value.value > 0
    every = metrics.scores.plain.where(system=None)
    score = {(s.predictor, s.measure): s.value for s in every}
    assert score[REQUIRED[0], "auroc"].value == pytest.approx(0.5)
    assert score[OURS, "s_min"].value < score[REQUIRED[0], "s_min"].value
    assert score[OURS, "auroc"].n == 32


def test_systems_are_scored_apart(world):
    metrics = evaluate(world, world / "run", SETTINGS, quiet)
    found = metrics.scores.by("system", "predictor", "measure")
    assert found["bone", "", "terms"].value.value == 3
    assert found["ear", OURS, "auroc"].value.value > 0.6
    assert metrics.scores.values("system") == ["bone", "ear"]


def test_a_run_is_written_as_tables_and_as_a_page_with_plots(world):
    out = world / "run"
    metrics = evaluate(world, out, SETTINGS, quiet)
    page = BENCHMARK.page(Record.read(out)).markdown()
    assert page + "\n" == (out / "scoreboard.md").read_text()
    assert page.count("## Phenotypes from sequence") == 1
    assert "### mp, random split" in page
    assert "### Without its parts" in page
    assert OURS in summary(metrics)
    html = (out / "report.html").read_text()
    assert html.count("data:image/svg+xml;base64,") == 2
    assert (out / "plots" / "curve-mp-random.svg").is_file()
    assert (out / "plots" / "systems-mp-random.svg").is_file()


def test_the_claims_are_those_of_baselines_that_must_be_beaten(world, monkeypatch):
    names = (*REQUIRED, OURS)
    roles = ("baseline",) * 3 + ("ours",)
    made = tuple(
        Entry(name, role, lambda w, t, f, c=certain: Branch(c))
        for name, role, certain in zip(names, roles, (0.0, 0.1, 0.2, 0.9), strict=True)
    )
    monkeypatch.setattr(runs, "entries", lambda task, ablation, language: made)
    table = claim_table(evaluate(world, world / "run", SETTINGS, quiet).scores)
    assert [row[:3] for row in table.rows] == [
        ("mp", "random", "F_max"), ("mp", "random", "macro AUROC"),
    ]  # fmt: skip
    assert table.header[3:] == REQUIRED
    assert set(REQUIRED) <= {entry.name for entry in BASELINES}


def test_what_a_language_model_adds_has_a_page_of_its_own(world, monkeypatch):
    certain = [0.0, 0.2, 0.4, 0.9]
    made = tuple(
        one._replace(make=lambda w, t, f, c=one_certain: Branch(c))
        for one, one_certain in zip_longest(WITH_LANGUAGE, certain)
    )
    monkeypatch.setattr(runs, "entries", lambda task, ablation, language: language and made)
    told, measured = [], runs.measured_fold

    def listening(probabilities, *rest):
        told.append(probabilities)
        return measured(probabilities, *rest)

    monkeypatch.setattr(runs, "measured_fold", listening)
    settings = SETTINGS.model_copy(update={"unirep": world / "unirep.npz", "folds": 1})
    results = evaluate(world, world / "run", settings, quiet)
    dense, ours, read, both, both_read = told[1:]
    assert both == pytest.approx((ours + dense) / 2)
    assert both_read == pytest.approx((read + dense) / 2)
    page = (world / "run" / "scoreboard.md").read_text()
    assert page.count("## Phenotypes from sequence, with a protein language model") == 1
    assert results.kind == WITH_UNIREP.kind == "genepheno-unirep"
    gains = {(g.predictor, g.than, g.measure): g for g in results.scores.gains}
    assert (READ, OURS, "f_max") in gains
    assert "What GenePheno with UniRep gains over each" in summary_with_unirep(results)


def test_an_interrupted_run_goes_on_and_gives_the_same_figures(world, monkeypatch):
    whole = evaluate(world, world / "whole", SETTINGS, quiet)
    fitted, calls = runs.fitted, []

    def stopping(entry, *rest):
        calls.append(entry.name)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return fitted(entry, *rest)

    monkeypatch.setattr(runs, "fitted", stopping)
    with pytest.raises(KeyboardInterrupt):
        evaluate(world, world / "cut", SETTINGS, quiet)
    assert evaluate(world, world / "cut", SETTINGS, quiet) == whole
    assert len(calls) == 4 + 5, "what was finished is not predicted again"
    evaluate(world, world / "cut", SETTINGS, quiet)
    assert len(calls) == 9, "a finished run is only rendered anew"


def test_a_folder_holds_one_run(world):
    evaluate(world, world / "run", SETTINGS, quiet)
    with pytest.raises(RunError, match=r"other settings \(seed changed\); name another --out"):
        evaluate(world, world / "run", SETTINGS.model_copy(update={"seed": 1}), quiet)


def test_tested_genes_are_not_among_those_learnt_from(world, monkeypatch, labels):
    seen = []

    class Spy(TermFrequency):
        def fit(self, proteins, labels):
            assert [one.gene for one in proteins] == list(labels.genes)
            seen.append(set(labels.genes))
            return super().fit(proteins, labels)

        def predict(self, proteins):
            assert not seen[-1] & {one.gene for one in proteins}
            return super().predict(proteins)

    made = (Entry("spy", "baseline", lambda world, task, fold: Spy()),)
    monkeypatch.setattr(runs, "entries", lambda task, ablation, language: made)
    evaluate(world, world / "run", SETTINGS, quiet)
    assert len(seen) == 2


@pytest.mark.parametrize("split", ["random", "homology"])
def test_functions_are_learnt_from_no_tested_gene_and_from_no_held_out_family(labels, split):
    # Genes in pairs are relatives; the second of each pair has no label.
    more = tuple(f"U{number:03}" for number in range(len(GENES)))
    proteins = tuple(Protein(gene, "human", "MKV", gene, False) for gene in GENES + more)
    family = np.tile(np.arange(len(GENES)), 2)
    (fold, *_) = random_split(GENES, 0)
    world = World(None, None, None, proteins, family, {}, frozenset(GENES + more))
    task = Task("mp", split, labels, proteins[: len(GENES)], (fold,))
    found = {one.gene for one in world.reference(task, fold)}
    tested = {GENES[row] for row in fold.test}
    related = {f"U{gene[1:]}" for gene in tested}
    assert not found & tested
    assert {GENES[row] for row in fold.train} <= found
    assert bool(found & related) == (split == "random")


def test_ours_is_taken_apart_where_it_is_said_to_be(labels):
    def roles(collection, ablation):
        task = Task(collection, "random", labels, (), ())
        return [entry.role for entry in entries(task, ablation=ablation)]

    assert roles("mp", True).count("ablation") == 3
    assert "ablation" not in roles("komp", True) + roles("mp", False)
    assert roles("gwas", True).count("ours") == 1


def test_measures_survive_the_file_they_are_kept_in(labels, tmp_path):
    rng = np.random.default_rng(0)
    scores = rng.random((len(GENES), 6)).astype(np.float32)
    found = measured(
        labels.propagated, scores, labels.vocabulary, np.ones(6), np.random.default_rng(1), 20
    )
    path = tmp_path / "unit.parquet"
    as_table(found).to_parquet(path)
    import pandas as pd

    folds = Folds([pd.read_parquet(path)], "ours")
    for name, sample in (
        ("f_max", found.f_max), ("s_min", found.s_min),
        ("auroc", found.ranked.auroc), ("auprc", found.ranked.auprc),
    ):  # fmt: skip
        kept = folds.sample("measure", name)
        assert kept.value == sample.value
        assert kept.draws == pytest.approx(sample.draws)
    assert folds.curve("recall") == pytest.approx(found.recall)
    assert folds.names("system") == ["bone", "ear"]


class Carried:
    """The first function raises bone, the second ear; a third is too rare to lead."""

    functions = (("GO:1", "bone growth"), ("GO:2", "ear growth"), ("GO:3", "rarity"))
    weights = np.array([[2, 2, 2, 2, 2, 0, 0, 0, 0, 0], [0] * 5 + [1] * 5, [9] * 10], np.float32)
    units = SimpleNamespace(share=np.array([0.2, 0.2, 1e-4]))


def task_of(labels, systems):
    terms = tuple(f"T{number}" for number in range(10))
    vocabulary = replace(labels.vocabulary, terms=terms, systems=systems)
    return Task("mp", "random", replace(labels, vocabulary=vocabulary), (), ())


def test_the_functions_that_move_a_system_most_are_read_off_the_weights(labels, monkeypatch):
    monkeypatch.setattr("evals.phenotypes.bottleneck.PER_SYSTEM", 1)
    found = bottleneck(Carried(), task_of(labels, ("bone",) * 5 + ("ear",) * 5))
    assert found.functions == ("bone growth", "ear growth")
    assert found.systems == ("bone", "ear")
    assert found.weights == ((2.0, 0.0), (0.0, 1.0))


def test_terms_without_systems_have_no_bottleneck_to_show(labels):
    assert bottleneck(Carried(), task_of(labels, ("",) * 10)) is None


def test_a_bottleneck_is_drawn(tmp_path):
    one = Bottleneck(
        collection="mp", functions=("a", "b"), systems=("bone",), weights=((0.5,), (-0.1,))
    )
    results = Results.of("genepheno", (), Facts(divisions=(), curves=(), bottlenecks=(one,)))
    assert set(written(drawn(results, tmp_path), tmp_path / "plots")) == {"bottleneck-mp"}


def test_a_data_folder_without_the_labels_is_named(tmp_path):
    (tmp_path / "perturbqa").mkdir()
    with pytest.raises(DataError, match="phenotype"):
        evaluate(tmp_path, tmp_path / "run", SETTINGS, quiet)


@pytest.mark.data
@pytest.mark.slow
def test_the_mirror_gives_every_task_of_the_plan(data_mirror, tmp_path, monkeypatch):
    from models.genepheno.homology import Hits

    nothing = np.zeros(0, np.int64)

    def unaligned(queries, targets) -> Hits:
        none = nothing.astype(np.float32)
        sizes = len(queries), len(targets)
        return Hits(*sizes, nothing, nothing, none, none, none)

    monkeypatch.setattr(runs, "searched", unaligned)
    monkeypatch.setattr(runs, "aligned", unaligned)
    settings = PhenotypeEval(folds=1)
    world, tasks = runs.open_world(data_mirror, tmp_path, settings)
    assert [(task.collection, task.split) for task in tasks] == [
        (collection, split) for collection, splits in PLAN.items() for split in splits
    ]
    for task in tasks:
        (fold,) = task.folds
        held: IntArray = fold.test
        assert not set(held) & {*fold.train, *fold.validation}
        assert len(task.proteins) == len(task.labels)
        background = world.background[task.collection]
        assert background.vocabulary.terms == task.labels.vocabulary.terms
        assert not {*background.genes} & {one.gene for one in world.proteins}
        assert all(p.gene == g for p, g in zip(task.proteins, task.labels.genes, strict=True))
