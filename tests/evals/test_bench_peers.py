"""Peers are run on the same rows as us, and told as ratios to us."""

import numpy as np
import pytest
from rich.console import Console

from evals import bench_peers
from evals.bench_peers import GEARS, OURS, compared
from models.expression import genes as features_of
from models.expression import mirror
from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen

GENES = tuple(f"G{number:02}" for number in range(40))


@pytest.fixture
def world(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 6))
    response = vectors @ rng.normal(size=(6, 50)) + 0.1 * rng.normal(size=(40, 50))

    def screen(context):
        return ExpressionScreen(
            context=context,
            kind="knockdown",
            unit="sign",
            readouts=tuple(f"R{number}" for number in range(50)),
            perturbations=tuple((gene,) for gene in GENES),
            response=response.astype(np.float32),
            baseline=None,
            cells=np.ones(40, int),
        )

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    features = GeneFeatures(GENES, unit.astype(np.float32))
    monkeypatch.setattr(mirror, "read_contexts", lambda data, names: [screen(n) for n in names])
    monkeypatch.setattr(features_of, "gene_features", lambda data, also: features)
    monkeypatch.setattr(bench_peers, "LEAST_PERTURBATIONS", 10)
    monkeypatch.setattr(bench_peers, "LEAST_READOUTS", 12)
    # A process for each would only repeat the imports here.
    monkeypatch.setattr(bench_peers, "_measured", bench_peers._fitted)
    return tmp_path


def test_all_are_run_on_the_same_rows_and_grown(world):
    console = Console(width=160, record=True)
    records = compared(world, world, console)
    told = console.export_text()
    assert "GEARS is left out" in told
    assert "norman: 32 perturbations learnt from" in told
    peers = {record["peer"] for record in records}
    assert OURS in peers
    assert GEARS not in peers
    assert len(peers) == 4
    rows = [record["rows"] for record in records if record["peer"] == OURS]
    assert rows == [
        "norman", "1x perturbations (10)", "2x perturbations (20)", "4x perturbations (40)",
        "2x readouts (24)", "4x readouts (48)",
    ]  # fmt: skip
    assert all(record["memory_mib"] > 0 and record["error"] > 0 for record in records)
