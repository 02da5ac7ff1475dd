"""Which rows a batch asks about: drawn in strata, the same for the same seed, evidence held out."""

import numpy as np
import pandas as pd
import pytest

from evals.folds import with_folds
from evals.language.rows import COMMONER, Row, fold_mates, sample, with_evidence
from evals.rows import KEYS, read_rows
from knowledge.errors import DataError, RunError
from models.response import ResponseModel
from tests.evals.language_world import world  # noqa: F401  # a fixture


@pytest.fixture(scope="module")
def rows(world):  # noqa: F811
    return read_rows(world.mirror, "train", ("K562", "RPE1", "HepG2", "Jurkat"))


def quiet(what, share):
    pass


def test_every_training_row_is_read(world, rows):  # noqa: F811
    theirs = world.table[[*KEYS, "label"]].sort_values(KEYS, ignore_index=True)
    assert (rows[KEYS] == theirs[KEYS]).all(axis=None)
    assert (rows.label == theirs.label).all()


def test_a_sample_is_spread_over_lines_and_tasks_and_keeps_both_classes_of_a_readout(rows):
    drawn = sample(rows, 160, seed=0, labelled=True)
    assert 152 <= len(drawn) <= 160
    count = drawn.groupby(["cell_line", "task"]).size()
    assert len(count) == 8
    assert count.between(19, 20).all()
    by_readout = drawn.groupby(["cell_line", "task", "gene"]).label.agg(["sum", "size"])
    rarer = np.minimum(by_readout["sum"], by_readout["size"] - by_readout["sum"])
    assert (rarer > 0).all()
    assert (by_readout["size"] - rarer <= COMMONER * rarer).all()


def test_rows_that_are_ranked_against_each_other_are_of_one_fold(rows):
    folded = with_folds(rows, "multi")
    drawn = sample(folded, 160, seed=0, labelled=True)
    assert 140 <= len(drawn) <= 160
    assert (drawn.groupby(["cell_line", "task", "gene", "fold"]).label.nunique() == 2).all()
    pd.testing.assert_series_equal(
        drawn.merge(folded, on=[*KEYS, "label"]).fold_y, drawn.fold, check_names=False
    )
    mates = fold_mates(drawn)
    for (line, fold), part in drawn.groupby(["cell_line", "fold"]):
        for keys in part[KEYS].itertuples(index=False):
            assert mates[Row(*keys)] == set(part.pert), (line, fold)


def test_rows_of_a_perturbation_follow_each_other(rows):
    drawn = sample(rows, 160, seed=0, labelled=True)
    block = list(zip(drawn.cell_line, drawn.pert, strict=True))
    assert block == sorted(block)
    assert len(set(block)) < len(drawn) / 2


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(rows):
    shuffled = rows.sample(frac=1, random_state=1)
    first = sample(rows, 80, seed=3, labelled=True)
    pd.testing.assert_frame_equal(first, sample(shuffled, 80, seed=3, labelled=True))
    assert not first[KEYS].equals(sample(rows, 80, seed=4, labelled=True)[KEYS])


def test_a_line_draws_alike_whatever_other_lines_are_asked_about(rows):
    together = sample(rows, 160, seed=0, labelled=True)
    alone = sample(rows[rows.cell_line == "RPE1"], 40, seed=0, labelled=True)
    theirs = together[together.cell_line == "RPE1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, theirs)


def test_the_shift_takes_back_that_classes_were_drawn_unevenly(rows):
    drawn = sample(rows, 160, seed=0, labelled=True)
    one = drawn.iloc[0]
    here, everywhere = (
        table[(table.cell_line == one.cell_line) & (table.task == one.task)].query(
            "gene == @one.gene"
        )
        for table in (drawn, rows)
    )
    odds = [table.label.mean() / (1 - table.label.mean()) for table in (here, everywhere)]
    assert one["shift"] == pytest.approx(np.log(odds[0] / odds[1]))


def test_labels_of_the_test_split_choose_no_rows(rows):
    drawn = sample(rows, 80, seed=0, labelled=False)
    withheld = sample(rows.assign(label=np.nan), 80, seed=0, labelled=False)
    pd.testing.assert_frame_equal(drawn[KEYS], withheld[KEYS])
    assert len(drawn) == 80
    assert (drawn["shift"] == 0).all()


def test_a_sample_of_one_row_is_refused(rows):
    with pytest.raises(RunError, match="ask for two rows or more"):
        sample(rows, 1, seed=0, labelled=True)


def test_the_shipped_weights_know_the_held_out_evidence_of_their_training_rows(world, rows):  # noqa: F811
    block = rows[(rows.cell_line == "K562") & (rows.pert == rows.pert.iloc[-1])]
    block = block.reset_index(drop=True) if len(block) else rows.head(20)
    shipped = with_evidence(block, ResponseModel.load(), None, quiet)
    table = with_evidence(block, ResponseModel.load(), world.held_out, quiet)
    np.testing.assert_allclose(shipped.p_evidence, table.p_evidence)


def test_a_table_of_evidence_that_lacks_rows_is_refused(world, rows, tmp_path):  # noqa: F811
    world.table.head(10).to_parquet(tmp_path / "held_out.parquet")
    with pytest.raises(DataError, match="lacks"):
        with_evidence(rows, ResponseModel.load(), tmp_path / "held_out.parquet", quiet)
