"""Labels that are not genes, in `predict --pairs`: cases from public reports and of their kinds."""

import csv
import io

import pytest

from tests.app.pairs_world import READ, predict, table  # noqa: F401  # a fixture
from tests.app.refusal import one_sentence


@pytest.mark.parametrize("label", ["TP53+ctrl", "ctrl+TP53", "TP53+CTRL", "TP53_ctrl", "TP53|NT"])
def test_a_gene_beside_a_control_is_that_gene_alone(predict, label):  # noqa: F811
    result, rows = predict(table(f"{label},CDKN1A,RPE1"))
    assert rows == [READ]
    assert f"{label} is read as TP53" in result.stderr


@pytest.mark.parametrize(
    "label",
    [
        "ctrl",
        "CTRL",
        "control",
        "non-targeting",
        "NT_1",
        "NegCtrl0",
        "safe-targeting",
        "AAVS1",
        "scramble",
        "ctrl+ctrl",
        "NonTargetingControlGuideForHuman_0175",
        "NegCtrl10_NegCtrl0",
        "siCtrl",
        "sg-ctrl",
        "sgNT",
        "sgGFP_2",
        "sgAAVS1",
        "SAFE_12",
        "negative",
    ],
)
def test_a_control_alone_is_no_perturbed_gene(predict, label):  # noqa: F811
    line = one_sentence(predict(table(f"{label},CDKN1A,RPE1"))[0])
    assert "line 2" in line
    assert "is a control label" in line or "is a safe-harbour control locus" in line


@pytest.mark.parametrize("label", ["NA", "N/A", "NaN", "nan", "na", "null", "None", "#N/A", "."])
@pytest.mark.parametrize("row", ["{},CDKN1A,RPE1", "TP53,{},RPE1"])
def test_a_missing_value_names_its_line(predict, label, row):  # noqa: F811
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", row.format(label)))[0])
    assert "line 3" in line
    assert f"'{label}' is a missing value" in line


@pytest.mark.parametrize("label", ["doublet", "Multiplet", "unassigned", "ambiguous"])
def test_a_cell_that_was_not_assigned_is_told(predict, label):  # noqa: F811
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", f"{label},CDKN1A,RPE1"))[0])
    assert f"'{label}' says that no single guide was assigned" in line


@pytest.mark.parametrize("label", ["TP53_OE", "TP53 overexpression", "CRISPRa_TP53"])
def test_an_activation_is_not_predicted_as_a_knockdown(predict, label):  # noqa: F811
    assert "says that more" in one_sentence(predict(table(f"{label},CDKN1A,RPE1"))[0])
    _, rows = predict(table(f"{label},CDKN1A,RPE1"), "--kind", "activation")
    assert rows == [READ]


@pytest.mark.parametrize(
    "label",
    [
        "TP53_KO",
        "TP53-KO",
        "TP53_KD",
        "TP53_g1",
        "TP53_sg2",
        "TP53_P1",
        "TP53_P1P2",
        "TP53-/-",
        "TP53_1",
        "sgTP53",
        "sgTP53_2",
        "TP53-null",
        "TP53 KO",
        "TP53_KO_2",
        "TP53 (7157)",
        "TP53|7157",
        "10023_TP53_P1P2_ENSG00000141510",
        "siTP53",
        "TP53_CRISPRi",
        "tp53_ko",
        "TP53ko",
        "TP53Δ",
        "ΔTP53",
        "TP53 knockout",
        "TP53_knockdown",
        "TP53_sgRNA_1",
        "TP53#2",
        "TP53_TSS2",
        "KO:TP53",
        "TP53_+_7571720.23-P1P2",
        "TP53_-_7571720.23-ENST00000269305.4",
        "TP53_sg1|TP53_sg2",
        "TP53:ENSG00000141510",
        "ENSG00000141510.17_TP53",
        "GRCh38_TP53",
        "human_TP53",
        "hsa:7157",
        "GeneID:7157",
        "TP53..7157.",
    ],
)
def test_what_hangs_on_a_symbol_is_taken_off_and_told(predict, label):  # noqa: F811
    result, rows = predict(table(f"{label},CDKN1A,RPE1"))
    assert rows == [READ], result.output
    assert f"{label} is read as TP53" in result.stderr


@pytest.mark.parametrize(
    "label", ["HLA-A", "NKX2-1", "SGK1", "WT1", "ENSG00000141510.18", "SGK1_g1", "HLA-A-KO"]
)
def test_symbols_that_look_like_labels_stay_genes(predict, label):  # noqa: F811
    result, rows = predict(table(f"{label},CDKN1A,RPE1"))
    assert result.exit_code == 0, result.output
    wanted = {"ENSG00000141510.18": "TP53", "SGK1_g1": "SGK1", "HLA-A-KO": "HLA-A"}
    assert rows[0][0] == wanted.get(label, label)


@pytest.mark.parametrize("label", ["KO", "P1", "mut", "B", "all", "yes", "cell", "225", "52"])
def test_a_short_label_is_not_some_genes_former_name(predict, label):  # noqa: F811
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", f"{label},CDKN1A,RPE1"))[0])
    assert "line 3" in line
    assert f"'{label}'" in line


def test_a_label_is_split_only_into_approved_symbols_and_doubles_are_counted(predict):  # noqa: F811
    result, rows = predict(table("TP53_MDM2,CDKN1A,RPE1", "HSPA5_KO,DDIT3,K562"))
    assert [row[0] for row in rows] == ["TP53+MDM2", "HSPA5"]
    assert "1 labels perturb several genes, such as TP53_MDM2" in result.stderr


@pytest.mark.parametrize("sign", ["/", ":", "~", "--", " and ", " x ", " "])
def test_other_signs_join_approved_symbols_and_nothing_else(predict, sign):  # noqa: F811
    _, rows = predict(table(f"TP53{sign}MDM2,CDKN1A,RPE1"))
    assert [row[0] for row in rows] == ["TP53+MDM2"]
    assert "is no human gene" in one_sentence(predict(table(f"TP53{sign}BiP,CDKN1A,RPE1"))[0])


def test_a_hyphen_between_two_genes_is_asked_about(predict):  # noqa: F811
    line = one_sentence(predict(table("TP53-MDM2,CDKN1A,RPE1"))[0])
    assert "write TP53+MDM2 if all are meant" in line


@pytest.mark.parametrize("label", ["NM_000546.6", "ENST00000269305.9", "NP_000537", "P53_HUMAN"])
def test_a_transcript_or_protein_is_called_that(predict, label):  # noqa: F811
    line = one_sentence(predict(table(f"{label},CDKN1A,RPE1"))[0])
    assert "is the identifier of a transcript or protein" in line


def test_entrez_ids_that_pandas_made_fractions_of_are_read(predict):  # noqa: F811
    _, rows = predict(table("7157.0,1026.0,RPE1"))
    assert rows == [READ]


@pytest.mark.parametrize(
    "label", ["\u200bTP53", "TP53\u00a0", "\u2018TP53\u2019", "TP53 [Homo sapiens]"]
)
def test_what_cannot_be_seen_is_no_part_of_a_symbol(predict, label):  # noqa: F811
    _, rows = predict(table(f"{label},CDKN1A,RPE1"))
    assert rows == [READ]


def test_guides_of_another_form_are_read_by_a_pattern(predict):  # noqa: F811
    content = table("chr17:TP53:x1,CDKN1A,RPE1")
    one_sentence(predict(content)[0])
    _, rows = predict(content, "--guide-pattern", r"^chr\d+:([^:]+):")
    assert rows == [READ]


@pytest.mark.parametrize("pattern", ["(", "TP53"])
def test_a_pattern_without_a_gene_is_refused(predict, pattern):  # noqa: F811
    result, _ = predict(table("TP53,CDKN1A,RPE1"), "--guide-pattern", pattern)
    assert "--guide-pattern" in one_sentence(result)


def test_several_control_labels_can_be_named(predict):  # noqa: F811
    content = table("TP53+house,CDKN1A,RPE1", "TP53+neutral,CDKN1A,RPE1")
    _, rows = predict(content, "--control", "house", "--control", "neutral")
    assert rows == [READ, READ]


@pytest.mark.parametrize(
    ("date", "meant"),
    [
        ("1-Mar", "MARCHF1"),
        ("2-Sep", "SEPTIN2"),
        ("Mar-01", "MARCHF1"),
        ("2023-09-02", "SEPTIN2"),
        ("02/09/2023", "SEPTIN2"),
        ("2-Sep-23", "SEPTIN2"),
        ("44076", "SEPTIN2"),
        ("45171.0", "SEPTIN2"),
        ("9/2/2023", "SEPTIN2"),
        ("9/2/23", "SEPTIN2"),
        ("2. Sep", "SEPTIN2"),
        ("1.Mrz", "MARCHF1"),
        ("01. Mär 23", "MARCHF1"),
        ("1-mars", "MARCHF1"),
        ("2-set", "SEPTIN2"),
        ("2023-09-02 00:00:00", "SEPTIN2"),
    ],
)
def test_a_date_that_excel_made_is_called_that(predict, date, meant):  # noqa: F811
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", f"TP53,{date},RPE1"))[0])
    assert f"'{date}' is a date made by Excel: {meant}" in line


def test_an_ambiguous_alias_names_both_genes(predict):  # noqa: F811
    line = one_sentence(predict(table("STRA13,CDKN1A,RPE1"))[0])
    assert "BHLHE40 or CENPX" in line


def test_the_screens_own_symbols_are_known(predict):  # noqa: F811
    _, rows = predict(table("GATD3B,CDKN1A,RPE1"))
    assert rows == [("GATD3", "CDKN1A", "RPE1")]


@pytest.mark.parametrize(
    ("word", "genes"),
    [("TP53+ctrl", "TP53"), ("ctrl+TP53", "TP53"), ("TP53_KO", "TP53"), ("TP53+/-", "TP53")],
)
def test_a_typed_perturbation_is_read_by_the_same_rules(predict, knockwise, word, genes):  # noqa: F811
    result = knockwise("predict", "--pert", word, "--readout", "CDKN1A", "--out", "-")
    assert result.exit_code == 0, result.output
    assert [row["perturbation"] for row in csv.DictReader(io.StringIO(result.stdout))] == [genes]
    assert f"is read as {genes}" in result.stderr


@pytest.mark.parametrize("word", ["ctrl", "NA", "TP53_OE", "1-Mar", "x" * 100_000, "1_" * 50_000])
def test_a_typed_word_that_is_no_perturbation_is_one_short_sentence(predict, knockwise, word):  # noqa: F811
    line = one_sentence(knockwise("predict", "--pert", word, "--readout", "CDKN1A"))
    assert len(line) < 300


def test_a_very_long_label_is_refused_at_once(predict):  # noqa: F811
    line = one_sentence(predict(table(f"{'1_' * 50_000},CDKN1A,RPE1"))[0])
    assert "has 100,000 characters" in line
