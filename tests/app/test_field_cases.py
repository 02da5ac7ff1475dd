"""The tables of the field cases, as they were reported, with the genes that Knockwise ships."""

import pytest

from app.jobs.pairs import read_pairs
from knowledge.errors import QuestionError

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def knowledge(data_mirror):
    from knowledge.base import load_knowledge
    from models.response import ResponseModel

    return load_knowledge(data_mirror / "none", ResponseModel.load().genes())


@pytest.fixture(scope="module")
def inputs(data_mirror):
    folder = data_mirror / "field" / "inputs"
    if not folder.is_dir():
        pytest.skip("the mirror has no field cases")
    return folder


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("bom_crlf.csv", ("HSPA5", "DDIT3", "K562")),
        ("blanks.csv", ("HSPA5", "DDIT3", "K562")),
        ("caps.csv", ("HSPA5", "DDIT3", "K562")),
        ("dup.csv", ("HSPA5", "DDIT3", "K562")),
        ("extra.csv", ("HSPA5", "DDIT3", "K562")),
        ("index.csv", ("HSPA5", "DDIT3", "K562")),
        ("many.csv", ("HSPA5", "DDIT3", "K562")),
        ("semicolon.csv", ("HSPA5", "DDIT3", "K562")),
        ("space.csv", ("HSPA5", "DDIT3", "K562")),
        ("versioned.csv", ("TP53", "CDKN1A", "RPE1")),
    ],
)
def test_a_table_is_read_as_it_is_meant(knowledge, inputs, name, first):
    asked = read_pairs(inputs / name, knowledge, "knockdown")
    perturbation = asked.perturbations[asked.which[0]]
    assert ("+".join(perturbation.genes), asked.genes[asked.gene[0]], perturbation.cell_line) == (
        first
    )
    assert not asked.unknown
    assert all(len(one.genes) == 1 for one in asked.perturbations)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gears.csv", ["1 of 3 rows", "'ctrl' is a control label"]),
        ("na2.csv", ["line 2", "'NA' is a missing value", "'NaN' is a missing value"]),
        ("excel.csv", ["'1-Mar' is a date made by Excel", "SEPTIN2?"]),
        ("guides.csv", ["4 of 8 rows", "'AAVS1' is a safe-harbour control locus"]),
        ("gene_summary.txt", ["a gene summary of MAGeCK", "knockwise predict --pert"]),
    ],
)
def test_a_table_that_cannot_be_used_is_told_why(knowledge, inputs, name, words):
    with pytest.raises(QuestionError) as caught:
        read_pairs(inputs / name, knowledge, "knockdown")
    for word in words:
        assert word in str(caught.value)


def test_a_gene_beside_a_control_is_kept_alone(knowledge, inputs):
    asked = read_pairs(inputs / "gears.csv", knowledge, "knockdown", skip_unknown=True)
    assert [one.genes for one in asked.perturbations] == [("TP53",), ("MDM2",)]
    assert list(asked.unknown) == [2]


def test_guides_are_read_as_their_genes(knowledge, inputs):
    asked = read_pairs(inputs / "guides.csv", knowledge, "knockdown", skip_unknown=True)
    assert [one.genes for one in asked.perturbations] == [("TP53",)]
    assert list(asked.unknown) == [4, 5, 6, 7]


def test_mouse_genes_are_said_to_be_mouse(knowledge, inputs):
    told = []
    read_pairs(
        inputs / "mouse.csv",
        knowledge,
        "knockdown",
        skip_unknown=True,
        orthologues=lambda: {"Trp53": "TP53"},
        tell=told.append,
    )
    assert any("spelt like mouse genes" in note for note in told)
