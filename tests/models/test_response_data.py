"""Reading the real screens; needs the mirror."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from knowledge.sources.genes import read_symbols, sources_root
from models.inputs.annotations import FILES
from models.inputs.screens import CELL_LINES, SCREEN_FILES, approve, read_training
from models.inputs.screens import tested_perturbations as hidden_perturbations
from models.response import ResponseModel
from models.response.signed_sets import read_set_rows

pytestmark = pytest.mark.data

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def root():
    return sources_root(Path(os.environ.get("KNOCKWISE_MIRROR", DEFAULT)))


@pytest.fixture(scope="module")
def symbols(root):
    return read_symbols(root)


def test_every_declared_source_exists(root):
    assert [name for name in (*SCREEN_FILES, *FILES) if not (root / name).is_file()] == []


def test_no_test_row_is_read_for_training(root, symbols):
    screens = read_training(root, symbols)
    rows = screens.rows
    for line, name in enumerate(CELL_LINES):
        tested = hidden_perturbations(root, name, symbols)
        here = np.unique(rows.pert[rows.line == line])
        assert not tested & {screens.perturbations[i] for i in here}


def test_the_shipped_weights_hold_training_rows_only(root, symbols):
    model = ResponseModel.load()
    for line in CELL_LINES:
        with (root / "perturbqa" / f"{line.lower()}-de.csv").open(encoding="utf-8") as lines:
            pairs = [
                (approve(row["pert"], symbols), approve(row["gene"], symbols), row["split"])
                for row in csv.DictReader(lines)
            ]
        for pert, gene, split in pairs[:: len(pairs) // 400]:
            assert (model.measured(pert, gene, line) is not None) == (split == "train")


def test_no_signed_set_of_a_lines_own_test_perturbations_is_read(root, symbols):
    rows = read_set_rows(root, symbols)
    for line, part in rows.groupby("cell_line"):
        assert not hidden_perturbations(root, str(line), symbols) & set(part.pert)
    assert set(rows.cell_line) == {"K562", "RPE1", "Jurkat"}
