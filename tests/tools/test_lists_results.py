"""What people have is read as what it is: tables of the usual programs, lists, and what is none."""

import pytest

from knowledge.errors import QuestionError
from tools.lists.listed import Reading
from tools.lists.results import read_result

GENES = ("DDIT3", "LDLR", "ACTB", "TP53")
TABLES = {
    "DESeq2": ",baseMean,log2FoldChange,lfcSE,stat,pvalue,padj\n"
    "DDIT3,100,2,.1,9,1e-9,1e-8\nLDLR,90,-1,.1,-9,1e-9,1e-8\nACTB,900,.01,.1,.1,.9,.95\n",
    "edgeR": '"","logFC","logCPM","F","PValue","FDR"\n'
    '"DDIT3",2,5,9,1e-9,1e-8\n"LDLR",-1,5,9,1e-9,1e-8\n"ACTB",.01,9,.1,.9,.95\n',
    "limma": ",logFC,AveExpr,t,P.Value,adj.P.Val,B\n"
    "DDIT3,2,5,9,1e-9,1e-8,3\nLDLR,-1,5,-9,1e-9,1e-8,3\nACTB,.01,9,.1,.9,.95,-5\n",
    "scanpy": "names,scores,logfoldchanges,pvals,pvals_adj\n"
    "DDIT3,9,2,1e-9,1e-8\nLDLR,-9,-1,1e-9,1e-8\nACTB,.1,.01,.9,.95\n",
    "Seurat": '"p_val","avg_log2FC","pct.1","pct.2","p_val_adj"\n'
    '"DDIT3",1e-9,2,.5,.1,1e-8\n"LDLR",1e-9,-1,.5,.6,1e-8\n"ACTB",.9,.01,1,1,.95\n',
}
MAGECK = (
    "id\tnum\tneg|score\tneg|p-value\tneg|fdr\tneg|rank\tneg|goodsgrna\tneg|lfc\tpos|score\t"
    "pos|p-value\tpos|fdr\tpos|rank\tpos|goodsgrna\tpos|lfc\n"
    "SREBF2\t4\t1e-9\t1e-7\t1e-4\t1\t4\t-3\t1\t1\t1\t9\t0\t-3\n"
    "MYLIP\t4\t1\t1\t1\t9\t0\t2\t1e-9\t1e-7\t1e-4\t1\t4\t2\n"
    "ACTB\t4\t.5\t.5\t.9\t5\t0\t0\t.5\t.5\t.9\t5\t0\t0\n"
)


@pytest.fixture
def read(starter, tmp_path):
    def reading(text, name="result.csv", **more):
        file = tmp_path / name
        file.write_text(text)
        return read_result(str(file), starter.symbols, **more)

    return reading


@pytest.mark.parametrize("program", TABLES)
def test_the_tables_of_the_usual_programs_say_what_changed_and_which_way(read, program):
    found = read(TABLES[program])
    assert program in found.description
    assert found.signs == {"DDIT3": 1, "LDLR": -1}
    assert [one.gene for one in found.unchanged] == ["ACTB"]


def test_a_summary_of_mageck_is_of_perturbed_genes_depleted_or_enriched(read):
    found = read(MAGECK, "screen.gene_summary.txt")
    assert found.kind == "perturbed"
    assert found.signs == {"SREBF2": -1, "MYLIP": 1}


@pytest.mark.parametrize(
    "words", ["DDIT3+,LDLR-", "DDIT3 up\nLDLR down", "+DDIT3 -LDLR", "DDIT3↑; LDLR↓"]
)
def test_signs_of_a_bare_list_are_read_however_they_are_written(starter, words):
    assert read_result(words, starter.symbols).signs == {"DDIT3": 1, "LDLR": -1}


def test_a_file_with_a_gene_a_line_is_a_list_without_directions(read):
    found = read("DDIT3\nLDLR\n", "genes.txt")
    assert [one.gene for one in found.changed] == ["DDIT3", "LDLR"]
    assert not found.signs
    assert any("no directions" in note for note in found.notes)


def test_thresholds_decide_what_changed(read):
    strict = Reading(alpha=1e-10)
    assert not read(TABLES["DESeq2"], reading=strict).changed
    large = Reading(least_effect=1.5)
    assert read(TABLES["DESeq2"], reading=large).signs == {"DDIT3": 1}


def test_of_several_groups_the_one_of_the_perturbation_is_read(read):
    text = TABLES["scanpy"].replace("names", "group,names", 1)
    lines = [text.splitlines()[0]]
    lines += [f"HSPA5,{line}" for line in text.splitlines()[1:]]
    lines += ["TP53,TP53,9,2,1e-9,1e-8"]
    assert read("\n".join(lines), pert="HSPA5").signs == {"DDIT3": 1, "LDLR": -1}
    with pytest.raises(QuestionError, match="--group"):
        read("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("gene,log2FoldChange,padj\n", "no row but its header"),
        ("imatinib\ndasatinib\nsimvastatin\n", "lists drugs"),
        ("foo\nbarbaz\nqux\n", "no list of human genes"),
        ("Gm12345\nOlfr56\nMup20\nZfp36l3\n", "lists mouse genes"),
    ],
)
def test_what_is_no_list_of_human_genes_is_refused_as_what_it_is(read, text, said):
    with pytest.raises(QuestionError, match=said):
        read(text, "thing.txt")


def test_mouse_genes_are_read_as_their_human_orthologues_and_that_is_told(read):
    human = {"Trp53": "TP53", "Ddit3": "DDIT3"}
    found = read("Trp53\nDdit3\n", "mouse.txt", orthologues=lambda: human)
    assert {one.gene for one in found.changed} == {"TP53", "DDIT3"}
    assert any("mouse" in note for note in found.notes)
