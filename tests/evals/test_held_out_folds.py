"""Held-out rows are ranked within the folds that the model was trained in."""

import pandas as pd

from evals.folds import with_folds


def test_a_table_keeps_the_folds_that_it_has():
    columns = ["task", "pert", "gene", "cell_line", "label", "fold"]
    rows = [("de", f"P{i}", "G", "K562", i % 2, i % 3) for i in range(12)]
    table = pd.DataFrame(rows, columns=columns)
    assert with_folds(table, "multi")["fold"].tolist() == table["fold"].tolist()


def test_an_older_table_gets_one_fold_for_each_perturbation_of_a_line():
    columns = ["task", "pert", "gene", "cell_line", "label"]
    rows = [("de", f"P{i % 30}", f"G{i}", "K562", i % 2) for i in range(300)]
    table = with_folds(pd.DataFrame(rows, columns=columns), "multi")
    assert table.groupby("pert")["fold"].nunique().eq(1).all()
    assert table["fold"].nunique() > 1
