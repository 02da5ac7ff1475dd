import pytest

from knowledge.errors import DataError
from knowledge.ontology import GeneOntology
from knowledge.parsers.hgnc import read_hgnc
from knowledge.symbols import SymbolTable


@pytest.fixture
def ontology(tiny_mirror):
    symbols = SymbolTable(read_hgnc(tiny_mirror / "hgnc.txt"))
    return GeneOntology.from_files(
        tiny_mirror / "go-basic.txt", tiny_mirror / "goa-human.txt", symbols
    )


def test_ancestors_follow_is_a_and_part_of_but_not_regulates(ontology):
    assert ontology.ancestors("GO:0000004") == {"GO:0000003", "GO:0000002", "GO:0000001"}
    assert ontology.parents("GO:0000004") == ("GO:0000003",)
    assert ontology.ancestors("GO:0000001") == frozenset()


def test_an_annotation_holds_for_every_ancestor(ontology):
    assert ontology.annotations("TP53") == ("GO:0000004",)
    assert set(ontology.annotations("TP53", propagate=True)) == {
        "GO:0000004",
        "GO:0000003",
        "GO:0000002",
        "GO:0000001",
    }
    assert ontology.genes("GO:0000002") == ("TP53",)
    assert ontology.genes("GO:0000001") == ("CDK1", "TP53")


def test_a_gene_annotated_under_its_old_symbol_is_found_under_the_new_one(ontology):
    assert ontology.annotations("CDK1") == ("GO:0000005",)


def test_a_negated_annotation_is_no_annotation(ontology):
    assert ontology.annotations("MDM2") == ()


def test_obsolete_terms_are_left_out(ontology):
    assert "GO:0000006" not in ontology
    assert len(ontology) == len(list(ontology)) == 5


def test_a_term_has_its_definition_without_quotes_and_sources(ontology):
    assert ontology.term("GO:0000002").definition == 'A change of state after a "stress".'
    assert ontology.term("GO:0000002").name == "response to stress"


def test_a_file_that_is_no_ontology_is_named(tmp_path):
    path = tmp_path / "x.obo"
    path.write_text("<html>Not found</html>\n")
    with pytest.raises(DataError, match=r"x\.obo"):
        GeneOntology.from_files(path, path, SymbolTable([]))
