import json
import re

from app.show.pages import html_page
from knowledge.schema import Answer

QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?"


def test_the_front_page_asks_and_loads_nothing_from_elsewhere(visitor):
    page = visitor.get("/")
    assert page.status_code == 200
    assert "Your question" in page.text
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert all(one.startswith(("/", "#")) for one in loaded)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_question_is_shown_as_it_is_read_before_anything_is_answered(visitor, house):
    page = visitor.post("/read", {"text": "bip KO in k562: chop?"}, headers={"hx-request": "true"})
    assert "Knock out HSPA5 in K562: what happens to DDIT3?" in page.text
    assert 'name="genes" value="HSPA5"' in page.text
    assert "Answer it" in page.text
    assert not list(house.runs.glob("2*"))


def test_a_changed_part_makes_another_question(visitor):
    parts = {"genes": "HSPA5", "kind": "knockdown", "cell_line": "RPE1", "readouts": "HMOX1"}
    page = visitor.post("/read", {"text": QUESTION, **parts}, headers={"hx-request": "true"}).text
    assert "Knock down HSPA5 in RPE1: why does HMOX1 change?" in page
    address = visitor.ask(QUESTION, **parts)
    assert "Knocking down HSPA5 in RPE1" in visitor.answered(address)


def test_a_part_that_is_no_gene_is_told_and_nothing_is_asked(visitor, house):
    parts = {"genes": "NOTAGENE", "kind": "knockout", "cell_line": "K562"}
    page = visitor.post("/ask", {"text": QUESTION, **parts})
    assert page.status_code == 422
    assert "NOTAGENE" in page.text
    assert not list(house.runs.glob("2*"))


def test_a_question_that_cannot_be_read_says_what_was_understood(visitor):
    page = visitor.post("/read", {"text": "HSPA5 in K562 florble"}).text
    assert 'role="alert"' in page
    assert "HSPA5" in page
    assert "Answer it" not in page


def test_an_answer_shows_headline_cascade_effects_and_evidence(visitor):
    page = visitor.answered(visitor.ask())
    for words in (
        "Knocking out HSPA5 in K562",
        "DDIT3 goes up",
        'class="cascade"',
        "sequestration",
    ):
        assert words in page
    assert 'data-step="1"' in page
    assert "https://pubmed.ncbi.nlm.nih.gov/" in page
    assert 'class="volcano"' in page
    assert len(page.encode()) < 400_000


def test_the_table_of_every_effect_is_sorted_searched_and_paged(visitor):
    address = visitor.ask()
    visitor.answered(address)
    part = {"hx-request": "true"}
    falling = visitor.get(f"{address}/effects?sort=-p_de", headers=part).text
    shown = [float(x) for x in re.findall(r'class="number">(\d\.\d\d) \(', falling)]
    assert shown == sorted(shown, reverse=True)
    found = visitor.get(f"{address}/effects?q=hspa", headers=part).text
    genes = re.findall(r'<tr id="gene-([^"]+)"', found)
    assert genes
    assert all(gene.startswith("HSPA") for gene in genes)
    assert "Page 2 of" in visitor.get(f"{address}/effects?page=2", headers=part).text


def test_taking_a_step_out_shows_the_next_best_path(visitor):
    address = visitor.ask()
    visitor.answered(address)
    found = visitor.post(f"{address}/without", {"step": ["2"]}).text
    assert "Without step 2 (ATF6 activates DDIT3)" in found
    assert "HSPA5 ↓ → EIF2AK3 ↑ → ATF4 ↑ → DDIT3 ↑" in found
    assert 'data-step="2"' not in found


def test_every_file_of_a_run_can_be_had(visitor, house):
    address = visitor.ask()
    visitor.answered(address)
    files = {
        name: visitor.get(f"{address}/files/{name}")
        for name in ("report.html", "effects.csv", "answer.json", "cite.bib", "run.json")
    }
    assert all("attachment" in one.headers["content-disposition"] for one in files.values())
    answer = Answer.model_validate(files["answer.json"].json())
    assert files["report.html"].text == html_page(answer)
    assert files["effects.csv"].text.count("\n") > 4_000
    assert "@article{replogle2022," in files["cite.bib"].text
    assert json.loads(files["run.json"].text)["format"] == "knockwise/run/1"


def test_a_question_goes_on_from_a_run(visitor):
    first = visitor.ask()
    visitor.answered(first)
    name = first.rpartition("/")[2]
    reading = visitor.post("/read", {"text": "and in RPE1?", "before": name}).text
    assert "Knock out HSPA5 in RPE1" in reading
    second = visitor.ask("and in RPE1?", before=name)
    page = visitor.answered(second)
    assert "Knocking out HSPA5 in RPE1" in page
    assert f'href="{first}"' in page
    assert f'href="{second}"' in visitor.get(first).text


def test_other_kinds_of_question_are_answered_too(visitor):
    page = visitor.answered(visitor.ask("MDM2 vs MDM4 loss in RPE1, which one raises CDKN1A more?"))
    assert "Side by side" in page
    page = visitor.answered(visitor.ask("Which knockdowns would lower LDLR in HepG2?"))
    assert "SREBF2" in page
