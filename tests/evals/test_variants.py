"""Variants differ from the model's trees in one thing, see no row of their fold, and are told."""

import gzip
import runpy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Scores
from evals.variants import further
from evals.variants.blends import stacked, within_readout
from evals.variants.curves import SHARES, kept_rows
from evals.variants.ground import Ground
from evals.variants.page import BENCHMARK
from evals.variants.run import VariantsEval, tried
from evals.variants.score import EXPONENT, NEEDED, curve
from evals.variants.tried import AVERAGED, BASE, EVERYTHING, STACKED, VARIANTS
from models.inputs.annotations import Annotations
from models.inputs.screens import CELL_LINES, UNKNOWN, folds

SMALL_WORLD = runpy.run_path(str(Path(__file__).parents[1] / "models" / "conftest.py"))
TRIED = (
    BASE, "monotone", "listwise loss", "logistic regression", "neural network", "response twins",
    "sets first",
)  # fmt: skip
FURTHER = tuple(name for name, one in VARIANTS.items() if one.further)
MIRROR = {
    "networks/signaling/omnipath_signed_directed.tsv": "source\ttarget\tsign\nP000\tP001\t-1\n",
    "networks/signaling/signor_phosphosite_signed.tsv.gz":
        "source\ttarget\tsign\tmechanism\tsource_type\ttarget_type\tdb\n"
        "P002\tP003\t1\tphosphorylation\tprotein\tprotein\tSIGNOR\n",
    "networks/signaling/kegg_spia_signed.tsv.gz":
        "source\ttarget\tsign\trelation\tpathway_id\nP004\tP005\t1\tactivation\t04110\n",
    "networks/regulons/collectri.tsv": "tf\ttarget\tsign\nP001\tR001\t1\nP001\tR002\t-1\n",
    "networks/regulons/trrust_v2.tsv":
        "tf\ttarget\tregulation\tpmids\tsign\nP000\tR003\tRepression\t1\t-1\n",
    further.PERISCOPE: "Gene,Mito,ConA,DAPI,WGA,Phalloidin\nP000,9,0,1,0,0\nP001,8,1,0,0,0\n",
    **{f"{further.ESSENTIALITY}/{name}": "Gene,Effect\nP000,-1.5\nR001,0.1\n"
       for name in further.NUMBERS},
    f"{further.ESSENTIALITY}/{further.SELECTIVE}": "line,gene\nK-562,P000\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus():
    return SMALL_WORLD["synthetic_corpus"]()


@pytest.fixture
def root(tmp_path, corpus, monkeypatch):
    """Return a mirror of a few lines per file; the only kind of knowledge are the complexes."""
    for name, text in MIRROR.items():
        path = tmp_path / "mirror" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    members = np.zeros((len(corpus.vocabulary.genes), SMALL_WORLD["N_COMPLEXES"]), np.float32)
    for number, gene in enumerate(corpus.vocabulary.perturbations):
        members[gene, number // SMALL_WORLD["PER_COMPLEX"]] = 1
    family = Annotations("complex", (), sparse.csr_array(members))
    monkeypatch.setattr(further.annotations, "annotations", lambda *_: [family])
    return tmp_path / "mirror"


def test_every_variant_stands_on_the_page_beside_the_models_trees(tmp_path, root, corpus):
    settings = VariantsEval(variants=TRIED, folds=3, rounds=5, rank=4, draws=10)
    out = tmp_path / "run"
    run = Run.claim(out, settings, Inputs({}, ()), lambda what, done: None)
    results = run.finished(lambda: tried(run, root, settings, 1, lambda: corpus))
    told = BENCHMARK.summary(results)
    for name in (*TRIED, EVERYTHING, AVERAGED, STACKED):
        assert f"| {name} |" in told
    best = results.scores.plain.find(predictor=AVERAGED, task="de", cell_line="mean")
    assert best.value.value > 0.65
    assert results.scores.find(about="curve", of="rows", share=0.25, task="dir") is not None
    BENCHMARK.render(results, out)
    assert "What was tried" in (out / "scoreboard.md").read_text()
    assert not (out / "partial").exists()


@pytest.mark.parametrize("name", FURTHER)
def test_no_label_of_a_fold_is_in_its_further_features(name, root, corpus):
    rows = corpus.screens.rows
    fold = folds(rows, "multi", 3, np.random.default_rng(0))
    hidden = fold == 0
    turned = replace(
        rows,
        de=np.where(hidden, 1 - rows.de, rows.de),
        up=np.where(hidden & (rows.de == 0), 1, np.where(hidden, UNKNOWN, rows.up)),
    )
    other = replace(corpus, screens=replace(corpus.screens, rows=turned))
    found = []
    for one in (corpus, other):
        empty = np.zeros((len(rows), 0), np.float32)
        ground = Ground(one, fold, empty, (), CELL_LINES, (0,), 10, 0, 1)
        found.append(VARIANTS[name].further(ground, root))
    assert found[0].features.shape == (len(rows), len(found[0].names))
    np.testing.assert_array_equal(found[0].features[hidden], found[1].features[hidden])
    assert np.nanstd(found[0].features) > 0


def test_a_larger_share_keeps_what_a_smaller_one_does(corpus):
    for of in ("perturbations", "rows"):
        kept = [kept_rows(corpus, of, share, 1) for share in SHARES]
        assert all((less <= more).all() for less, more in pairwise(kept))
        assert kept[0].mean() == pytest.approx(0.25, abs=0.05)
        assert kept[-1].all()
    rows = corpus.screens.rows
    some = kept_rows(corpus, "perturbations", 0.5, 1)
    groups = {(line, pert) for line, pert in zip(rows.line[some], rows.pert[some], strict=True)}
    left = {(line, pert) for line, pert in zip(rows.line[~some], rows.pert[~some], strict=True)}
    assert not groups & left


def test_a_power_law_is_found_again():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "pert": [f"P{i}" for i in range(4000)], "gene": "G", "cell_line": "K562", "fold": 0,
            "task": "de", "label": np.arange(4000) % 2,
        }
    )  # fmt: skip
    for share in SHARES:
        wrong = int(4000 * 0.2 * share**-0.5)  # so many rows are tied
        score = table.label.to_numpy(float)
        score[rng.permutation(4000)[:wrong]] = 0.5
        table[str(share)] = score
    found = Scores(curve(table, {s: str(s) for s in SHARES}, "rows", Resampler(table.pert, 0, 50)))
    exponent = found.find(measure=EXPONENT, task="de")
    assert exponent.value.value == pytest.approx(-1.0, abs=0.03)  # AUROC misses w * w / 2
    needed = found.find(measure=NEEDED, task="de")
    assert needed.value.value < 1  # today's AUROC is above the target


def test_a_stack_learns_which_score_to_believe():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"task": "de", "cell_line": "K562", "fold": np.arange(2000) % 2,
                          "gene": "G", "label": rng.integers(0, 2, 2000)})  # fmt: skip
    table["good"] = table.label + rng.normal(0, 1, 2000)
    table["bad"] = rng.normal(0, 100, 2000)
    joined = within_readout(table, ["good", "bad"])
    assert joined.std(0) == pytest.approx([1, 1], abs=0.01)
    told = stacked(table, ["good", "bad"])
    assert np.corrcoef(told, table.good)[0, 1] > 0.98
