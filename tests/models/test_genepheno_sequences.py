"""Proteins: one per gene, the human one first; and what people bring in FASTA files."""

import bz2
import gzip
import lzma

import pytest

from knowledge.errors import DataError
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.genepheno.sequences import (
    ENSEMBL,
    by_gene,
    named_genes,
    query,
    read_fasta,
    read_proteins,
)
from tests.models.genepheno_world import mirror  # noqa: F401  # a fixture

GOOD = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGE"


@pytest.fixture
def fasta(tmp_path):
    """Return a function that writes a FASTA file and reads it."""

    def read(text):
        path = tmp_path / "proteins.fasta"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_fasta(path)

    return read


def test_each_gene_has_one_protein_and_the_human_one_goes_first(mirror):  # noqa: F811
    proteins = read_proteins(mirror)
    genes = [protein.gene for protein in proteins if protein.gene]
    assert genes == ["FOXP2", "GATA1", "NAT1", "PAX1", "QARS1", "SOX6"]
    found = by_gene(proteins)
    # Told by UniProt before inferred from likeness; inferred human before mouse.
    assert (found["GATA1"].source, found["GATA1"].inferred) == ("P1", False)
    assert (found["QARS1"].source, found["QARS1"].inferred) == ("ENSP2", True)
    assert (found["FOXP2"].species, found["PAX1"].species) == ("mouse", "mouse")


def test_a_mouse_gene_stands_for_one_human_gene_only(mirror):  # noqa: F811
    assert "NAT2" not in by_gene(read_proteins(mirror))
    assert by_gene(read_proteins(mirror))["NAT1"].source == "M4"


def test_proteins_of_unknown_genes_are_kept_behind_without_a_gene(mirror):  # noqa: F811
    rest = [protein for protein in read_proteins(mirror) if not protein.gene]
    assert {(one.species, one.source) for one in rest} == {
        ("other", "P3"), ("human", "ENSP3"), ("mouse", "M5"),
    }  # fmt: skip


def test_every_sequence_of_a_gene_comes_when_asked_for(mirror):  # noqa: F811
    several = [one.source for one in read_proteins(mirror, every=True) if one.gene == "QARS1"]
    assert several == ["ENSP2", "M1"]


def test_sequences_hold_the_twenty_residues_and_x_only(mirror):  # noqa: F811
    found = by_gene(read_proteins(mirror))
    assert found["GATA1"].sequence.endswith("SRC")  # selenocysteine
    assert found["PAX1"].sequence.endswith("GR")  # the final stop


def test_a_missing_table_of_sequences_is_named(mirror):  # noqa: F811
    (mirror / ENSEMBL).unlink()
    with pytest.raises(DataError, match="human_SHS148k_seqs"):
        read_proteins(mirror)


def test_a_record_keeps_its_name_header_and_residues(fasta):
    (found,) = fasta(f">sp|P1|ALBU Albumin\n{GOOD[:20]}\n{GOOD[20:].lower()}*\n")
    assert (found.identifier, found.description) == ("sp|P1|ALBU", "sp|P1|ALBU Albumin")
    assert (found.sequence, found.notes, found.problem) == (GOOD, (), "")


def test_compressed_files_windows_lines_and_byte_order_marks_are_read(fasta):
    text = f"\ufeff>a\r\n{GOOD}\r\n>b\r\n{GOOD}\r\n"
    assert [one.sequence for one in fasta(gzip.compress(text.encode()))] == [GOOD, GOOD]


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be"),
        lambda text: bz2.compress(text.encode()),
        lambda text: lzma.compress(text.encode()),
        lambda text: text.replace("a", "größe").encode("cp1252"),
        lambda text: text.replace("\n", "\r").encode(),
    ],
)
def test_a_file_is_read_however_it_was_saved(fasta, saved):
    assert [one.sequence for one in fasta(saved(f">a\n{GOOD}\n>b\n{GOOD}\n"))] == [GOOD, GOOD]


def test_names_of_records_are_read_as_strictly_as_labels(fasta):
    table = SymbolTable(
        [
            Gene(symbol="TP53", uniprot_ids=("P04637",), ensembl_id="ENSG00000141510"),
            Gene(symbol="KRT8", aliases=("KO",)),
            Gene(symbol="XK", previous_symbols=("NA",)),
            Gene(symbol="SEPTIN2", previous_symbols=("SEPT2",)),
        ]
    )
    headers = [
        "TP53",
        "TP53_KO",
        "ENSG00000141510.17",
        "sp|P04637|P53_HUMAN Cellular tumor antigen p53 OS=Homo sapiens OX=9606 GN=TP53 PE=1",
        "tr|P04637-2|ISOFORM",
        "ENSP00000269305.4 pep gene:ENSG00000141510.17 gene_symbol:TP53 description:x",
        "lcl|NM_000546.6_prot [gene=TP53] [protein=x]",
        "NA",
        "KO",
        "ctrl",
        "2-Sep",
        "mine",
    ]
    found = fasta("".join(f">{header}\n{GOOD}\n" for header in headers))
    labels = named_genes(found, table)
    assert [one.genes for one in labels] == [("TP53",)] * 7 + [()] * 5
    assert labels[7].reading == "missing"
    assert labels[10].problem.endswith("a date made by Excel: SEPTIN2?")


def test_characters_that_are_no_residue_become_x_and_are_counted(fasta):
    (found,) = fasta(f">a\n{GOOD}1?\n")
    assert (found.sequence, found.replaced) == (GOOD + "XX", 2)
    assert found.notes == ("2 characters that are no residue were read as X",)


def test_stops_inside_and_gaps_are_said(fasta):
    (found,) = fasta(f">a\n{GOOD}*{GOOD[:5]}--{GOOD}\n")
    assert found.sequence == f"{GOOD}X{GOOD[:5]}{GOOD}"
    assert found.notes == ("1 stops inside the sequence were read as X", "gaps were removed")


def test_legal_rarities_are_no_mistakes(fasta):
    (found,) = fasta(f">a\n{GOOD}UOBZJX\n")
    assert (found.sequence, found.replaced, found.notes) == (GOOD + "CKXXXX", 0, ())


@pytest.mark.parametrize(
    "text", ["ACGTTGCAAN" * 5, "acguugca" * 5, "ACGT--TTGCAA" * 5, "ACGTTGCAAG" * 5 + "R"]
)
def test_dna_is_told_apart_from_protein_and_the_rest_of_the_file_is_read(fasta, text):
    dna, protein = fasta(f">gene\n{text}\n>protein\n{GOOD}\n")
    assert dna.problem == "is DNA or RNA, not protein; translate it first"
    assert dna.sequence == ""
    assert protein.problem == ""


def test_a_short_peptide_of_a_c_g_and_t_is_a_peptide_with_a_note(fasta):
    (found,) = fasta(">a\nGATTACAGAT\n")
    assert found.problem == ""
    assert found.notes == ("only 10 residues, hardly a protein",)


def test_a_protein_of_few_kinds_of_residues_is_no_dna(fasta):
    # Winter flounder's antifreeze protein, two thirds alanine.
    (found,) = fasta(">P04002\nDTASDAAAAAALTAANAKAAAELTAANAAAAAAATAR\n")
    assert found.problem == ""


def test_a_record_without_a_sequence_says_so(fasta):
    empty, _, unknown = fasta(f">a\n>b\n{GOOD}\n>c\nXXXXX\n")
    assert "has no sequence" in empty.problem
    assert "no known residue" in unknown.problem


def test_a_name_that_occurs_twice_is_said_at_both(fasta):
    notes = [one.notes for one in fasta(f">a\n{GOOD}\n>a\n{GOOD}\n>b\n{GOOD}\n")]
    assert notes == [("another record has the same name",)] * 2 + [()]


def test_a_nameless_record_gets_its_number(fasta):
    assert [one.identifier for one in fasta(f">a\n{GOOD}\n>\n{GOOD}\n")] == ["a", "sequence 2"]


def test_titin_is_read_whole(fasta):
    (found,) = fasta(f">TTN\n{'MTTQAPTFTQPLQSVVVLEG' * 1750}\n")
    assert len(found.sequence) == 35_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"MKWVTF\n", "is not FASTA: it begins with 'MKWVTF'"),
        (b"\xff\xfe\x00\x01", "is not FASTA"),
        (bytes(range(256)), "is not text; give protein sequences in FASTA format"),
        (gzip.compress(b">a\nMKWVTF\n" * 99, mtime=0)[:-20], "cannot be read"),
        (b"%PDF-1.4", "is a PDF; give protein sequences in FASTA format"),
        (b"PK\x03\x04", "is a damaged archive"),
        (b">a\nACGTACGTACGTACGTACGTACGTACGTACGTACGT\n", "a is DNA or RNA"),
        (b">a\n\n", "a has no sequence"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(fasta, content, message):
    with pytest.raises(DataError, match=f"proteins.fasta:? {message}"):
        fasta(content)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.fasta: no such file"):
        read_fasta(tmp_path / "none.fasta")
    with pytest.raises(DataError, match="cannot be read"):
        read_fasta(tmp_path)


def test_a_typed_sequence_is_checked_like_a_record():
    assert query(f" {GOOD[:10]} {GOOD[10:]} ").sequence == GOOD
    assert "translate" in query("ACGT" * 20).problem
    assert "has no sequence" in query("").problem
