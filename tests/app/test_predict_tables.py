"""What people bring to `predict --pairs`: cases from public reports, and others of their kinds."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile

import pytest

from tests.app.pairs_world import READ, predict, table  # noqa: F401  # a fixture
from tests.app.refusal import one_sentence

PLAIN = table("TP53,CDKN1A,RPE1")


def zipped(text, *names):
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name in names:
            # Of 1980, not of now: two workers must collect the same tests.
            archive.writestr(zipfile.ZipInfo(name), text)
    return kept.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        gzip.compress(PLAIN.encode(), mtime=0),
        bz2.compress(PLAIN.encode()),
        lzma.compress(PLAIN.encode()),
        zipped(PLAIN, "pairs.csv"),
        zipped(PLAIN, "pairs.csv", "__MACOSX/._pairs.csv"),
        gzip.compress(PLAIN.encode("utf-16"), mtime=0),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace(",", "   ").encode(),
        PLAIN.replace("\n", "\r").encode(),
        b"pert gene cell_line\n1 TP53 CDKN1A RPE1\n2 TP53 CDKN1A RPE1\n",
        b"'pert','gene','cell_line'\n'TP53','CDKN1A','RPE1'\n",
        b"pert;gene;cell_line;lfc\nTP53;CDKN1A;RPE1;1,25\n",
        b"Unnamed: 0,pert,gene,cell_line\n0,TP53,CDKN1A,RPE1\n",
        b"knockdown,readout,cell type\nTP53,CDKN1A,RPE1\n",
        b"grna_target,response_id,cell_line,cell_type\nTP53,CDKN1A,RPE1,epithelial\n",
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
def test_a_table_is_read_however_it_was_saved(predict, content):  # noqa: F811
    result, rows = predict(content)
    assert result.exit_code == 0, result.output
    assert set(rows) == {READ}


def test_a_separator_other_than_a_comma_is_told(predict):  # noqa: F811
    assert "separated by semicolons" in predict(PLAIN.replace(",", ";"))[0].stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"TP53,CDKN1A,RPE1\nMDM2,CDKN1A,RPE1\n", "first line is data"),
        (b'pert,gene,cell_line\nTP53,CDKN1A,"RPE1\nMDM2,CDKN1A,RPE1\n', "never closed"),
        (b"pert,gene,cell_line\nTP53,CDKN1A," + b"x" * 200_000 + b"\n", "too long"),
        (b"pert,gene,cell_line\nTP53,CDKN1A,RPE1,more\n", "4 fields"),
        (b"pert,Pert,gene,cell_line\nTP53,MDM2,CDKN1A,RPE1\n", "mean the same"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-9], "cannot be read"),
        (b"PK\x03\x04...", "Excel workbook"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"PAR1....", "parquet"),
        (b"pert,gene,cell_line\n", "holds no pairs"),
        (b"", "no column pert"),
        (bytes(range(256)) * 4, "is not text"),
        (b"id\tnum\tneg|score\tpos|score\nTP53\t4\t1\t1\n", "a gene summary of MAGeCK"),
        (b"sgrna,Gene,control_mean,LFC\na,TP53,1,2\n", "a guide summary of MAGeCK"),
        (b",baseMean,log2FoldChange,lfcSE,stat,pvalue,padj\nTP53,1,1,1,1,1,1\n", "DESeq2"),
        (b",logFC,logCPM,F,PValue,FDR\nTP53,1,1,1,1,1\n", "edgeR"),
        (b",logFC,AveExpr,t,P.Value,adj.P.Val,B\nTP53,1,1,1,1,1,1\n", "limma"),
        (b"names,scores,logfoldchanges,pvals,pvals_adj\nTP53,1,1,1,1\n", "rank_genes_groups"),
        (b"KO_n,KO_p,WT_n,WT_p\nTP53,1,MDM2,1\n", "rank_genes_groups"),
        (b"0_names,0_scores\nTP53,1\n", "rank_genes_groups"),
        (b'"","p_val","avg_log2FC","pct.1","pct.2"\n"TP53",1,1,1,1\n', "Seurat's FindMarkers"),
        (b",p_val,avg_logFC,pct.1,pct.2\nTP53,1,1,1,1\n", "Seurat's FindMarkers"),
        (b"Gene\tsgRNA\tHL60|beta\tHL60|z\nTP53\t4\t1\t1\n", "MAGeCK MLE"),
        (b"id,num,neg.score,neg.p.value,pos.score\nTP53,4,1,1,1\n", "a gene summary of MAGeCK"),
        (b"sgRNA\tGene\tctrl\nx\tTP53\t1\n", "a count table of MAGeCK"),
        (b"genes\tlogFC\tlogCPM\tLR\tPValue\nTP53\t1\t1\t1\t1\n", "edgeR"),
        (b"gene;baseMean;log2FoldChange;padj\nTP53;1,2;3,4;0,1\n", "DESeq2: its column 'gene'"),
        (b"GENE\tsumZ\tnumObs\tnormZ\nTP53\t1\t1\t1\n", "DrugZ"),
        (b"GENE\tBF\tSTD\nTP53\t1\t1\n", "BAGEL"),
        (b"My results\npert,gene,cell_line\nTP53,CDKN1A,RPE1\n", "line 2 looks like the header"),
        (b"pert,TP53,MDM2\ngene,X,Y\ncell_line,RPE1,RPE1\n", "exchange rows and columns"),
        (b'"pert,gene,cell_line"\n"TP53,CDKN1A,RPE1"\n', "quotation marks as a whole"),
        (b"pert,gene\nTP53,CDKN1A\n", "--cell-line"),
        (b"pert,gene,cell_line\nTP53,CDKN1A,NA\n", "'NA' in cell_line is a missing value"),
        (b'[{"pert": "TP53"}]', "is JSON"),
        (b"<html><body>502</body></html>", "HTML"),
        (b"%PDF-1.4\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0" * 9, "old Excel workbook"),
        (b"\x80\x04\x95\x00", "a pickle"),
        (b"\x28\xb5\x2f\xfd" * 9, "Zstandard"),
        (zipped(PLAIN, "a.csv", "b.csv"), "an archive of 2 files"),
        (zipped(PLAIN, "[Content_Types].xml", "xl/workbook.xml"), "Excel workbook"),
    ],
)
def test_what_is_no_table_of_pairs_is_called_what_it_is(predict, content, words):  # noqa: F811
    assert words in one_sentence(predict(content)[0])


def test_a_gene_that_is_called_like_a_control_can_be_a_readout(predict):  # noqa: F811
    _, rows = predict(table("TP53,CTRL,RPE1"))
    assert rows == [("TP53", "CTRL", "RPE1")]


def test_a_hit_list_is_pointed_to_a_command_that_can_use_it(predict):  # noqa: F811
    line = one_sentence(predict(b"id\tnum\tneg|score\tpos|score\nTP53\t4\t1\t1\n")[0])
    assert "knockwise explain FILE" in line


def test_unknown_rows_stop_the_file_and_are_counted(predict):  # noqa: F811
    rows = [f"{word},CDKN1A,RPE1" for word in ("TP53", "MDM2", "XXX", "YYY", "ZZZ", "VVV")]
    line = one_sentence(predict(table(*rows))[0])
    assert "4 of 6 rows cannot be used" in line
    assert "in column pert, 2 of 6 names are genes; 4 are not: VVV, XXX, YYY ..." in line
    assert "--skip-unknown" in line


def test_unknown_rows_are_kept_with_a_reason_where_asked(knockwise, predict, session, tmp_path):  # noqa: F811
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


def test_mouse_symbols_are_said_to_be_mouse(predict):  # noqa: F811
    result, rows = predict(table("Tp53,Cdkn1a,RPE1", "Hspa5,Ddit3,K562"))
    assert rows[0] == READ
    assert "spelt like mouse genes" in result.stderr


def test_mouse_symbols_are_mapped_by_orthologue_where_the_table_is_there(
    predict,  # noqa: F811
    tmp_path,
    monkeypatch,
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


def test_a_kind_in_the_table_is_kept(predict):  # noqa: F811
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
