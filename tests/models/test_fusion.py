import json

import numpy as np
import pandas as pd
import pytest

from knowledge.errors import DataError
from models.fusion import Fusion, balance, logit, strength
from models.fusion.train import fit_head, train


@pytest.fixture
def held_out(tmp_path):
    """Held-out predictions of a model that knows nothing; KEAP1 moves its textbook targets up."""
    rng = np.random.default_rng(0)
    rows = []
    for line in ("K562", "RPE1", "HepG2", "Jurkat"):
        for pert in ("KEAP1", "NFE2L2", "MCM2", "CDC7", "TFAM", "PSMD1"):
            for gene in ("NQO1", "GCLM", "TXNRD1", "SRXN1", "ACTB", "GAPDH", "TUBB", "EEF2"):
                hit = gene in ("NQO1", "GCLM", "TXNRD1", "SRXN1") and pert in ("KEAP1", "NFE2L2")
                changed = hit if rng.random() > 0.02 else not hit
                rows.append(("de", pert, gene, line, int(changed), 0.5))
                up = (pert == "KEAP1") if hit else rng.random() > 0.5
                rows.append(("dir", pert, gene, line, int(up), 0.5))
    table = pd.DataFrame(rows, columns=["task", "pert", "gene", "cell_line", "label", "p"])
    table.to_parquet(tmp_path / "held_out.parquet")
    return tmp_path / "held_out.parquet"


def test_the_cascade_is_learnt_where_it_tells_what_the_model_does_not(held_out, tmp_path):
    scores = train(held_out, tmp_path / "no-data", tmp_path / "heads")
    assert scores["starter"]["de"]["log_loss_fused"] < scores["starter"]["de"]["log_loss_response"]
    assert scores["starter"]["dir"]["auroc_with_path_fused"] > 0.7
    fusion = Fusion.load("starter", tmp_path / "heads")
    path, none = np.array([0.4]), np.array([0.0])
    assert (
        fusion.p_up(np.array([0.5]), path, none)
        > 0.8
        > 0.2
        > fusion.p_up(np.array([0.5]), none, path)
    )
    assert fusion.p_de(np.array([0.5]), path, none) > fusion.p_de(np.array([0.5]), none, none)
    record = json.loads((tmp_path / "heads" / "training.json").read_text())
    assert len(record["held_out_sha256"]) == 64


def test_an_uninformative_cascade_gets_no_weight():
    rng = np.random.default_rng(1)
    p = rng.random(20_000)
    label = (rng.random(20_000) < p).astype(float)
    head = fit_head(rng.normal(size=20_000), label, p)
    assert abs(head.cascade) < 0.05
    assert head.response == pytest.approx(1, abs=0.05)


def test_a_rare_cascade_is_weighed_as_if_it_were_common():
    rng = np.random.default_rng(2)
    x = np.where(rng.random(200_000) < 0.002, 0.5, 0.0)
    p = np.full(200_000, 0.1)
    label = (rng.random(200_000) < np.where(x > 0, 0.6, 0.1)).astype(float)
    assert fit_head(x, label, p).probability(np.array([0.1]), np.array([0.5])) == pytest.approx(
        0.6, abs=0.08
    )


def test_where_the_model_abstains_the_cascade_answers_alone():
    fusion = Fusion.load("starter")
    unknown, path, none = np.array([np.nan]), np.array([0.3]), np.array([0.0])
    assert fusion.p_up(unknown, path, none) > 0.7
    assert fusion.p_de(unknown, path, none) > fusion.p_de(unknown, none, none)


def test_strength_and_balance_are_signed_and_symmetric():
    up, down = np.array([0.36, 0.0]), np.array([0.0, 0.36])
    assert strength(up, down).tolist() == pytest.approx([0.6, 0.6])
    assert balance(up, down).tolist() == pytest.approx([0.6, -0.6])
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_damaged_heads_and_tables_are_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json cannot be read"):
        Fusion.load("starter", tmp_path)
    with pytest.raises(DataError, match="no table of held-out predictions"):
        train(tmp_path / "nothing.parquet", tmp_path, tmp_path)
