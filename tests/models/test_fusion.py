"""One posterior from response model, paths and habits; each has its say where it has earned it."""

import numpy as np
import pandas as pd
import pytest

from knowledge.errors import DataError
from models.checkpoint import read_checkpoint, write_checkpoint
from models.fusion import WEIGHTS, Fusion, PathKind, Support, balance, logit, strength
from models.fusion.checkpoint import FORMAT, stored_habit, to_store
from models.fusion.edge_trust import fit_edge_trust, measured_signs
from models.fusion.habit import LossHabit
from models.fusion.posterior import features
from models.fusion.regulator_sets import consensus, read_regulator_sets
from models.fusion.rows import Rows
from models.fusion.train import cross_fitted, fit_head, folds_of


def support(n=1, **values):
    """Return `n` pairs about which nothing speaks but `values`."""
    silent = {"p_de": np.nan, "p_up": np.nan, "known": False, "essential": 0.0,
              "regulator": False, "up": 0.0, "down": 0.0, "kind": PathKind.NONE,
              "habit": 0.0}  # fmt: skip
    return Support(**{name: np.full(n, v) for name, v in {**silent, **values}.items()})


def rows(told, label, group):
    n = len(label)
    names = np.array(group)
    table = pd.DataFrame({"pert": names, "gene": "G", "cell_line": "K562", "setting": "strict"})
    return Rows(told, np.array(label), np.ones(n), names, np.ones(n, bool), table)


LIKE_ITS_KIN = {"p_de": 0.9, "p_up": 0.9}
LOWERED = {"down": 0.54, "kind": PathKind.DIRECT}


@pytest.mark.parametrize("scope", ["starter", "full"])
def test_a_curated_path_wins_against_mere_likeness_of_a_regulator(scope):
    fusion = Fusion.load(scope)
    likeness = support(**LIKE_ITS_KIN, regulator=True)
    assert fusion.p_up(likeness)[0] > 0.5
    assert fusion.p_up(support(**LIKE_ITS_KIN, **LOWERED, regulator=True))[0] < 0.25


@pytest.mark.parametrize("scope", ["starter", "full"])
def test_likeness_says_more_about_an_essential_gene_than_about_a_regulator(scope):
    fusion = Fusion.load(scope)
    essential = fusion.p_up(support(**LIKE_ITS_KIN, essential=1.0))[0]
    regulator = fusion.p_up(support(**LIKE_ITS_KIN, regulator=True))[0]
    assert essential > 0.85 > regulator


@pytest.mark.parametrize("scope", ["starter", "full"])
def test_what_a_screen_measured_of_a_perturbation_keeps_its_weight(scope):
    fusion = Fusion.load(scope)
    p = np.array([0.02, 0.3, 0.8, 0.99])
    known = support(4, known=True)
    told = Support(**{**{f: getattr(known, f) for f in known.__slots__}, "p_up": p, "p_de": p})
    assert fusion.p_up(told) == pytest.approx(p, abs=0.06)
    assert fusion.p_de(told) == pytest.approx(p, abs=0.06)


def test_without_a_screen_there_is_a_direction_and_no_number():
    fusion = Fusion.load("starter")
    alone = support(**LOWERED)
    assert np.isnan(fusion.p_de(alone)[0])
    assert fusion.p_up(alone)[0] < 0.2


def test_an_activation_turns_the_habit_round():
    fusion = Fusion.load("starter")
    usual = fusion.p_up(support(habit=1.0))[0]
    assert usual > 0.5 > fusion.p_up(support(habit=-1.0))[0]


def test_an_uninformative_path_gets_no_weight():
    rng = np.random.default_rng(1)
    p = rng.random(20_000)
    noise = rng.random(20_000)
    told = support(20_000, known=True, kind=PathKind.DIRECT)
    told = Support(**{**{f: getattr(told, f) for f in told.__slots__}, "p_up": p,
                      "up": noise, "down": rng.permutation(noise)})  # fmt: skip
    label = (rng.random(20_000) < p).astype(int)
    head = fit_head(rows(told, label, [f"P{i % 50}" for i in range(20_000)]), "up")
    assert abs(head.weights["path_direct"]) < 0.1


def test_cross_fitted_probabilities_know_nothing_of_their_own_perturbation():
    # Within each perturbation every row is alike: held out, nothing tells one from the other.
    n = 2_000
    group = [f"P{i % 40}" for i in range(n)]
    label = [int(name[1:]) % 2 for name in group]
    told = support(n, known=True, p_up=0.5)
    assert cross_fitted(rows(told, label, group), "up").std() < 0.05
    fold = folds_of(np.array(group))
    assert len({(g, f) for g, f in zip(group, fold.tolist(), strict=True)}) == 40


def test_every_feature_is_zero_where_nothing_speaks():
    for task in ("de", "up"):
        found = features(support(known=True), task)
        assert all(values[0] == 0 for values in found.values())


def test_strength_and_balance_are_signed_and_symmetric():
    up, down = np.array([0.36, 0.0]), np.array([0.0, 0.36])
    assert strength(up, down).tolist() == pytest.approx([0.6, 0.6])
    assert balance(up, down).tolist() == pytest.approx([0.6, -0.6])
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_habits_survive_saving_and_unknown_genes_have_none(tmp_path):
    kept = LossHabit(("A", "B"), np.array([0.5, -0.25]), frozenset({"B"}))
    heads = read_checkpoint(WEIGHTS, FORMAT).config
    write_checkpoint(tmp_path, FORMAT, to_store(heads, kept), {})
    found = stored_habit(read_checkpoint(tmp_path, FORMAT))
    assert found.regulators == {"B"}
    assert found.log_odds(["B", "A", "C"]).tolist() == pytest.approx([-0.511, 1.099, 0], abs=1e-3)


def test_a_database_is_trusted_as_far_as_measured_signs_bear_it_out():
    from knowledge.schema import Edge

    rng = np.random.default_rng(0)
    edges, measured = [], []
    for i in range(400):
        gene = f"G{i}"
        for database, right in (("starter:x", 0.95), ("Good", 0.85), ("Coin", 0.5)):
            source = f"{database}-TF{i % 20}"
            edges.append(Edge(source=source, target=gene, effect="activates",
                              mechanism="transcription", database=database))  # fmt: skip
            measured.append((source, gene, -2 if rng.random() < right else 2, 2))
    votes = pd.DataFrame(measured, columns=["regulator", "gene", "votes", "studies"])
    nothing = pd.DataFrame({"pert": [], "gene": [], "label": []})
    trust, found = fit_edge_trust(edges, measured_signs(votes, nothing))
    good, coin = (
        [edge for edge in edges if edge.database == name][:1] for name in ("Good", "Coin")
    )
    assert found["Good+ right"] == pytest.approx(0.85, abs=0.05)
    assert trust.of(good) > 0.5 > 0.2 > trust.of(coin)


def test_votes_are_counted_by_study_and_gains_count_the_other_way(tmp_path):
    from knowledge.starter import load_starter
    from knowledge.symbols import SymbolTable

    folder = tmp_path / "regulators"
    folder.mkdir()
    columns = ["library", "term", "regulator", "kind", "species", "study", "gene", "sign"]
    told = [
        ("tf", "t1", "TP53", "KO", "human", "GSE1", "CDKN1A", -1),
        ("tf", "t2", "TP53", "OE", "mouse", "GSE2", "CDKN1A", 1),
        ("tf", "t2", "TP53", "OE", "mouse", "GSE2", "TP53", 1),
        # The regulator's own transcript rises after its knockdown: the contrast is the wrong way.
        ("tf", "t3", "TP53", "KD", "human", "GSE3", "CDKN1A", 1),
        ("tf", "t3", "TP53", "KD", "human", "GSE3", "TP53", 1),
        ("tf", "t4", "TP53", "MUT", "human", "GSE4", "CDKN1A", 1),
        ("tf", "t5", "TP53", "KO", "human", "GSE5", "NOSUCHGENE", 1),
    ]
    pd.DataFrame(told, columns=columns).to_parquet(folder / "regulator_perturbation_sets.parquet")
    found = consensus(read_regulator_sets(tmp_path, SymbolTable(load_starter().genes)))
    assert found.to_dict("records") == [
        {"regulator": "TP53", "gene": "CDKN1A", "votes": -2, "studies": 2}
    ]
    with pytest.raises(DataError, match="knockwise data pull"):
        read_regulator_sets(tmp_path / "nowhere", SymbolTable(()))
