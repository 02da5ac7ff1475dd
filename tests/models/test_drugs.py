"""The drug model: held-out drugs are told from relatives, never from themselves or their names."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge.drugs import Drug
from knowledge.errors import DataError, QuestionError
from models.checkpoint import read_checkpoint, write_checkpoint
from models.drugs.checkpoint import FORMAT
from models.drugs.features import Described, Likeness, by_mode, has_relative, parents
from models.drugs.held_out import agreement, aurocs, folds, held_out, within_gene
from models.drugs.levels import levels, packed, unpacked, words
from models.drugs.model import DrugModel, spellings
from models.drugs.screens import Context, read_screens
from models.drugs.wells import without_wells
from tests import drug_world as world


def test_held_out_drugs_are_told_from_relatives_and_not_from_exchanged_features():
    learner = world.learner()
    split = folds(np.arange(16), 0)
    direction, change = within_gene(learner.screen, held_out(learner, split))
    assert direction > 0.9
    assert change > 0.6
    order = np.random.default_rng(1).permutation(16)
    shuffled, _ = within_gene(learner.screen, held_out(world.learner(order=order), split))
    assert shuffled < direction - 0.2


def test_a_mode_of_action_that_is_held_out_whole_is_not_told():
    learner = world.learner()
    names = learner.screen.drugs
    split = folds(by_mode(learner.described, names), 0, 2)
    assert all(len(fold.held) == 8 for fold in split)
    direction, _ = within_gene(learner.screen, held_out(learner, split))
    assert direction < 0.65


def test_a_drugs_own_rows_never_enter_its_prediction():
    one = world.screen()
    told = world.model(one).predict("vorinostat", world.GENES, "OP3-T")
    changed = tuple(
        Context(c.name, c.genes, np.where(np.arange(16)[:, None] == 0, 17 - c.levels, c.levels))
        for c in one.contexts
    )
    again = world.model(replace(one, contexts=changed)).predict("vorinostat", world.GENES, "OP3-T")
    assert one.drugs[0] == "vorinostat"
    assert [e.p_up for e in told.effects] == [e.p_up for e in again.effects]
    assert all(e.measured for e in told.effects)


def test_a_drug_that_was_never_measured_is_told_from_its_relatives():
    model = world.model()
    told = model.predict("Givinostat (hydrochloride)", world.GENES, "t cells")
    assert (told.drug, told.context, told.in_scope) == ("givinostat", "OP3-T", True)
    truth = world.screen().contexts[0].levels[world.screen().drugs.index("givinostat")]
    p_up = np.array([e.p_up for e in told.effects])
    assert p_up[truth <= 2].mean() > p_up[truth >= 14].mean() + 0.2
    assert all(e.interval.low <= e.p_de <= e.interval.high for e in told.effects)
    assert not any(e.measured for e in told.effects)
    near = model.relatives("givinostat", "OP3-T", "G1", 3)
    assert {one.drug for one in near} == {"vorinostat", "panobinostat", "entinostat"}
    assert all(one.shares == ("HDAC1",) and one.did for one in near)


def test_an_unknown_drug_gets_what_drugs_usually_do_and_is_out_of_scope():
    model = world.model()
    told = model.predict("no such compound", ["G1", "nowhere"], "op3_b")
    assert not told.in_scope
    assert "no table has the drug" in told.reason
    assert told.effects[0].p_up is not None
    assert told.effects[1].p_up is None
    assert "not read in OP3-B" in told.effects[1].reason
    alone = model.predict(Drug(name="odd", modes=("something else",)), ["G1"], "OP3-B")
    assert not alone.in_scope
    with pytest.raises(QuestionError, match="RPE1"):
        model.predict("vorinostat", ["G1"], "RPE1")


def test_a_stored_model_predicts_the_same_and_a_cut_one_is_refused(tmp_path):
    write_checkpoint(tmp_path / "w", FORMAT, world.checkpoint(), {})
    loaded = DrugModel.load(tmp_path / "w")
    told = loaded.predict("givinostat", world.GENES, "OP3-T")
    assert told == world.model().predict("givinostat", world.GENES, "OP3-T")
    assert read_checkpoint(tmp_path / "w", FORMAT).version == loaded.version
    (tmp_path / "w" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match="train drugs"):
        DrugModel.load(tmp_path / "w")


def test_levels_keep_the_ends_and_two_fit_a_byte():
    share = np.array([[0.0, 0.03, 0.5, np.nan, 1.0]])
    table = levels(share)
    assert table.tolist() == [[1, 2, 8, 0, 15]]
    assert packed(table).shape == (1, 3)
    assert (unpacked(packed(table), 5) == table).all()
    assert words(1) == "among the 1% raised most"
    assert words(14) == "among the 5% lowered most"


def test_auroc_of_columns_is_the_share_of_pairs_in_order():
    score = np.array([[3.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
    positive = np.array([[1, 1], [0, 0], [0, 0]], bool)
    negative = np.array([[0, 0], [1, 1], [1, 0]], bool)
    assert aurocs(score, positive, negative).tolist() == [1.0, 0.5]


def test_salts_and_analogues_are_held_out_with_their_parent():
    bits = np.zeros(2048, np.uint8)
    bits[:40] = 1
    close = bits.copy()
    close[40] = 1
    known = [Described.of(None, None)._replace(bits=one) for one in (bits, close, bits * 0)]
    assert parents([*known, known[2]], ["a", "b", "c", "c"]).tolist() == [0, 0, 1, 1]


def test_names_count_for_nothing_and_what_is_rare_counts_most():
    described = world.learner().described
    like = Likeness(described).between()
    assert like[0, 1] > 2.9 > 0.1 > like[0, 5]
    assert has_relative(described).all()


def test_agreement_between_cells_is_high_for_a_drug_that_does_something():
    assert agreement(world.screen()).min() > 0.2


def test_the_wells_artefact_is_taken_out_where_inert_drugs_show_it():
    rng = np.random.default_rng(0)
    artefact = np.outer(rng.normal(size=30), rng.normal(size=200)) * 3
    shares = []
    for _ in range(2):
        value = rng.normal(size=(30, 200)) + artefact
        shares.append(np.argsort(np.argsort(-value, axis=1), axis=1) / 199)

    def alike(lines):
        return np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*lines, strict=True)])

    cleaned = without_wells(shares, ["p"] * 30, np.arange(30) < 20)
    assert alike(shares) > 0.5 > 0.2 > alike(cleaned)


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("Alvespimycin (17-DMAG) HCl", "alvespimycin"),
        ("Quisinostat (JNJ-26481585) 2HCl", "quisinostat"),
        ("Proscillaridin A;Proscillaridin-A", "proscillaridin a"),
        ("ABT-199 (GDC-0199)", "GDC-0199"),
    ],
)
def test_a_name_is_tried_without_salts_brackets_and_second_names(written, word):
    assert word in spellings(written)


def test_a_folder_without_drugs_is_refused(tmp_path):
    with pytest.raises(DataError, match="pull drugs"):
        read_screens(tmp_path, None, {})
