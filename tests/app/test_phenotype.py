"""`knockwise phenotype` with a model that says what it was told."""

import csv
import gzip
import io
import json
import re
import runpy
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from app.show.pages import html_page, markdown_page
from app.show.render import answer_view
from app.show.terminal import UNICODE
from knowledge.schema import KnownPhenotype, Phenotype
from tests.app.refusal import one_sentence

TOLD = runpy.run_path(str(Path(__file__).parents[1] / "told_phenotypes.py"))
PROTEIN = "MKVLATRGDWYHKDEFGHIK"


@pytest.fixture
def model(monkeypatch):
    """The model that the command loads instead of the shipped one."""
    told = TOLD["ToldPhenotypes"]()
    monkeypatch.setattr("models.genepheno.model.GenePhenoModel.load", lambda *folder: told)
    return told


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "mine.fasta"
    path.write_text(f">one first\n{PROTEIN}\n>two\n{PROTEIN.lower()}*\n")
    return path


def words(text):
    return " ".join(text.split())


def test_known_phenotypes_are_shown_apart_from_the_predicted_ones(knockwise, model):
    result = knockwise("phenotype", "MDM2", "--collection", "mp")
    assert result.exit_code == 0, result.output
    known, _, predicted = result.stdout.partition("Predicted for MDM2 from its sequence")
    assert "Known in mouse mutants: 3" in known
    assert "short bone, abnormal bone" in known
    assert "0.70" not in known
    assert re.search(r"short bone \(MP:3\) +0\.70 +0\.05 +bone growth; kinase", predicted)
    assert "Most similar sequences: MDM4 (mouse, 62%)" in predicted
    assert "no medical advice" in predicted


def test_mouse_and_human_terms_are_shown_unless_others_are_asked_for(knockwise, model):
    usual = knockwise("phenotype", "MDM2").stdout
    assert "in mouse mutants" in usual
    assert "in human disease" in usual
    asked = knockwise("phenotype", "MDM2", "--collection", "komp", "--collection", "gwas").stdout
    assert "in standardised mouse knockout screens" in asked
    assert "in mouse mutants" not in asked


def test_top_bounds_the_list(knockwise, model):
    text = knockwise("phenotype", "MDM2", "--collection", "mp", "--top", "1").stdout
    assert "short bone (MP:3)" in text
    assert "deafness (MP:5)" not in text


def test_a_gene_without_a_sequence_is_said_to_be_predicted_from_curated_functions(knockwise, model):
    result = knockwise("phenotype", "MDM4")
    assert "Predicted for MDM4 from its curated functions" in result.stdout
    assert "No sequence of MDM4 is at hand" in words(result.stdout)


def test_what_was_examined_and_found_normal_is_said(knockwise, model):
    text = words(knockwise("phenotype", "CDKN1A", "--collection", "mp").stdout)
    assert "nothing abnormal was detected" in text


def test_an_alias_is_told(knockwise, model):
    result = knockwise("phenotype", "HDM2", "--collection", "hpo")
    assert "HDM2 is read as MDM2." in result.stderr
    assert "MDM2" in result.stdout


def test_json_holds_every_term_with_known_and_predicted_apart(knockwise, model):
    said = json.loads(knockwise("phenotype", "MDM2", "--collection", "mp", "--json").stdout)
    assert said["gene"] == "MDM2"
    (known,) = said["known"]
    assert {one["term"] for one in known["phenotypes"]} == {"MP:2", "MP:3", "MP:5"}
    (predicted,) = said["predicted"]
    assert [one["term"] for one in predicted["phenotypes"]][:2] == ["MP:1", "MP:2"]
    assert len(predicted["phenotypes"]) == 6
    assert predicted["basis"] == "sequence"
    explained = {one["term"]: one["functions"] for one in predicted["explained"]}
    assert explained["MP:3"][0] == {
        "go": "GO:1", "name": "bone growth", "activation": 0.9, "weight": 2.0,
    }  # fmt: skip


def test_a_file_of_sequences_gives_every_term_of_every_collection(
    knockwise, model, fasta, tmp_path
):
    out = tmp_path / "out.csv"
    result = knockwise("phenotype", "--fasta", fasta, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"20 rows written to {out}." in result.stderr.replace("\n", "")
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert list(rows[0]) == ["id", "collection", "term", "name", "probability"]
    assert {row["id"] for row in rows} == {"one", "two"}
    assert {row["collection"] for row in rows} == {"mp", "hpo", "komp", "gwas"}
    short = next(row for row in rows if row["term"] == "MP:3")
    assert (short["name"], float(short["probability"])) == ("short bone", pytest.approx(0.7))
    assert sorted(x.name for x in tmp_path.iterdir()) == ["mine.fasta", "out.csv"]


def test_a_file_may_be_compressed_and_hold_the_likeliest_terms_only(
    knockwise, model, fasta, tmp_path
):
    out = tmp_path / "out.csv.gz"
    more = ("--collection", "mp", "--top", "2", "--out", out)
    assert knockwise("phenotype", "--fasta", fasta, *more).exit_code == 0
    with gzip.open(out, "rt") as file:
        rows = list(csv.DictReader(file))
    assert [row["term"] for row in rows] == ["MP:1", "MP:2"] * 2


def test_many_sequences_are_each_written(knockwise, model, tmp_path):
    path = tmp_path / "many.fasta"
    path.write_text("".join(f">p{i}\n{PROTEIN}\n" for i in range(200)))
    out = tmp_path / "out.csv"
    knockwise("phenotype", "--fasta", path, "--out", out, "--collection", "komp")
    assert [line.split(",")[0] for line in out.read_text().splitlines()[1:]] == [
        f"p{i}" for i in range(200)
    ]


def test_names_with_commas_and_quotes_survive_the_file(knockwise, model, tmp_path, monkeypatch):
    monkeypatch.setitem(TOLD["TERMS"], "gwas", (("a, b", 'say "c", d', (), ""),))
    path = tmp_path / "odd.fasta"
    path.write_text(f">id,with,commas\n{PROTEIN}\n")
    text = knockwise("phenotype", "--fasta", path, "--out", "-", "--collection", "gwas").stdout
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["id"], row["term"], row["name"]) == ("id,with,commas", "a, b", 'say "c", d')


def test_a_gene_can_be_written_to_a_file_too(knockwise, model):
    text = knockwise("phenotype", "MDM2", "--collection", "hpo", "--out", "-").stdout
    assert text.splitlines()[1] == "MDM2,hpo,HP:1,Abnormality of growth,0.6"


def test_a_few_sequences_are_shown_on_the_screen(knockwise, model, fasta):
    text = knockwise("phenotype", "--fasta", fasta, "--collection", "mp").stdout
    assert "Predicted for one from its sequence" in text
    assert "Predicted for two from its sequence" in text
    listed = json.loads(knockwise("phenotype", "--fasta", fasta, "--json").stdout)["rows"]
    assert [one["sequence"] for one in listed] == ["one", "two"]


def test_unusable_records_are_left_out_and_named(knockwise, model, tmp_path):
    path = tmp_path / "mixed.fasta"
    path.write_text(f">good\n{PROTEIN}\n>dna\n{'ACGT' * 20}\n>empty\n>odd\n{PROTEIN}1\n")
    result = knockwise("phenotype", "--fasta", path, "--out", "-", "--collection", "komp")
    assert result.exit_code == 0
    assert [line.split(",")[0] for line in result.stdout.splitlines()[1:]] == ["good", "odd"]
    said = words(result.stderr)
    assert "dna is DNA or RNA" in said
    assert "empty has no sequence" in said
    assert "odd: 1 characters that are no residue were read as X." in said


def test_a_model_of_ones_own_is_read_from_its_folder(knockwise, monkeypatch, model, tmp_path):
    read = []
    monkeypatch.setattr(
        "models.genepheno.model.GenePhenoModel.load", lambda folder: read.append(folder) or model
    )
    knockwise("phenotype", "MDM2", "--model", tmp_path)
    assert read == [tmp_path]


def test_a_model_of_fewer_collections_is_asked_for_those_it_has(knockwise, model, monkeypatch):
    monkeypatch.setattr(model, "collections", ("komp",), raising=False)
    assert "standardised mouse knockout screens" in knockwise("phenotype", "MDM2").stdout
    rows = knockwise("phenotype", "MDM2", "--out", "-").stdout.splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ["komp"]


def test_a_folder_without_a_model_is_named(knockwise, tmp_path):
    assert str(tmp_path) in one_sentence(knockwise("phenotype", "MDM2", "--model", tmp_path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--fasta"),
        (("MDM2", "--fasta", "x.fasta"), "--fasta"),
        (("MDM22",), "did you mean MDM2"),
        (("ATF4",), "--fasta"),
        (("MDM2", "--out", "x.xlsx"), ".csv or .csv.gz"),
        (("MDM2", "--out", "no/x.csv"), "no folder"),
        (("MDM2", "--out", "x.csv", "--json"), "choose one"),
        (("--fasta", "no.fasta"), "no.fasta"),
        (("ATF4", "--out", "-"), "--fasta"),
    ],
)
def test_what_cannot_be_predicted_is_said_in_one_sentence(knockwise, model, arguments, said):
    assert said in one_sentence(knockwise("phenotype", *arguments))


def test_too_many_sequences_for_a_screen_need_a_file(knockwise, model, tmp_path):
    path = tmp_path / "many.fasta"
    path.write_text("".join(f">p{i}\n{PROTEIN}\n" for i in range(11)))
    assert "--out" in one_sentence(knockwise("phenotype", "--fasta", path))


@pytest.mark.parametrize("text", ["", "just text\n", ">dna\n" + "ACGT" * 30, ">none\n"])
def test_a_file_without_proteins_is_refused_in_one_sentence(knockwise, model, tmp_path, text):
    path = tmp_path / "bad.fasta"
    path.write_text(text)
    assert str(path) in one_sentence(knockwise("phenotype", "--fasta", path, "--out", "-"))


@pytest.fixture
def organism(answer):
    """An answer about the organism alone: one phenotype known, another predicted."""
    return answer.model_copy(
        update={
            "effects": (),
            "steps": (),
            "hypotheses": (),
            "known_phenotypes": (
                KnownPhenotype(
                    term="MP:1", name="pale | fur", collection="mp", evidence_ids=("E11",)
                ),
            ),
            "phenotypes": (
                Phenotype(
                    term="MP:2",
                    name="short <bone>",
                    probability=0.8,
                    collection="mp",
                    through=("bone growth", "kinase"),
                    evidence_ids=("E16",),
                ),
            ),
        }
    )


def test_an_answer_shows_known_phenotypes_apart_from_predicted_ones(organism):
    view = answer_view(organism, UNICODE)
    text = StringIO()
    Console(file=text, width=120).print(view)
    known, _, predicted = text.getvalue().partition("Predicted phenotypes")
    assert "Known phenotypes" in known
    assert "pale | fur (MP:1)" in known
    assert "short" not in known
    assert "short <bone> (MP:2)  0.80  mp  through bone growth; kinase  [E16]" in predicted


def test_a_report_about_the_organism_alone_has_both_lists_and_no_empty_parts(organism):
    page, markdown = html_page(organism), markdown_page(organism)
    assert ">Known phenotypes</h2>" in page
    assert "short &lt;bone&gt; (MP:2, mp): 0.80, through bone growth; kinase" in page
    assert ">Predicted effects</h2>" not in page
    assert ">The cascade</h2>" not in page
    known, _, predicted = markdown.partition("## Predicted phenotypes")
    assert "pale \\| fur" in known
    assert "through bone growth; kinase" in predicted


DOCS = (Path(__file__).parents[2] / "docs" / "phenotypes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    re.findall(
        r"^knockwise (phenotype.*)$", "".join(re.findall(r"```sh\n(.*?)```", DOCS, re.S)), re.M
    ),
)
def test_a_documented_command_has_the_options_it_is_shown_with(knockwise, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    told = knockwise("phenotype", "--help").output
    assert all(option in told for option in re.findall(r"--[a-z0-9-]+", command))


def test_the_documented_collections_are_those_that_can_be_asked_for():
    from tools.phenotypes import ABOUT

    assert re.findall(r"^\| `([a-z]+)` \|", DOCS, re.M) == list(ABOUT)


def test_the_documented_python_runs(capsys):
    exec(compile(re.search(r"```python\n(.*?)```", DOCS, re.S)[1], "phenotypes.md", "exec"), {})
    assert re.search(r"^\S.* 0\.\d+$", capsys.readouterr().out, re.M)


def test_sequences_that_are_named_after_genes_are_told(knockwise, model, tmp_path):
    path = tmp_path / "named.fasta"
    path.write_text(f">MDM2_KO\n{PROTEIN}\n>2-Sep\n{PROTEIN}\n>mine\n{PROTEIN}\n")
    result = knockwise("phenotype", "--fasta", path, "--out", "-", "--collection", "komp")
    assert result.exit_code == 0, result.output
    assert "1 of 3 names are genes (MDM2); `knockwise phenotype MDM2`" in result.stderr
    assert "'2-Sep' is a date made by Excel" in result.stderr
