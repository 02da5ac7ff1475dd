"""Rows of one's own stand beside the training rows: they vote, are looked up, train nothing."""

import numpy as np
import pytest

from models.response import ResponseModel
from models.response.own_rows import OwnRows, Words

PAIRS = (
    ("SEL1L", "DDIT3", 1), ("SEL1L", "ASNS", 0), ("OR2T8", "DDIT3", 2), ("OR2T8", "OR2T8", 1),
    ("NOTAGENE", "DDIT3", 1), ("SEL1L", "DDIT3", 2),
)  # fmt: skip


def screen(name, cell_line, pairs=PAIRS):
    perts, readouts, outcomes = zip(*pairs, strict=True)
    return OwnRows(name, cell_line, Words.of(perts), Words.of(readouts), np.array(outcomes))


@pytest.fixture(scope="module")
def plain():
    return ResponseModel.load()


@pytest.fixture(scope="module")
def joined():
    return ResponseModel.load(screens=[screen("mine", "K562")])


def test_the_last_row_of_a_pair_counts_and_unknown_genes_are_left_out(joined):
    assert joined.measured("SEL1L", "DDIT3", "K562") == "up"
    assert joined.measured("SEL1L", "ASNS", "K562") == "unchanged"
    assert joined.measured("OR2T8", "OR2T8", "K562") is None
    assert joined.own_screen("SEL1L", "DDIT3", "K562") == "mine"
    assert joined.own_screen("SEL1L", "DDIT3", "RPE1") == ""


def test_priors_and_what_was_trained_stay_as_they_were(plain, joined):
    mine, theirs = joined.habit("K562"), plain.habit("K562")
    moved = {gene for gene in theirs if mine[gene] != pytest.approx(theirs[gene], abs=1e-4)}
    assert moved <= {"DDIT3", "ASNS"}  # a row of theirs gave way to one of ours
    assert joined.version == plain.version
    far = [one.predict(["RPL5"], ["GAPDH"], "HepG2")[0].p_de for one in (plain, joined)]
    assert far[0] == pytest.approx(far[1], abs=0.02)


def test_a_perturbation_that_nobody_measured_before_becomes_a_relative(plain, joined):
    assert plain.ground("OR2T8").known is False
    assert joined.ground("OR2T8").known is True
    changed, _ = joined.analogues("OR2T29", "DDIT3", "K562", 50)
    assert "OR2T8" in {one.perturbation for one in changed}


def test_rows_of_a_line_that_the_model_has_not_are_left_alone(plain):
    other = ResponseModel.load(screens=[screen("mine", "A549")])
    assert other.screens == ("mine ",)
    assert len(other._rows) == len(plain._rows)
