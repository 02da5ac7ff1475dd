"""No forbidden row reaches training: guards for each setting, over a folder of poisoned files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evals.harness.metrics import macro_auroc
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.inputs.screens import CELL_LINES, UNKNOWN, read_training
from models.response.held_out import held_out_features
from models.response.scoring import Unit, fit_model, units, visible_rows
from models.response.settings import TrainingSettings
from models.response.signed_sets import SET_FEATURES, SignedSets, read_set_rows, signed_sets

POISON = 9
"""The label of every test row: whatever read it would show it."""
# The screens say AARS, HGNC says AARS1.
TESTED = {"K562": ["AARS", "P01"], "RPE1": ["P02"], "HepG2": ["P01"], "Jurkat": ["P03"]}
PERTS = ["AARS", *(f"P{i:02d}" for i in range(8))]
READOUTS = [f"R{i:02d}" for i in range(6)]


def silent(what, share):
    pass


@pytest.fixture(scope="module")
def symbols():
    genes = [Gene(symbol=name) for name in (*PERTS[1:], *READOUTS, "NEW1")]
    return SymbolTable([*genes, Gene(symbol="AARS1", previous_symbols=("AARS",))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A mirror whose test rows are poisoned and whose signed sets hold forbidden ones."""
    root = tmp_path_factory.mktemp("mirror")
    for name in ("perturbqa", "perturbseq"):
        (root / name).mkdir()
    for line in CELL_LINES:
        rows = []
        for i, pert in enumerate(PERTS):
            tested = pert in TESTED[line]
            for j, gene in enumerate(READOUTS):
                label = POISON if tested else (i + j) % 2
                rows.append((pert, gene, label, "test" if tested else "train"))
        table = pd.DataFrame(rows, columns=["pert", "gene", "label", "split"])
        table.to_csv(root / "perturbqa" / f"{line.lower()}-de.csv", index=False)
        table[table.label > 0].to_csv(root / "perturbqa" / f"{line.lower()}-dir.csv", index=False)
    # Every perturbation in its own line as well, some under the approved, some the older symbol.
    sets = [
        (line, pert, gene, 1)
        for line in ("K562", "RPE1")
        for pert in ("AARS1", *PERTS, "NEW1")
        for gene in READOUTS[:2]
    ]
    pd.DataFrame(sets, columns=["cell_line", "target", "gene", "sign"]).to_parquet(
        root / "perturbseq" / "replogle_signed_sets_train.parquet"
    )
    studies = [
        (f"{study}_2016_curated", pert, READOUTS[3], -2.0)
        for study in ("adamson", "datlinger")
        for pert in PERTS
    ]
    pd.DataFrame(studies, columns=["study_id", "perturbation", "gene", "log2fc"]).to_parquet(
        root / "perturbseq" / "adamson_datlinger_significant_train.parquet"
    )
    return root


def forbidden(line):
    return {"AARS1" if pert == "AARS" else pert for pert in TESTED[line]}


def seen(rows, screens, line):
    here = rows.line == CELL_LINES.index(line)
    return {screens.perturbations[i] for i in np.unique(rows.pert[here])}


def test_no_test_row_is_a_training_row(folder, symbols):
    screens = read_training(folder, symbols)
    assert POISON not in {*screens.rows.de, *screens.rows.up}
    for line in CELL_LINES:
        assert not forbidden(line) & seen(screens.rows, screens, line)
        assert "P05" in seen(screens.rows, screens, line)


@pytest.mark.parametrize("setting", ["multi", "extended"])
def test_multi_and_extended_keep_a_test_perturbations_rows_of_other_lines(
    folder, symbols, corpus, setting
):
    mine = replace(corpus, screens=read_training(folder, symbols), symbols=symbols)
    (unit,) = units(setting, CELL_LINES)
    assert visible_rows(mine, folder, setting, unit).all()
    assert "AARS1" in seen(mine.screens.rows, mine.screens, "RPE1")


@pytest.mark.parametrize("line", CELL_LINES)
def test_strict_hides_a_test_perturbations_rows_in_every_line(folder, symbols, corpus, line):
    screens = read_training(folder, symbols)
    mine = replace(corpus, screens=screens, symbols=symbols)
    visible = visible_rows(mine, folder, "strict", Unit(line, (line,)))
    rows = screens.rows.take(visible)
    for other in CELL_LINES:
        expected = {"AARS1", *PERTS[1:]} - forbidden(other) - forbidden(line)
        assert seen(rows, screens, other) == expected


def test_hidden_rows_have_no_say_in_any_prediction(corpus, quick):
    rows = corpus.screens.rows
    visible = ~np.isin(rows.pert, [3, 4])
    table = pd.DataFrame(
        [(pert, gene, "RPE1") for pert in ("P003", "P004") for gene in corpus.screens.readouts],
        columns=["pert", "gene", "cell_line"],
    )
    flipped = replace(rows, de=np.where(visible, rows.de, 1 - rows.de))
    other = replace(corpus, screens=replace(corpus.screens, rows=flipped))
    said = [
        fit_model(world, replace(quick, setting="strict"), None, silent, visible).predict(table)
        for world in (corpus, other)
    ]
    pd.testing.assert_frame_equal(*said)


def test_no_set_of_a_lines_own_test_perturbations_is_read(folder, symbols):
    rows = read_set_rows(folder, symbols)
    for line, part in rows.groupby("cell_line"):
        assert not forbidden(line) & set(part.pert)
    assert {"P01", "AARS1"} <= set(rows.pert[rows.cell_line == "RPE1"])
    assert not rows.duplicated(["cell_line", "pert", "gene"]).any()


def test_sets_bring_perturbations_that_no_training_row_has(folder, symbols):
    screens = read_training(folder, symbols).with_perturbations(["NEW1"])
    sets = signed_sets(read_set_rows(folder, symbols), screens)
    new = screens.perturbations.index("NEW1")
    assert sets.measured[:, new].tolist() == [True, True, False, False]
    assert sets.members[0][new].sum() == 2
    before = read_training(folder, symbols)
    words = np.array(before.perturbations)[before.rows.pert]
    assert (np.array(screens.perturbations)[screens.rows.pert] == words).all()


def random_sets(corpus, rng):
    from scipy import sparse

    shape = (len(corpus.screens.perturbations), len(corpus.screens.readouts))
    members = [
        sparse.csr_array((rng.choice([-1, 0, 0, 1], shape)).astype(np.float32)) for _ in CELL_LINES
    ]
    return SignedSets(tuple(members), np.ones((len(CELL_LINES), shape[0]), np.bool_))


def test_the_set_of_a_held_out_perturbation_never_reaches_its_own_features(corpus):
    rng = np.random.default_rng(5)
    run = TrainingSettings(setting="extended", folds=3, rank=4)
    world = replace(corpus, sets=random_sets(corpus, rng))
    rows = corpus.screens.rows
    fold, before, names = held_out_features(world, rows, run, None, silent)
    assert set(SET_FEATURES) <= set(names)
    hidden = rows.take(fold == 1)
    other = random_sets(corpus, rng)
    hide = np.zeros(other.measured.shape, np.bool_)
    hide[hidden.line, hidden.pert] = True
    mixed = [
        np.where(gone[:, None], new.toarray(), old.toarray())
        for gone, new, old in zip(hide, other.members, world.sets.members, strict=True)
    ]
    poisoned = replace(world.sets, members=tuple(map(type(other.members[0]), mixed)))
    _, after, _ = held_out_features(replace(world, sets=poisoned), rows, run, None, silent)
    np.testing.assert_array_equal(before[fold == 1], after[fold == 1])
    assert not np.array_equal(before[fold != 1], after[fold != 1], equal_nan=True)


@pytest.mark.parametrize("setting", ["strict", "extended"])
def test_shuffled_labels_give_chance_in_every_setting(shuffled_corpus, quick, setting):
    world = shuffled_corpus
    if setting == "extended":
        world = replace(world, sets=random_sets(world, np.random.default_rng(2)))
    fitted = fit_model(world, replace(quick, setting=setting), None, silent)
    rows, held = fitted.rows, fitted.held_out
    for label, score in ((rows.de, held.changed), (rows.up, held.up)):
        use = label != UNKNOWN
        group = (held.fold * 1000 + rows.readout) * len(CELL_LINES) + rows.line
        assert macro_auroc(group[use], label[use], score[use]) == pytest.approx(0.5, abs=0.06)
