import gzip
import zipfile

import pytest

from knowledge.errors import DataError
from knowledge.parsers.complexes import read_complex_portal, read_corum
from knowledge.parsers.gaf import read_gaf
from knowledge.parsers.gmt import read_gmt
from knowledge.parsers.hgnc import read_hgnc
from knowledge.parsers.hpa import read_hpa_cell_lines
from knowledge.parsers.ncbi import read_gene_info, read_gene_summary
from knowledge.parsers.networks import (
    read_causalpath,
    read_collectri,
    read_dorothea,
    read_enzyme_substrate,
    read_kegg_spia,
    read_omnipath_signed,
    read_signor,
    read_trrust,
)
from knowledge.parsers.uniprot import read_uniprot_function

OMNIPATH = (
    "source\ttarget\tsource_genesymbol\ttarget_genesymbol\tis_directed\tconsensus_stimulation"
    "\tconsensus_inhibition\treferences\n"
    "Q00987\tP04637\tMDM2\tTP53\t1\t0\t1\tSIGNOR:111;SPIKE:111;SPIKE:222\n"
    "P04637\tP38936\tTP53\tCDKN1A\tTrue\tTrue\tTrue\t\n"
)


def write(tmp_path, text, name="file.tsv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_hgnc_lists_proteins_first_and_leaves_withdrawn_entries_out(tiny_mirror):
    genes = list(read_hgnc(tiny_mirror / "hgnc.txt"))
    assert (genes[0].symbol, genes[-1].symbol) == ("TP53", "TP53P9")
    assert "OLD1" not in {gene.symbol for gene in genes}
    assert genes[0].aliases == ("p53", "LFS1")


def test_ncbi_tables_keep_to_human_genes(tiny_mirror):
    assert [s.symbol for s in read_gene_info(tiny_mirror / "gene-info.txt")] == ["TP53", "ATF4"]
    assert [s.gene for s in read_gene_summary(tiny_mirror / "gene-summary.txt")] == [
        "entrez:7157",
        "entrez:999999",
    ]


def test_uniprot_text_loses_its_label_and_evidence_codes(tiny_mirror):
    texts = [s.text for s in read_uniprot_function(tiny_mirror / "uniprot-function.txt")]
    assert texts == ["Stops the cell cycle.", "Drives amino-acid synthesis genes."]


def test_a_file_is_read_plain_gzipped_or_zipped_whatever_it_is_called(tiny_mirror, tmp_path):
    plain = tiny_mirror / "collectri.txt"
    zipped, packed = tmp_path / "a.txt", tmp_path / "b.txt"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(plain, "collectri.tsv")
    edges = list(read_collectri(plain))
    assert edges == list(read_collectri(zipped)) == list(read_collectri(packed))


def test_omnipath_is_read_as_its_web_service_writes_it(tmp_path):
    mdm2, mixed = read_omnipath_signed(write(tmp_path, OMNIPATH))
    assert (mdm2.source, mdm2.target, mdm2.sign) == ("MDM2", "TP53", -1)
    assert mdm2.references == ("PMID:111", "PMID:222")
    assert mixed.sign == 0
    regulon = next(iter(read_collectri(write(tmp_path, OMNIPATH))))
    assert regulon.mechanism == "transcription"


def test_signor_keeps_proteins_and_complexes_and_names_mechanisms(tiny_mirror):
    edges = list(read_signor(tiny_mirror / "signor.txt"))
    assert len(edges) == 5
    assert edges[0].mechanism == "ubiquitination"
    assert edges[1].target == "complex:CYCLINB CDK1"
    assert edges[4].mechanism == "transcription"


def test_kegg_relations_without_a_sign_are_left_out(tiny_mirror):
    edges = list(read_kegg_spia(tiny_mirror / "kegg-spia.txt"))
    assert [(edge.mechanism, edge.references) for edge in edges] == [
        ("transcription", ("KEGG:hsa04115",)),
        ("transcription", ("KEGG:hsa04110",)),
        ("ubiquitination", ("KEGG:hsa04115",)),
    ]


def test_regulons_are_transcription_with_papers_where_given(tiny_mirror):
    repressed, unknown = read_trrust(tiny_mirror / "trrust.txt")
    assert (repressed.sign, repressed.references) == (-1, ("PMID:333", "PMID:444"))
    assert (unknown.sign, unknown.mechanism) == (0, "transcription")
    assert [edge.target for edge in read_dorothea(tiny_mirror / "dorothea.txt")] == ["MDM2"]
    assert next(iter(read_causalpath(tiny_mirror / "causalpath.txt"))).sign == -1


def test_an_added_or_removed_phosphate_is_a_mechanism_and_no_sign(tmp_path):
    path = write(tmp_path, "source\ttarget\tsite\tsign\nCDK1\tRB1\tS1\t1\nPPP1CA\tRB1\tS1\t-1\n")
    assert [(e.sign, e.mechanism) for e in read_enzyme_substrate(path)] == [
        (0, "phosphorylation"),
        (0, "dephosphorylation"),
    ]


def test_gene_sets_of_wikipathways_are_named_by_title_and_hold_entrez_ids(tiny_mirror):
    (cycle,) = read_gmt(tiny_mirror / "wikipathways.txt")
    assert cycle.name == "Cell cycle WP179"
    assert cycle.members == ("entrez:891", "entrez:983")
    (kegg,) = read_gmt(tiny_mirror / "kegg.txt")
    assert kegg.members == ("CDC2", "CCNB1", "TP53")


def test_complexes_are_human_and_their_members_without_isoform_and_stoichiometry(
    tiny_mirror, tmp_path
):
    assert [c.id for c in read_corum(tiny_mirror / "corum.txt")] == ["CORUM:1", "CORUM:2"]
    tab = write(
        tmp_path,
        "#Complex ac\tRecommended name\tExpanded participant list\tDescription\n"
        "CPX-1\tpair\tP14635-2(1)|P06493(1)|CHEBI:29105(2)\ttext\n",
    )
    (pair,) = read_complex_portal(tab)
    assert pair.members == ("uniprot:P14635", "uniprot:P06493")


def test_expression_is_read_wide_and_long(tiny_mirror, tmp_path):
    wide = list(read_hpa_cell_lines(tiny_mirror / "hpa-cell-lines.txt"))
    assert wide[1].levels == {"K-562": 63.0, "Hep G2": 0.0, "A-431": 0.0}
    long = write(
        tmp_path,
        "Gene\tGene name\tCell line\tTPM\tpTPM\tNX\n"
        "ENSG00000102145\tGATA1\tK-562\t1\t2\t63.0\n"
        "ENSG00000102145\tGATA1\tHep G2\t0\t0\t0.0\n",
    )
    (gata1,) = read_hpa_cell_lines(long)
    assert gata1.levels == {"K-562": 63.0, "Hep G2": 0.0}


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (read_hgnc, "symbol\tname\nTP53\tx\n", "line 1: expected .*hgnc_id"),
        (read_gene_info, "#tax_id\tGeneID\tSymbol\tSynonyms\n9606\t1\n", "line 2: expected"),
        (read_gaf, "!gaf-version: 2.2\nUniProtKB\tP1\tTP53\n", "line 2: expected 15"),
        (read_gmt, "name only\n", "line 1: expected a set name"),
        (read_causalpath, "source\ttarget\tsign\nA\tB\tmaybe\n", "line 2: .*'maybe'"),
        (read_causalpath, "source\ttarget\tsign\nA\tB\t1\nA\tB\t7\n", "line 3: .*-1, 0 or 1"),
        (read_trrust, "TP53\tMDM2\tMaybe\t1\n", "line 1: expected Activation"),
        (read_hpa_cell_lines, "GeneID\tsymbol\tK-562\nE1\tA\tmuch\n", "line 2: .*'much'"),
        (read_hpa_cell_lines, "<html>\n", "line 1: expected"),
    ],
)
def test_a_malformed_file_is_named_with_line_and_what_was_expected(tmp_path, reader, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as raised:
        list(reader(path))
    assert str(path) in str(raised.value)


def test_a_file_cut_short_is_named(tmp_path, tiny_mirror):
    path = tmp_path / "half.gz"
    path.write_bytes(gzip.compress((tiny_mirror / "hgnc.txt").read_bytes())[:-20])
    with pytest.raises(DataError, match=r"half\.gz is cut short or corrupted"):
        list(read_hgnc(path))


def test_a_missing_or_binary_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.tsv is missing"):
        list(read_hgnc(tmp_path / "none.tsv"))
    path = tmp_path / "bytes.tsv"
    path.write_bytes(b"hgnc_id\xff\xfe\n")
    with pytest.raises(DataError, match="not UTF-8"):
        list(read_hgnc(path))
