import csv
import gzip

import pytest

from knowledge.cell_lines import load_cell_lines
from knowledge.errors import DataError, QuestionError
from knowledge.starter import read_identifiers

HPA_COLUMNS = {"K562": "K-562", "RPE1": "hTERT-RPE1", "HepG2": "Hep G2", "Jurkat": "JURKAT"}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("K562", "K562"),
        ("k-562", "K562"),
        (" K 562 ", "K562"),
        ("hTERT-RPE1", "RPE1"),
        ("rpe-1", "RPE1"),
        ("Hep G2", "HepG2"),
        ("HEPG2", "HepG2"),
        ("jurkat e6.1", "Jurkat"),
    ],
)
def test_a_line_is_found_by_any_usual_spelling(word, name):
    assert load_cell_lines().ground(word).name == name


def test_an_unknown_line_is_refused_naming_the_known_ones():
    with pytest.raises(QuestionError, match=r"'HeLa'.*K562, RPE1, HepG2, Jurkat"):
        load_cell_lines().ground("HeLa")


def test_the_default_line_is_the_most_deeply_screened():
    assert load_cell_lines().default.name == "K562"


def test_only_rpe1_and_hepg2_have_p53():
    lost = {line.name for line in load_cell_lines() if line.lesion("TP53")}
    assert lost == {"K562", "Jurkat"}


def test_every_gene_of_a_line_is_an_approved_symbol():
    genes = read_identifiers()
    for line in load_cell_lines():
        lesions = [lesion.gene for lesion in line.lesions]
        assert {*line.silent_genes, *line.markers, *lesions} <= set(genes)
        assert set(line.silent_genes).isdisjoint(line.markers)


def test_a_misspelt_key_in_the_file_is_refused(tmp_path):
    path = tmp_path / "cell_lines.yaml"
    path.write_text("default: A\nlines:\n  - {name: A, descripton: x, lineage: y}\n")
    with pytest.raises(DataError, match=r"cell_lines\.yaml: lines\.0\.descripton"):
        load_cell_lines(path)


@pytest.mark.data
def test_the_protein_atlas_agrees_on_silent_genes_and_markers(data_mirror):
    path = data_mirror / "knowledge" / "expression" / "hpa_rna_celline_69lines_NX.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = {row["symbol"]: row for row in csv.DictReader(stream, delimiter="\t")}
    for line in load_cell_lines():
        column = HPA_COLUMNS[line.name]
        assert [g for g in line.silent_genes if float(rows[g][column]) >= 1] == []
        assert [g for g in line.markers if float(rows[g][column]) < 5] == []
