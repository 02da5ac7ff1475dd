"""A readout's habit, as it looked to a model that never saw a fold."""

import pandas as pd

from models.fusion.held_out_habits import held_out_habits, with_folds


def table():
    """One readout changes under the perturbations of fold 0 alone, another never."""
    rows = [
        ("de", f"P{pert}", gene, "K562", int(gene == "G0" and pert < 4), int(pert >= 4))
        for pert in range(12)
        for gene in ("G0", "G1")
    ]
    rows += [("dir", f"P{pert}", "G0", "K562", 1, 0) for pert in range(4)]
    return pd.DataFrame(rows, columns=["task", "pert", "gene", "cell_line", "label", "fold"])


def test_the_habit_of_a_fold_does_not_know_the_changes_in_it():
    habits = held_out_habits(table())
    assert habits["K562", 0]["G0"].p_de < 0.05
    assert habits["K562", 0]["G0"].p_de == habits["K562", 0]["G1"].p_de
    assert habits["K562", 1]["G0"].p_de > 0.3


def test_a_line_that_read_nothing_has_no_habits():
    assert held_out_habits(table())["HepG2", 0] == {}


def test_a_table_keeps_the_folds_that_it_has():
    assert with_folds(table(), "multi")["fold"].tolist() == table()["fold"].tolist()
