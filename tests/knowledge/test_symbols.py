import pytest

from knowledge.schema import Gene
from knowledge.symbols import SymbolTable, merged

TABLE = SymbolTable(
    [
        Gene(
            symbol="TP53",
            hgnc_id="HGNC:11998",
            entrez_id="7157",
            ensembl_id="ENSG00000141510",
            uniprot_ids=("P04637",),
            aliases=("p53", "LFS1"),
        ),
        Gene(symbol="BLTP2", previous_symbols=("KIAA0100",)),
        Gene(symbol="HIF1A", aliases=("HIF-1alpha", "HIF1")),
        Gene(symbol="CDKN1A", aliases=("P21",), entrez_id="1026"),
        Gene(symbol="TCEAL1", aliases=("p21",)),
        Gene(symbol="HLA-A", aliases=("TP53",)),
        Gene(symbol="EPRS1", previous_symbols=("EPRS", "QARS")),
        Gene(symbol="QARS1", previous_symbols=("QARS",)),
        Gene(symbol="NEW1", previous_symbols=("SHARED",)),
        Gene(symbol="NEW2", aliases=("SHARED",)),
        Gene(symbol="CAT"),
    ]
)


@pytest.mark.parametrize(
    ("word", "symbol", "matched_by"),
    [
        ("TP53", "TP53", "approved"),
        ("tp53", "TP53", "approved"),
        (" (TP53), ", "TP53", "approved"),
        ("p53", "TP53", "alias"),
        ("KIAA0100", "BLTP2", "previous"),
        ("ENSG00000141510", "TP53", "ensembl"),
        ("ensg00000141510.18", "TP53", "ensembl"),
        ("HGNC:11998", "TP53", "hgnc"),
        ("entrez:7157", "TP53", "entrez"),
        ("1026", "CDKN1A", "entrez"),
        ("P04637", "TP53", "uniprot"),
        ("uniprot:P04637-2", "TP53", "uniprot"),
        ("HIF-1a", "HIF1A", "approved"),
        ("HIF1α", "HIF1A", "approved"),
        ("HIF 1 alpha", "HIF1A", "alias"),
        ("HLA A", "HLA-A", "approved"),
        ("cat", "CAT", "approved"),
    ],
)
def test_a_gene_is_found_by_any_of_its_names_and_identifiers(word, symbol, matched_by):
    grounding = TABLE.ground(word)
    assert grounding.status == "found"
    assert grounding.gene is not None
    assert (grounding.gene.symbol, grounding.matched_by) == (symbol, matched_by)


def test_an_alias_of_several_genes_is_reported_and_not_guessed():
    grounding = TABLE.ground("p21")
    assert (grounding.status, grounding.gene) == ("ambiguous", None)
    assert set(grounding.candidates) == {"CDKN1A", "TCEAL1"}
    assert TABLE.approved("p21") is None


def test_an_approved_symbol_beats_a_previous_one_which_beats_an_alias():
    assert TABLE.approved("TP53") == "TP53"
    assert TABLE.approved("shared") == "NEW1"


def test_a_symbol_that_gained_a_number_is_still_the_same_gene():
    assert TABLE.approved("QARS") == "QARS1"


def test_a_mistyped_symbol_gets_the_nearest_real_ones_best_first():
    grounding = TABLE.ground("TP35")
    assert grounding.status == "unknown"
    assert grounding.candidates[0] == "TP53"


@pytest.mark.parametrize("word", ["", "  ", "?!", "99999999", "ENSG00000000000"])
def test_what_names_no_gene_is_unknown(word):
    assert TABLE.ground(word).status == "unknown"
    assert TABLE.approved(word) is None


def test_merging_keeps_every_name_of_both_entries():
    known = Gene(symbol="A", name="first", aliases=("X",))
    other = Gene(symbol="A", name="second", entrez_id="1", aliases=("X", "Y"))
    assert merged(known, other) == Gene(symbol="A", name="first", entrez_id="1", aliases=("X", "Y"))


def test_a_table_is_a_collection_of_its_genes():
    assert len(TABLE) == 11
    assert "TP53" in TABLE
    assert "p53" not in TABLE
    assert TABLE.get("CAT") in list(TABLE)
    assert TABLE.claimed("KIAA0100")
    assert not TABLE.claimed("KIAA0101")
