"""Single cells: summed by sample where samples are named, tested with a warning where not."""

import numpy as np
import pandas as pd
import pytest

from knowledge.errors import QuestionError
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from tools.counts.cells import cell_test, checked, pseudotime
from tools.counts.contrast import Wanted
from tools.counts.reading import Cells, Request, read

anndata = pytest.importorskip("anndata")
pytest.importorskip("scanpy")
GENES = ["CA9", *(f"GENE{i}" for i in range(118)), "MT-CO1"]
SYMBOLS = SymbolTable([Gene(symbol=name) for name in GENES])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    rng = np.random.default_rng(0)
    sample = np.repeat(["s1", "s2", "s3", "s4"], 60)
    treated = np.isin(sample, ["s3", "s4"])
    mean = np.tile(rng.gamma(2.0, 1.5, len(GENES)) + 0.3, (240, 1))
    mean[treated, 0] *= 6
    mean[:, -1] = 0.5
    mean[:5, -1] = 500.0
    data = anndata.AnnData(rng.poisson(mean).astype(np.float32))
    data.var_names = GENES
    data.obs_names = [f"cell{i}" for i in range(240)]
    data.obs["sample"] = pd.Categorical(sample)
    data.obs["treatment"] = pd.Categorical(np.where(treated, "drug", "control"))
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    data.write_h5ad(path)
    return path


def test_counts_are_summed_by_sample_and_dying_cells_are_left_out(file):
    given = read(Request(counts=file, cells=Cells(sample="sample")), SYMBOLS, dict)
    assert list(given.counts.columns) == ["s1", "s2", "s3", "s4"]
    assert given.design.words == "drug against control"
    assert any("235 of 240 cells pass" in note for note in given.notes)
    assert any("samples, not cells, are the replicates" in note for note in given.notes)
    assert any(one.name == "replicates" for one in given.samples.checks)


def test_cells_without_samples_are_tested_with_a_warning(file):
    given = read(Request(counts=file, wanted=Wanted(contrast="drug vs control")), SYMBOLS, dict)
    assert "cells of one sample are no replicates" in given.samples.checks[0].text
    table = cell_test(given.cells, given.design, given.names, 0.05, 0.0)
    assert (table.iloc[0]["gene"], table.iloc[0]["call"]) == ("CA9", "up")
    assert 1.5 < table.iloc[0]["log2_fold_change"] < 3.5


def test_pseudotime_begins_at_the_controls(file):
    given = read(Request(counts=file, wanted=Wanted(contrast="drug vs control")), SYMBOLS, dict)
    table, notes = pseudotime(given.cells, "control", "treatment")
    assert len(table) == given.cells.data.n_obs
    assert table["pseudotime"].between(0, 1).all()
    first = table.loc[table["pseudotime"].idxmin(), "group"]
    assert first == "control"
    assert "no time" in notes[0]


def test_normalised_cells_are_refused(file, tmp_path):
    data = anndata.read_h5ad(file)
    data.X = np.log1p(data.X)
    data.write_h5ad(tmp_path / "log.h5ad")
    with pytest.raises(QuestionError, match="no whole numbers in X"):
        read(Request(counts=tmp_path / "log.h5ad"), SYMBOLS, dict)
    assert checked(anndata.read_h5ad(file), None, "x").data.n_obs == 235
