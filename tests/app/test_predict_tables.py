"""What people bring to `predict --pairs`: cases from public reports, and others of their kinds."""

import csv
import gzip
import io
import json

import pytest

from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from tests.app.refusal import one_sentence

# Aliases and former symbols as HGNC has them: nearly every short label is one.
GENES = [
    Gene(symbol="TP53", aliases=("p53", "LFS1"), entrez_id="7157", ensembl_id="ENSG00000141510"),
    Gene(symbol="CDKN1A", entrez_id="1026", ensembl_id="ENSG00000124762"),
    Gene(symbol="MDM2"),
    Gene(symbol="HSPA5", aliases=("BiP", "GRP78")),
    Gene(symbol="DDIT3", aliases=("CHOP",)),
    Gene(symbol="GATD3", previous_symbols=("C21orf33",)),
    Gene(symbol="KRT8", aliases=("KO",)),
    Gene(symbol="XK", previous_symbols=("NA", "NAC")),
    Gene(symbol="SCN11A", aliases=("NaN",)),
    Gene(symbol="CTRL"),
    Gene(symbol="A4GALT", previous_symbols=("P1",)),
    Gene(symbol="MMUT", previous_symbols=("MUT",)),
    Gene(symbol="PPIB", aliases=("B",)),
    Gene(symbol="BCR", aliases=("ALL",)),
    Gene(symbol="YES1", aliases=("Yes",)),
    Gene(symbol="CELP", previous_symbols=("CELL",)),
    Gene(symbol="EGR1", aliases=("225",)),
    Gene(symbol="SCARNA10", aliases=("52",)),
    Gene(symbol="SETMAR"),
    Gene(symbol="MARCHF1", previous_symbols=("MARCH1",)),
    Gene(symbol="SEPTIN2", previous_symbols=("SEPT2",)),
    Gene(symbol="HLA-A"),
    Gene(symbol="NKX2-1"),
    Gene(symbol="SGK1"),
    Gene(symbol="WT1"),
    Gene(symbol="AR"),
    Gene(symbol="BHLHE40", aliases=("STRA13",)),
    Gene(symbol="CENPX", aliases=("STRA13",)),
]


@pytest.fixture
def predict(knockwise, session, tmp_path):
    """Predict a table given as text or bytes and return the result and its rows."""
    session.knowledge.symbols = SymbolTable(GENES)

    def run(content, *more, name="pairs.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = knockwise("predict", "--pairs", file, *more)
        rows = list(csv.DictReader(io.StringIO("" if "--json" in more else result.stdout)))
        return result, [(r["perturbation"], r["gene"], r["cell_line"]) for r in rows]

    return run


def table(*rows, header="pert,gene,cell_line"):
    return "\n".join((header, *rows)) + "\n"


READ = ("TP53", "CDKN1A", "RPE1")


# A: labels that are not genes


@pytest.mark.parametrize("label", ["TP53+ctrl", "ctrl+TP53", "TP53+CTRL", "TP53_ctrl", "TP53|NT"])
def test_a_gene_beside_a_control_is_that_gene_alone(predict, label):
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
    ],
)
def test_a_control_alone_is_no_perturbed_gene(predict, label):
    line = one_sentence(predict(table(f"{label},CDKN1A,RPE1"))[0])
    assert "line 2" in line
    assert "is a control label" in line or "is a safe-harbour control locus" in line


@pytest.mark.parametrize("label", ["NA", "N/A", "NaN", "nan", "na", "null", "None", "#N/A", "."])
@pytest.mark.parametrize("row", ["{},CDKN1A,RPE1", "TP53,{},RPE1"])
def test_a_missing_value_names_its_line(predict, label, row):
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", row.format(label)))[0])
    assert "line 3" in line
    assert f"'{label}' is a missing value" in line


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
    ],
)
def test_what_hangs_on_a_symbol_is_taken_off_and_told(predict, label):
    result, rows = predict(table(f"{label},CDKN1A,RPE1"))
    assert rows == [READ], result.output
    assert f"{label} is read as TP53" in result.stderr


@pytest.mark.parametrize(
    "label", ["HLA-A", "NKX2-1", "SGK1", "WT1", "ENSG00000141510.18", "SGK1_g1", "HLA-A-KO"]
)
def test_symbols_that_look_like_labels_stay_genes(predict, label):
    result, rows = predict(table(f"{label},CDKN1A,RPE1"))
    assert result.exit_code == 0, result.output
    wanted = {"ENSG00000141510.18": "TP53", "SGK1_g1": "SGK1", "HLA-A-KO": "HLA-A"}
    assert rows[0][0] == wanted.get(label, label)


@pytest.mark.parametrize("label", ["KO", "P1", "mut", "B", "all", "yes", "cell", "225", "52"])
def test_a_short_label_is_not_some_genes_former_name(predict, label):
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", f"{label},CDKN1A,RPE1"))[0])
    assert "line 3" in line
    assert f"'{label}'" in line


def test_a_label_is_split_only_into_approved_symbols_and_doubles_are_counted(predict):
    result, rows = predict(table("TP53_MDM2,CDKN1A,RPE1", "HSPA5_KO,DDIT3,K562"))
    assert [row[0] for row in rows] == ["TP53+MDM2", "HSPA5"]
    assert "1 labels perturb several genes, such as TP53_MDM2" in result.stderr


def test_guides_of_another_form_are_read_by_a_pattern(predict):
    content = table("chr17:TP53:x1,CDKN1A,RPE1")
    one_sentence(predict(content)[0])
    _, rows = predict(content, "--guide-pattern", r"^chr\d+:([^:]+):")
    assert rows == [READ]


@pytest.mark.parametrize("pattern", ["(", "TP53"])
def test_a_pattern_without_a_gene_is_refused(predict, pattern):
    result, _ = predict(table("TP53,CDKN1A,RPE1"), "--guide-pattern", pattern)
    assert "--guide-pattern" in one_sentence(result)


def test_several_control_labels_can_be_named(predict):
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
    ],
)
def test_a_date_that_excel_made_is_called_that(predict, date, meant):
    line = one_sentence(predict(table("TP53,CDKN1A,RPE1", f"TP53,{date},RPE1"))[0])
    assert f"'{date}' is a date made by Excel: {meant}" in line


def test_an_ambiguous_alias_names_both_genes(predict):
    line = one_sentence(predict(table("STRA13,CDKN1A,RPE1"))[0])
    assert "BHLHE40 or CENPX" in line


def test_the_screens_own_symbols_are_known(predict):
    _, rows = predict(table("GATD3B,CDKN1A,RPE1"))
    assert rows == [("GATD3", "CDKN1A", "RPE1")]


# B: tables


PLAIN = table("TP53,CDKN1A,RPE1")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        gzip.compress(PLAIN.encode()),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", " | ").encode(),
        PLAIN.replace(",", " ").encode(),
        b"sep=;\n" + PLAIN.replace(",", ";").encode(),
        b"# made by somebody\n" + PLAIN.encode(),
        b"\n\n" + PLAIN.encode() + b"\n,,\n",
        b"Pert,Gene,Cell_Line\nTP53,CDKN1A,RPE1\n",
        b"PERT,GENE,cell line\nTP53,CDKN1A,RPE1\n",
        b"pert,gene,Cell-Line\nTP53,CDKN1A,RPE1\n",
        b'"pert" , "gene" , "cell_line"\nTP53 , CDKN1A , RPE1\n',
        b",pert,gene,cell_line\n0,TP53,CDKN1A,RPE1\n",
        b"pert,gene,cell_line\n1,TP53,CDKN1A,RPE1\n2,TP53,CDKN1A,RPE1\n",
        b"perturbation,readout,cell_line\nTP53,CDKN1A,RPE1\n",
        "pert,gene,cell_line,Größe\nTP53,CDKN1A,RPE1,ü\n".encode("cp1252"),
        b'pert,gene,cell_line,note\nTP53,CDKN1A,RPE1,"two\nlines"\n',
    ],
)
def test_a_table_is_read_however_it_was_saved(predict, content):
    result, rows = predict(content)
    assert result.exit_code == 0, result.output
    assert set(rows) == {READ}


def test_a_separator_other_than_a_comma_is_told(predict):
    assert "separated by semicolons" in predict(PLAIN.replace(",", ";"))[0].stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"TP53,CDKN1A,RPE1\nMDM2,CDKN1A,RPE1\n", "first line is data"),
        (b'pert,gene,cell_line\nTP53,CDKN1A,"RPE1\nMDM2,CDKN1A,RPE1\n', "never closed"),
        (b"pert,gene,cell_line\nTP53,CDKN1A," + b"x" * 200_000 + b"\n", "too long"),
        (b"pert,gene,cell_line\nTP53,CDKN1A,RPE1,more\n", "4 fields"),
        (b"pert,Pert,gene,cell_line\nTP53,MDM2,CDKN1A,RPE1\n", "mean the same"),
        (gzip.compress(PLAIN.encode())[:-9], "cannot be read"),
        (b"PK\x03\x04...", "Excel workbook"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"PAR1....", "parquet"),
        (b"pert,gene,cell_line\n", "holds no pairs"),
        (b"", "no column pert"),
        (bytes(range(256)) * 4, "no column"),
        (b"id\tnum\tneg|score\tpos|score\nTP53\t4\t1\t1\n", "a gene summary of MAGeCK"),
        (b"sgrna,Gene,control_mean,LFC\na,TP53,1,2\n", "a guide summary of MAGeCK"),
        (b",baseMean,log2FoldChange,lfcSE,stat,pvalue,padj\nTP53,1,1,1,1,1,1\n", "DESeq2"),
        (b",logFC,logCPM,F,PValue,FDR\nTP53,1,1,1,1,1\n", "edgeR"),
        (b",logFC,AveExpr,t,P.Value,adj.P.Val,B\nTP53,1,1,1,1,1,1\n", "limma"),
        (b"names,scores,logfoldchanges,pvals,pvals_adj\nTP53,1,1,1,1\n", "rank_genes_groups"),
    ],
)
def test_what_is_no_table_of_pairs_is_called_what_it_is(predict, content, words):
    assert words in one_sentence(predict(content)[0])


def test_a_gene_that_is_called_like_a_control_can_be_a_readout(predict):
    _, rows = predict(table("TP53,CTRL,RPE1"))
    assert rows == [("TP53", "CTRL", "RPE1")]


def test_a_hit_list_is_pointed_to_a_command_that_can_use_it(predict):
    line = one_sentence(predict(b"id\tnum\tneg|score\tpos|score\nTP53\t4\t1\t1\n")[0])
    assert "knockwise predict --pert" in line


def test_unknown_rows_stop_the_file_and_are_counted(predict):
    rows = [f"{word},CDKN1A,RPE1" for word in ("TP53", "MDM2", "XXX", "YYY", "ZZZ", "VVV")]
    line = one_sentence(predict(table(*rows))[0])
    assert "4 of 6 rows cannot be used" in line
    assert "in column pert, 2 of 6 names are genes; 4 are not: VVV, XXX, YYY ..." in line
    assert "--skip-unknown" in line


def test_unknown_rows_are_kept_with_a_reason_where_asked(knockwise, predict, session, tmp_path):
    content = table("XXX,CDKN1A,RPE1", "TP53,CDKN1A,RPE1", "TP53,NA,RPE1", "TP53,CDKN1A,HeLa")
    result, rows = predict(content, "--skip-unknown")
    assert rows == [
        ("XXX", "CDKN1A", "RPE1"),
        READ,
        ("TP53", "NA", "RPE1"),
        ("TP53", "CDKN1A", "HeLa"),
    ]
    found = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["call"] for row in found] == ["unknown", "up", "unknown", "unknown"]
    assert [bool(row["p_de"]) for row in found] == [False, True, False, False]
    assert "no human gene" in found[0]["reason"]
    assert "missing value" in found[2]["reason"]
    assert "3 of 4 rows cannot be predicted" in result.stderr
    record = json.loads(predict(content, "--skip-unknown", "--json")[0].stdout)["rows"]
    assert record[0]["p_de"] is None


def test_mouse_symbols_are_said_to_be_mouse(predict):
    result, rows = predict(table("Tp53,Cdkn1a,RPE1", "Hspa5,Ddit3,K562"))
    assert rows[0] == READ
    assert "spelt like mouse genes" in result.stderr


def test_mouse_symbols_are_mapped_by_orthologue_where_the_table_is_there(
    predict, tmp_path, monkeypatch
):
    folder = tmp_path / "data" / "sources" / "phenotype" / "idmap"
    folder.mkdir(parents=True)
    text = "mouse_symbol\thuman_symbol\tn_human\tn_mouse\nTrp53\tTP53\t1\t1\n"
    with gzip.open(folder / "mouse_human_orthologs_MGI_HOM.tsv.gz", "wt") as file:
        file.write(text)
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path / "data"))
    result, rows = predict(table("Trp53,Cdkn1a,RPE1", "Hspa5,Ddit3,K562"))
    assert rows[0] == READ
    assert "Trp53 is read as the mouse gene of TP53" in result.stderr


def test_a_kind_in_the_table_is_kept(predict):
    result, _ = predict(table("TP53,CDKN1A,RPE1,KO", header="pert,gene,cell_line,kind"))
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert row["kind"] == "knockout"


@pytest.mark.data
def test_the_official_pairs_can_be_predicted_as_they_are(data_mirror):
    from knowledge.base import load_knowledge
    from knowledge.user_tables.labels import LabelReader
    from models.response import ResponseModel

    knowledge = load_knowledge(data_mirror / "none", ResponseModel.load().genes())
    reader = LabelReader(knowledge.symbols)
    words = set()
    for line in ("k562", "rpe1", "hepg2", "jurkat"):
        with (data_mirror / "perturbqa" / f"{line}-de.csv").open(newline="") as file:
            words |= {row[name] for row in csv.DictReader(file) for name in ("pert", "gene")}
    assert len(words) > 9_000
    assert [word for word in words if reader.read(word).reading != "genes"] == []
    assert [word for word in words if len(reader.read(word).genes) != 1] == []
