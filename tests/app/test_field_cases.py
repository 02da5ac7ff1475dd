"""The tables of the field cases, as they were reported, with the genes that Knockwise ships."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.jobs.pairs import read_pairs
from knowledge.errors import KnockwiseError, QuestionError

pytestmark = pytest.mark.data
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def knowledge(data_mirror):
    from knowledge.base import load_knowledge
    from models.response import ResponseModel

    return load_knowledge(data_mirror / "none", ResponseModel.load().genes())


@pytest.fixture(scope="module")
def inputs(data_mirror):
    folder = data_mirror / "field" / "inputs"
    if not folder.is_dir():
        pytest.skip("the mirror has no field cases")
    return folder


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("bom_crlf.csv", ("HSPA5", "DDIT3", "K562")),
        ("blanks.csv", ("HSPA5", "DDIT3", "K562")),
        ("caps.csv", ("HSPA5", "DDIT3", "K562")),
        ("dup.csv", ("HSPA5", "DDIT3", "K562")),
        ("extra.csv", ("HSPA5", "DDIT3", "K562")),
        ("index.csv", ("HSPA5", "DDIT3", "K562")),
        ("many.csv", ("HSPA5", "DDIT3", "K562")),
        ("semicolon.csv", ("HSPA5", "DDIT3", "K562")),
        ("space.csv", ("HSPA5", "DDIT3", "K562")),
        ("versioned.csv", ("TP53", "CDKN1A", "RPE1")),
    ],
)
def test_a_table_is_read_as_it_is_meant(knowledge, inputs, name, first):
    asked = read_pairs(inputs / name, knowledge, "knockdown")
    perturbation = asked.perturbations[asked.which[0]]
    assert ("+".join(perturbation.genes), asked.genes[asked.gene[0]], perturbation.cell_line) == (
        first
    )
    assert not asked.unknown
    assert all(len(one.genes) == 1 for one in asked.perturbations)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gears.csv", ["1 of 3 rows", "'ctrl' is a control label"]),
        ("na2.csv", ["line 2", "'NA' is a missing value", "'NaN' is a missing value"]),
        ("excel.csv", ["'1-Mar' is a date made by Excel", "SEPTIN2?"]),
        ("guides.csv", ["4 of 8 rows", "'AAVS1' is a safe-harbour control locus"]),
        ("gene_summary.txt", ["a gene summary of MAGeCK", "knockwise explain FILE"]),
    ],
)
def test_a_table_that_cannot_be_used_is_told_why(knowledge, inputs, name, words):
    with pytest.raises(QuestionError) as caught:
        read_pairs(inputs / name, knowledge, "knockdown")
    for word in words:
        assert word in str(caught.value)


def test_a_gene_beside_a_control_is_kept_alone(knowledge, inputs):
    asked = read_pairs(inputs / "gears.csv", knowledge, "knockdown", skip_unknown=True)
    assert [one.genes for one in asked.perturbations] == [("TP53",), ("MDM2",)]
    assert list(asked.unknown) == [2]


def test_guides_are_read_as_their_genes(knowledge, inputs):
    asked = read_pairs(inputs / "guides.csv", knowledge, "knockdown", skip_unknown=True)
    assert [one.genes for one in asked.perturbations] == [("TP53",)]
    assert list(asked.unknown) == [4, 5, 6, 7]


def test_mouse_genes_are_said_to_be_mouse(knowledge, inputs):
    told = []
    read_pairs(
        inputs / "mouse.csv",
        knowledge,
        "knockdown",
        skip_unknown=True,
        orthologues=lambda: {"Trp53": "TP53"},
        tell=told.append,
    )
    assert any("spelt like mouse genes" in note for note in told)


# Screens, questions, processes and sequences of the field


@pytest.fixture(scope="module")
def symbols(data_mirror):
    from knowledge.sources.genes import read_symbols

    return read_symbols(data_mirror)


def screen(path, symbols, *controls, **more):
    from models.expression.anndata_file import read_h5ad

    return read_h5ad(path, "condition", controls, symbols=symbols, **more)


def test_a6_a_suffix_of_a_screen_is_no_second_gene(symbols, inputs):
    read = screen(inputs / "ko.h5ad", symbols, "ctrl")
    assert ("JAK1",) in read.perturbations
    assert all(len(genes) == 1 for genes in read.perturbations)


def test_a8_guides_of_a_screen_are_cells_of_their_gene(symbols, inputs):
    read = screen(inputs / "guides.h5ad", symbols, "ctrl")
    assert dict(zip(read.perturbations, read.cells, strict=True))[("IFNGR1",)] == 24


def test_a9_several_control_labels_are_named_or_asked_for(symbols, inputs):
    with pytest.raises(KnockwiseError, match=r"'safe-targeting'.*name each as --control"):
        screen(inputs / "twoctrl.h5ad", symbols, "non-targeting")
    read = screen(inputs / "twoctrl.h5ad", symbols, "non-targeting", "safe-targeting")
    assert len(read.perturbations) == 8


def test_b12_mouse_genes_of_a_screen_are_said_to_be_mouse(symbols, inputs, caplog):
    screen(inputs / "mouse.h5ad", symbols, "ctrl")
    assert "spelt like mouse genes" in caplog.text


def test_b13_numbers_of_rows_are_no_readouts(symbols, inputs):
    with pytest.raises(KnockwiseError, match=r"'gene_name'; name that as --gene-col"):
        screen(inputs / "varidx.h5ad", symbols, "ctrl")
    read = screen(inputs / "varidx.h5ad", symbols, "ctrl", genes="gene_name")
    assert "CDKN1A" in read.readouts


@pytest.mark.parametrize(
    ("name", "said"),
    [("emb_depmap.csv", None), ("emb_idx.csv", None), ("emb_transposed.csv", "turn the table")],
)
def test_b5_b7_b8_embeddings_of_other_tools(symbols, inputs, name, said):
    from evals.genes.embeddings import read_file

    if said:
        with pytest.raises(KnockwiseError, match=said):
            read_file(inputs / name, symbols)
    else:
        assert read_file(inputs / name, symbols).vectors.shape[1] == 4


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Knock down 2-Sep in K562: what happens to DDIT3?", ["'2-Sep'", "date", "SEPTIN2"]),
        ("Knock out HSPA5 in K562: what happens to 1-Mar?", ["'1-Mar'", "date", "MARCHF1"]),
        ("AAVS1 knockout in K562: DDIT3?", ["'AAVS1'", "control"]),
        ("non-targeting in K562: DDIT3?", ["'non-targeting'", "control"]),
    ],
)
def test_a12_a11_e6_what_a_question_names_that_is_no_gene(knockwise, question, words):
    result = knockwise("ask", "--quiet", question)
    assert (result.exit_code, result.stdout) == (2, "")
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("question", "perturbed", "readouts"),
    [
        ("HSPA5_KO in K562: DDIT3?", ["HSPA5"], ["DDIT3"]),
        ("HSPA5-/- K562: DDIT3?", ["HSPA5"], ["DDIT3"]),
        ("sgTP53 in RPE1: CDKN1A?", ["TP53"], ["CDKN1A"]),
    ],
)
def test_e1_e8_a_label_in_a_question_is_its_gene(knockwise, question, perturbed, readouts):
    said = json.loads(knockwise("read", "--json", question).stdout)
    assert perturbed == said["question"]["perturbation"]["genes"]
    assert readouts == said["question"]["readouts"]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Which knockout raises DDIT3 in K562?", "reverse"),
        ("Compare knocking out HSPA5 versus ATF4 on DDIT3", "compare"),
        ("Rank HSPA5, SEL1L and DNAJB9 by their effect on DDIT3", "compare"),
        ("hits: HSPA5, DNAJB9, SEL1L. What happens to DDIT3 for each?", "compare"),
    ],
)
def test_e3_e5_questions_that_are_not_forward_are_read_as_what_they_are(knockwise, question, kind):
    assert kind in knockwise("read", question).stdout


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": "/sys"},
        {"HOME": "{file}"},
        {"HOME": None},
        {"KNOCKWISE_RUNS": "/sys/runs"},
        {"KNOCKWISE_RUNS": "{file}"},
        {"TMPDIR": "{file}/none"},
    ],
)
def test_c5_odd_homes_and_folders_are_one_sentence_or_an_answer(tmp_path, variables):
    (tmp_path / "file").write_text("")
    usual = {n: v for n, v in os.environ.items() if not n.startswith(("KNOCKWISE_", "XDG_"))}
    environment = {**usual, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    for name, value in variables.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value.replace("{file}", str(tmp_path / "file"))
    words = [sys.executable, "-m", "app.cli", "ask", "--quiet", "HSPA5 knockout in K562: DDIT3?"]
    done = subprocess.run(
        words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    if done.returncode == 2:
        (line,) = [x for x in done.stderr.splitlines() if x.startswith("error: ")]
        assert any(value.split("}")[-1] in line for value in variables.values() if value)


def test_c7_newer_pythons_are_allowed():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"].replace(" ", "") in (">=3.11,<3.14", ">=3.11")


PROTEIN = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGE"


@pytest.mark.parametrize(
    ("text", "read", "said"),
    [
        (f">a\n{PROTEIN}*\n", PROTEIN, ""),
        (f">a\n{PROTEIN}*{PROTEIN}\n", f"{PROTEIN}X{PROTEIN}", "stops inside"),
        (f">a\n{PROTEIN.lower()}\n", PROTEIN, ""),
        (f">a\n{PROTEIN}UX\n", f"{PROTEIN}CX", ""),
        (f">a\n{PROTEIN[:9]}--{PROTEIN[9:]}\n", PROTEIN, "gaps"),
        (f">a\r\n{PROTEIN}\r\n", PROTEIN, ""),
        (f"\ufeff>a\n{PROTEIN}\n", PROTEIN, ""),
        (f">a\n{PROTEIN}\n>a\n{PROTEIN}\n", PROTEIN, "same name"),
        (f">a\n1 {PROTEIN[:10]} {PROTEIN[10:]}\n", None, "no residue"),
        (f">a\n{'ACGT' * 20}\n", "refused", "DNA"),
        (f"{PROTEIN}\n", "refused", "not FASTA"),
        ("", "refused", "empty"),
    ],
)
def test_f1_sequences_are_read_as_they_are_meant(tmp_path, text, read, said):
    from models.genepheno.sequences import read_fasta

    path = tmp_path / "x.fasta"
    path.write_bytes(text.encode())
    if read == "refused":
        with pytest.raises(KnockwiseError, match=said):
            read_fasta(path)
        return
    first = read_fasta(path)[0]
    assert read is None or first.sequence == read
    assert said in "; ".join(first.notes)


@pytest.mark.slow
def test_b_an_evaluation_of_ones_own_screen_needs_no_other_screen(
    knockwise, data_mirror, inputs, tmp_path
):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("knowledge", "networks", "perturbqa", "phenotype"):
        (data / name).symlink_to(data_mirror / name)
    result = knockwise(
        "eval", "expression", "--data", data, "--out", tmp_path / "run", "--folds", 2,
        "--no-neural", "--h5ad", inputs / "twoctrl.h5ad", "--pert-col", "condition",
        "--control", "non-targeting", "--control", "safe-targeting",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "unseen single genes" in result.stdout
