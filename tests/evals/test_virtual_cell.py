"""The challenge's six measures: cases worked out by hand, what tricks give away, and its files."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from typer.testing import CliRunner

from app.cli import app
from evals.expression.challenge import measures
from evals.expression.challenge import run as runs
from evals.expression.challenge.facts import Facts
from evals.expression.challenge.measures import Changes, Reference, measured
from evals.expression.challenge.panel import Panel, emitted, panel_of, profile, read_file_panels
from evals.expression.challenge.predictors import (
    averaged,
    controls,
    mean_response,
    other_lines,
    transfer,
)
from evals.expression.challenge.score import value
from evals.harness.page import Record
from knowledge.errors import DataError, KnockwiseError
from models.expression.genes import GeneFeatures

GENES = tuple(f"G{number}" for number in range(30))
PERTURBED = GENES[20:26]
ALL = np.ones(4, bool)


def changes(lfc, adjusted):
    return Changes(np.array(lfc, float), np.array(adjusted, float), np.array(adjusted, float))


def panel(seed=0, context="line", effect=4.0, cells=60):
    """Six genes, of which each raises three readouts of its own and all lower the last."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(5, 30, len(GENES))
    labels, rows = [()] * cells, [rng.poisson(base, (cells, len(GENES)))]
    for number in range(6):
        moved = base.copy()
        moved[3 * number : 3 * number + 3] *= effect
        moved[-1] /= effect
        labels += [(f"G{20 + number}",)] * cells
        rows.append(rng.poisson(moved, (cells, len(GENES))))
    return panel_of(context, "knockdown", GENES, sparse.csr_matrix(np.vstack(rows)), labels)


def test_profiles_are_of_summed_counts():
    counts = sparse.csr_matrix([[1, 0], [0, 3]])
    assert profile(counts).tolist() == pytest.approx(np.log1p([12_500, 37_500]).tolist())


def test_fidelity_charges_wrong_directions_and_too_few_calls():
    true = changes([1, 1, -1, 2], [0.01, 0.01, 0.01, 0.9])
    said = changes([1, -1, -1, 2], [0.01, 0.01, 0.9, 0.01])
    # Three called, of them the first and the last right; three truly changed.
    assert measures.fidelity(said, true, ALL) == pytest.approx(2 / 3)
    silent = changes([1, 1, 1, 1], [0.9] * 4)
    assert measures.fidelity(silent, true, ALL) == 0
    assert np.isnan(measures.fidelity(silent, silent, ALL))


def test_reach_goes_on_past_a_wrong_call_that_ten_make_up_for():
    size = 12
    true = changes([1.0] * size, [0.01] * size)
    p = np.arange(size) / 1000
    wrong_first = changes([-1.0] + [1.0] * (size - 1), p)
    assert measures.reach(wrong_first, true, np.ones(size, bool)) == 1.0
    wrong_second = changes([1.0, -1.0] + [1.0] * 3, p[:5])
    five = changes([1.0] * 5, [0.01] * 5)
    assert measures.reach(wrong_second, five, np.ones(5, bool)) == pytest.approx(1 / 5)


def test_sets_agree_by_jaccard_and_two_empty_ones_agree():
    true = changes([1, 1, 1, 1], [0.01, 0.01, 0.9, 0.9])
    said = changes([1, 1, 1, 1], [0.01, 0.9, 0.01, 0.9])
    assert measures.agreement(said, true, ALL) == pytest.approx(1 / 3)
    none = changes([1, 1, 1, 1], [0.9] * 4)
    assert measures.agreement(none, none, ALL) == 1


def test_fold_changes_are_judged_over_ten_true_ones_or_more():
    true = changes([2.0] * 10, [0.01] * 10)
    kept = np.ones(10, bool)
    assert measures.fold_change_error(np.full(10, 1.0), true, kept) == pytest.approx(0.5)
    assert measures.fold_change_error(np.zeros(10), true, kept) == 1
    kept[0] = False
    assert np.isnan(measures.fold_change_error(np.zeros(10), true, kept))


def test_discrimination_ranks_by_cosine_and_no_change_is_a_tie():
    true = np.eye(3)
    counted = np.ones(3, bool)
    assert measures.discrimination(2 * true, true, counted).tolist() == [1, 1, 1]
    assert measures.discrimination(np.zeros((3, 3)), true, counted).tolist() == [0.5] * 3
    swapped = measures.discrimination(true[[1, 0, 2]], true, counted)
    # The right one lies among two that are equally far; another is nearer.
    assert swapped.tolist() == [0.25, 0.25, 1]


def test_the_rank_sum_test_is_scipys_without_continuity():
    rng = np.random.default_rng(0)
    cells, control = (sparse.csr_matrix(rng.poisson(m, (20, 3))) for m in (9, 5))
    found = measures.differential(cells, control, np.ones(3, bool))
    x, y = (measures.per_million(one).toarray() for one in (cells, control))
    assert found.lfc.tolist() == pytest.approx(np.log2(x.mean(0) / y.mean(0)).tolist(), abs=1e-6)
    assert (found.adjusted >= found.p).all()


def test_the_measured_cells_themselves_reach_the_best_of_every_measure():
    one = panel()
    table = measured(Reference.of(one), list(one.cells.values()), one.control)
    best = {"discrimination": 1, "fidelity": 1, "reach": 1, "agreement": 1}
    assert {name: value(table, name) for name in best} == best
    assert value(table, "error") < 0.01


def test_no_change_errs_as_much_as_the_truth_is_away_and_calls_nothing_right():
    one = panel()
    reference = Reference.of(one)
    entry = {entry.name: entry for entry in controls(one, 0)}["no change"]
    table = measured(reference, entry.cells(), one.control)
    assert value(table, "error") == pytest.approx(1, abs=0.05)
    assert value(table, "discrimination") == pytest.approx(0.5, abs=0.35)
    assert value(table, "fidelity") < 0.2


def test_copies_of_cells_call_more_readouts_and_say_no_more():
    one = panel(effect=1.3)
    reference = Reference.of(one)
    entries = {entry.name: entry for entry in controls(one, 0)}
    honest = measured(reference, entries["mean response"].cells(), one.control)
    copied = measured(reference, entries["mean response, every cell 4 times"].cells(), one.control)
    assert value(copied, "fidelity") > value(honest, "fidelity")
    assert value(copied, "discrimination") == value(honest, "discrimination")


def test_predicted_cells_have_the_predicted_mean_in_whole_counts():
    one = panel()
    change = one.screen.response[0].astype(float)
    cells = emitted(one.control, change, 4000, 0)
    assert np.array_equal(cells, np.round(cells))
    found = profile(sparse.csr_matrix(cells)) - profile(one.control)
    assert found == pytest.approx(change, abs=0.05)


def test_the_mean_response_leaves_out_a_gene_s_own_perturbation():
    one = panel()
    assert np.ptp(mean_response(one), axis=0).max() == 0


def test_a_line_is_predicted_from_the_others_and_scaled_among_them_alone():
    lines = [panel(seed, f"line{seed}") for seed in range(3)]
    assert 0.8 < transfer(lines[1:]) <= 1
    assert transfer(lines[1:2]) == 1
    said = averaged(lines[0], lines[1:])
    assert np.corrcoef(said.ravel(), lines[0].screen.response.ravel())[0, 1] > 0.9
    reference = Reference.of(lines[0])
    ours = next(one for one in other_lines(lines[0], lines[1:], 0) if one.role == "ours")
    table = measured(reference, ours.cells(), lines[0].control)
    assert value(table, "discrimination") == 1
    assert value(table, "fidelity") > 0.8


def test_halves_share_no_cell():
    one = panel()
    numbered = Panel(
        "x", "knockdown", GENES, sparse.csr_matrix(np.arange(1800).reshape(60, 30)), one.cells
    )
    first, second = numbered.halves(0)
    assert not set(first.control.toarray()[:, 1]) & set(second.control.toarray()[:, 1])


def write(path, **changed):
    one = panel()
    groups = {"non-targeting": one.control, **one.cells}
    labels = np.concatenate([np.full(cells.shape[0], name) for name, cells in groups.items()])
    obs = pd.DataFrame(
        {"target_gene": labels, "line": np.where(np.arange(len(labels)) % 2, "A", "B")}
    )
    obs.index = obs.index.astype(str)
    counts = sparse.vstack(list(groups.values())).tocsr().astype(np.float32)
    table = anndata.AnnData(counts * changed.get("times", 1), obs, pd.DataFrame(index=GENES))
    table.write_h5ad(path)
    return path


def test_the_challenge_s_file_is_read_by_line(tmp_path):
    path = write(tmp_path / "vcc.h5ad")
    (one,) = read_file_panels(path, "target_gene", ["non-targeting"], "knockdown", 40, 0)
    assert (one.context, one.perturbations) == ("vcc", PERTURBED)
    assert one.control.shape == (40, 30)
    lines = read_file_panels(path, "target_gene", ["non-targeting"], "knockdown", 400, 0, "line")
    assert sorted(one.context for one in lines) == ["A", "B"]
    assert {one.control.shape[0] for one in lines} == {30}


def test_a_file_is_scored_on_the_scale_by_perturbation_and_by_line(tmp_path, monkeypatch):
    features = GeneFeatures(PERTURBED, np.eye(6, dtype=np.float32))
    monkeypatch.setattr(runs, "gene_features", lambda data, also: features)
    monkeypatch.setattr(runs, "sources_root", lambda data: data)
    monkeypatch.setattr(runs.mirror, "files", lambda names: ())
    monkeypatch.setattr(runs.annotations, "FILES", ())
    path = write(tmp_path / "vcc.h5ad")
    out = tmp_path / "run"
    words = ("--virtual-cell", "--h5ad", path, "--pert-col", "target_gene",
             "--control", "non-targeting", "--line-col", "line")  # fmt: skip
    given = ["eval", "expression", "--data", tmp_path, "--out", out, *words]
    done = CliRunner().invoke(app, [str(word) for word in given])
    assert done.exit_code == 0, done.output
    results = Record.read(out).results
    facts = results.about(Facts)
    assert [panel.context for panel in facts.panels] == ["A", "B"]
    assert {"discrimination", "error", "fidelity"} <= set(facts.panels[0].usable)
    found = results.scores.plain.where(context="A").by("task", "predictor", "measure")
    for task in (runs.UNSEEN, runs.LINE):
        assert found[task, "mean response", "score"].value.value == 0
        assert found[task, "the measured cells", "score"].value.value > 0.9
    ours = found[runs.LINE, "other lines, scaled among them", "score"]
    assert ours.value.value > 0.5
    assert "### A: a line left out (6)" in (out / "scoreboard.md").read_text()


@pytest.mark.parametrize(
    ("column", "control", "times", "said"),
    [
        ("gene", "non-targeting", 1, "no column gene"),
        ("target_gene", "ctrl", 1, "no cell is labelled ctrl"),
        ("target_gene", "non-targeting", 0.3, "no whole counts"),
    ],
)
def test_a_file_that_cannot_be_scored_is_one_sentence(tmp_path, column, control, times, said):
    path = write(tmp_path / "vcc.h5ad", times=times)
    with pytest.raises(DataError, match=said):
        read_file_panels(path, column, [control], "knockdown", 40, 0)


def test_effects_no_larger_than_noise_have_no_share_of_error():
    table = pd.DataFrame({"error": [1.0, 2.0], "distance": [0.5, 1.5]})
    assert value(table, "error") == 1.5
    assert np.isnan(value(table.assign(distance=[0.5, -0.75]), "error"))


def test_the_package_that_is_not_there_is_one_sentence(tmp_path):
    from evals.expression.challenge.package import installed

    with pytest.raises(KnockwiseError, match="cell-eval2 does not run with"):
        installed(tmp_path / "python")
