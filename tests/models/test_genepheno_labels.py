"""Phenotypes of genes: propagated, up to date, with tested negatives apart from the unknown."""

import gzip

import numpy as np
import pytest
from scipy import sparse

from knowledge.errors import DataError
from models.genepheno.ontology import FILES as ONTOLOGIES
from models.genepheno.ontology import (
    GO_FILES,
    ancestry,
    children_first,
    coincidence,
    opposites,
    read_functions,
)
from models.genepheno.phenotypes import FILES, MP_NAMES, read_labels
from models.genepheno.sequences import MOUSE
from tests.models.genepheno_world import mirror  # noqa: F401  # a fixture


def terms_of(labels, gene, direct=False):
    matrix = labels.direct if direct else labels.propagated
    row = matrix[[labels.genes.index(gene)]].toarray()[0]
    return {labels.vocabulary.terms[column] for column in np.flatnonzero(row)}


@pytest.fixture
def mp(mirror):  # noqa: F811
    return read_labels(mirror, "mp", min_genes=1)


def test_a_gene_with_a_term_has_all_terms_above_it_but_the_root(mp):
    assert terms_of(mp, "FOXP2", direct=True) == {"MP:0000012", "MP:0000021"}
    assert terms_of(mp, "FOXP2") == {"MP:0000010", "MP:0000012", "MP:0000020", "MP:0000021"}
    assert "MP:0000001" not in mp.vocabulary.terms


def test_a_gene_without_a_finding_is_negative_and_nothing_is_propagated(mp):
    row = mp.genes.index("NAT1")
    assert mp.tested_negative[row]
    assert mp.propagated[[row]].nnz == 0
    assert not any(term.startswith("MP:000216") for term in mp.vocabulary.terms)
    assert "MP:0002873" not in mp.vocabulary.terms


def test_a_gene_with_a_finding_elsewhere_is_no_negative(mp):
    assert mp.genes[np.flatnonzero(mp.tested_negative)[0]] == "NAT1"
    assert mp.tested_negative.sum() == 1
    assert "MP:0000012" in terms_of(mp, "PAX1")


def test_a_gene_in_no_file_is_unknown_and_not_negative(mp):
    assert "NAT2" not in mp.genes


def test_older_symbols_are_brought_up_to_date_and_strangers_counted(mp):
    assert "QARS1" in mp.genes
    assert "QARS" not in mp.genes
    assert (mp.audit.unknown_genes, mp.audit.renamed_genes) == (1, 1)


def test_obsolete_terms_are_dropped_and_newer_ones_kept_without_parents(mp):
    assert "MP:0000099" not in mp.vocabulary.terms
    assert mp.audit.dropped_terms == 1
    column = mp.vocabulary.terms.index("MP:0014999")
    assert mp.vocabulary.names[column] == "new thing"
    assert not len(mp.vocabulary.parents[column])
    assert mp.vocabulary.systems[column] == ""


def test_parents_are_rows_of_the_vocabulary_and_systems_their_tops(mp):
    vocabulary = mp.vocabulary
    row = {term: number for number, term in enumerate(vocabulary.terms)}
    parents = {vocabulary.terms[p] for p in vocabulary.parents[row["MP:0000012"]]}
    assert parents == {"MP:0000010", "MP:0000021"}
    systems = dict(zip(vocabulary.terms, vocabulary.systems, strict=True))
    assert systems["MP:0000010"] == systems["MP:0000011"] == "heart phenotype"
    assert systems["MP:0000021"] == "growth phenotype"
    assert systems["MP:0000012"] == "heart phenotype"  # nearer than growth


def test_every_kept_term_keeps_its_ancestors_however_rare_terms_are_cut(mirror):  # noqa: F811
    labels = read_labels(mirror, "mp", min_genes=3)
    assert labels.vocabulary.terms == ("MP:0000010", "MP:0000012", "MP:0000020", "MP:0000021")
    assert all(len(p) for p in labels.vocabulary.parents[1:2])


def test_opposites_are_pairs_with_the_share_of_genes_that_have_both(mp):
    vocabulary = mp.vocabulary
    pairs = [[vocabulary.names[term] for term in pair] for pair in vocabulary.exclusive]
    assert pairs == [["increased heart size", "decreased heart size"]]
    # GATA1 has both; QARS1 the one; FOXP2 and PAX1 the other.
    assert vocabulary.exclusive_rate == pytest.approx(1 / 4)
    fewer = mp.among({"QARS1", "PAX1"})
    assert coincidence(fewer.propagated, vocabulary.exclusive) == 0


def test_genes_of_the_old_disease_file_are_found_by_number_when_the_name_is_gone(mirror):  # noqa: F811
    labels = read_labels(mirror, "hpo", min_genes=1)
    # Entrez 2 is QARS1, whatever the file calls it; inheritance is no abnormality.
    assert labels.genes == ("GATA1", "QARS1", "SOX6")
    assert terms_of(labels, "GATA1") == {"HP:0000707", "HP:0001250"}
    assert terms_of(labels, "QARS1") == {"HP:0000707"}
    assert labels.audit.dropped_terms == 1


def test_the_two_years_of_the_disease_file_have_their_columns_told_apart(mirror):  # noqa: F811
    labels = read_labels(mirror, "hpo-2014", min_genes=1)
    assert labels.genes == ("SOX6",)
    assert terms_of(labels, "SOX6") == {"HP:0000707"}


def test_systems_are_the_top_level_terms_of_the_genes_that_have_any(mirror):  # noqa: F811
    labels = read_labels(mirror, "hmd", min_genes=1)
    assert labels.genes == ("GATA1", "QARS1", "SOX6")
    assert terms_of(labels, "GATA1") == {"MP:0000010", "MP:0000020"}
    assert terms_of(labels, "SOX6") == {"MP:0000020"}
    assert labels.vocabulary.systems == labels.vocabulary.names
    assert not any(map(len, labels.vocabulary.parents))


def test_a_system_that_is_no_term_is_named_by_its_line(mirror):  # noqa: F811
    path = mirror / FILES["hmd"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("MP:0000010\t\nOLD", "heart\t\nOLD"))
    with pytest.raises(DataError, match="line 2: expected MP ids in column 5"):
        read_labels(mirror, "hmd")


def test_traits_are_terms_without_parents_called_as_the_file_calls_them(mirror):  # noqa: F811
    labels = read_labels(mirror, "gwas", min_genes=1)
    assert labels.vocabulary.names == ("BODY HEIGHT", "HDL LEVELS")
    assert not any(map(len, labels.vocabulary.parents))
    assert terms_of(labels, "SOX6") == {"BODY HEIGHT", "HDL LEVELS"}


def test_genes_without_a_sequence_are_there_only_when_asked_for(mirror):  # noqa: F811
    some = {"GATA1", "FOXP2"}
    few = read_labels(mirror, "mp", min_genes=1, sequenced=some)
    every = read_labels(mirror, "mp", min_genes=1, sequenced=some, every=True)
    assert few.genes == ("FOXP2", "GATA1")
    assert few.vocabulary.terms == every.vocabulary.terms
    assert "SOX6" in every.genes
    assert few.audit.unsequenced_genes == 4


def test_rows_taken_keep_their_labels(mp):
    taken = mp.taking(np.array([2, 0]))
    assert taken.genes == (mp.genes[2], mp.genes[0])
    assert (taken.propagated.toarray() == mp.propagated.toarray()[[2, 0]]).all()


def test_an_unknown_collection_is_named_with_those_there_are(mirror):  # noqa: F811
    with pytest.raises(DataError, match="no such collection; name mp, hpo"):
        read_labels(mirror, "omim")


@pytest.mark.parametrize("file", [FILES["mp"], ONTOLOGIES["MP"], MP_NAMES, MOUSE])
def test_a_missing_file_is_named_with_how_to_fetch_it(mirror, file):  # noqa: F811
    (mirror / file).unlink()
    with pytest.raises(DataError, match=f"{file} is missing; run `knockwise data pull phenotype`"):
        read_labels(mirror, "mp")


def test_a_table_that_is_no_ontology_is_named(mirror):  # noqa: F811
    (mirror / ONTOLOGIES["MP"]).write_bytes(gzip.compress(b"a\tb\n1\t2\n"))
    with pytest.raises(DataError, match="mp_ontologyIndex"):
        read_labels(mirror, "mp")


def test_children_come_before_parents_and_ancestors_are_all_found():
    parents = [np.array([1]), np.array([3]), np.array([3]), np.array([], int), np.array([1, 2])]
    order = list(children_first(parents))
    assert all(order.index(c) < order.index(p) for c, above in enumerate(parents) for p in above)
    above = ancestry(parents).toarray()
    assert above[4].tolist() == [False, True, True, True, True]
    assert above[0].tolist() == [True, True, False, True, False]


def test_only_names_alike_but_for_their_beginning_are_opposites():
    names = ["Hypertension", "Hypotension", "Increased weight", "Decreased height", "Microcephaly"]
    assert opposites(names).tolist() == [[0, 1]]
    assert coincidence(sparse.csr_array((3, 5), dtype=bool), opposites(names)) == 0


GO = """format-version: 1.2

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0003677
name: DNA binding
namespace: molecular_function
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0003690
name: double-stranded DNA binding
namespace: molecular_function
is_a: GO:0003677 ! DNA binding
"""
SAID = {"GATA1": "GO:0003690", "SOX6": "GO:0003677", "PAX1": "GO:0003677"}


@pytest.fixture
def functions(mirror):  # noqa: F811
    rows = [
        "\t".join(("UniProtKB", "P", gene, "", term, "", "", "", "F", *[""] * 6))
        for gene, term in SAID.items()
    ]
    for file, text in zip(GO_FILES, (GO, "\n".join(rows) + "\n"), strict=True):
        (mirror / file).write_bytes(gzip.compress(text.encode()))

    def read(genes, **more):
        return read_functions(mirror, genes, **more)

    return read


def test_functions_hold_for_all_above_them_and_the_root_is_none(functions):
    found = functions(["SOX6", "NAT1", "GATA1"], min_genes=1)
    assert found.terms == ("GO:0003677", "GO:0003690")
    assert found.names == ("DNA binding", "double-stranded DNA binding")
    assert found.matrix.toarray().tolist() == [[True, False], [False, False], [True, True]]
    assert found.annotated.tolist() == [True, False, True]
    assert [above.tolist() for above in found.parents] == [[], [0]]


def test_only_training_genes_decide_which_functions_are_common_enough(functions):
    genes = ["SOX6", "GATA1", "PAX1"]
    training = ["SOX6", "PAX1"]
    counted = functions(genes, counted=training, min_genes=2)
    assert counted.terms == ("GO:0003677",)
    later = functions(genes, min_genes=1).common(training, min_genes=2)
    assert (later.terms, later.names) == (counted.terms, counted.names)
    assert (later.matrix.toarray() == counted.matrix.toarray()).all()
    assert functions(genes, min_genes=1).common(["GATA1"], 1).terms[1] == "GO:0003690"


def test_missing_annotations_are_named(functions, mirror):  # noqa: F811
    (mirror / GO_FILES[1]).unlink()
    with pytest.raises(DataError, match=r"goa_human\.gaf\.gz is missing"):
        functions(["SOX6"])


@pytest.mark.data
@pytest.mark.slow
def test_the_mirrors_collections_are_what_their_provenance_says(data_mirror):
    from knowledge.sources.genes import read_symbols
    from models.genepheno.sequences import by_gene, read_proteins

    symbols = read_symbols(data_mirror)
    found = by_gene(read_proteins(data_mirror, symbols))
    labels = read_labels(data_mirror, "mp", symbols=symbols, sequenced=found)
    assert 5000 < len(labels) < 5650
    assert len(labels.vocabulary) > 2500
    assert 0.02 < coincidence(labels.direct, labels.vocabulary.exclusive) < 0.04
    above = ancestry(labels.vocabulary.parents).astype(np.int32)
    closed = (labels.propagated.astype(np.int32) @ above).astype(bool)
    assert (closed != labels.propagated).nnz == 0
