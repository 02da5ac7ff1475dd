import re

import pytest


def test_a_gene_is_found_by_any_of_its_names(visitor):
    assert visitor.get("/genes?q=bip").headers["location"] == "/genes/HSPA5"
    part = visitor.get("/genes?q=hspa", headers={"hx-request": "true"}).text
    assert 'href="/genes/HSPA5"' in part
    assert 'role="alert"' in visitor.get("/genes?q=NOTAGENE").text


def test_the_page_of_a_gene_has_names_links_lines_and_network(visitor):
    page = visitor.get("/genes/HSPA5").text
    for words in (
        "https://www.uniprot.org/uniprotkb/P11021/entry",
        "genenames.org",
        "BiP",
        "K562",
        "ATF6",
        "Unfolded protein response",
    ):
        assert words in page, words
    for part, words in (
        ("properties", "Known"),
        ("phenotypes", "Mouse mutants"),
        ("essentiality", "dependency screens"),
    ):
        found = visitor.get(f"/genes/HSPA5/{part}", headers={"hx-request": "true"}).text
        assert words in found
        assert "<html" not in found
        assert "<html" in visitor.get(f"/genes/HSPA5/{part}").text


def test_expression_is_predicted_with_a_file_of_every_readout(visitor):
    page = visitor.get("/express?pert=STAT1&context=papalexi").text
    assert "Knocking out STAT1" in page
    table = visitor.get("/express.csv?pert=STAT1&context=papalexi")
    assert table.text.startswith("gene,change,low,high")
    assert table.text.count("\n") == 300
    for wrong in ("pert=NOTAGENE&context=papalexi", "pert=STAT1&context=nowhere"):
        page = visitor.get(f"/express?{wrong}")
        assert page.status_code == 200
        assert 'role="alert"' in page.text


def test_phenotypes_of_a_gene_and_of_a_sequence(visitor):
    page = visitor.post("/phenotypes", {"gene": "FGFR3", "collection": ["mp"]}).text
    assert "<b>Known</b>" in page
    assert "Human disease" not in re.sub(r"<fieldset>.*?</fieldset>", "", page, flags=re.S)
    sequence = (
        ">mine\n" + "MKLSLVAAMLLLLSAARAEEEDKKEDVGTVVGIDLGTTYSCVGVFKNGRVEIIANDQGNRITPSYVAF" * 2
    )
    page = visitor.post("/phenotypes", {"sequence": sequence}).text
    assert "Predicted from its sequence" in page
    for wrong in (
        {},
        {"gene": "FGFR3", "sequence": "MKL"},
        {"gene": "NOTAGENE"},
        {"sequence": "1"},
    ):
        assert 'role="alert"' in visitor.post("/phenotypes", wrong).text


def test_status_says_what_works_and_how_far_the_data_are(visitor):
    assert "built-in pathways" in visitor.answered_status()
    page = visitor.get("/status/doctor", headers={"hx-request": "true"}).text
    assert "Questions can be answered" in page
    assert "response model" in page
    part = visitor.get("/status/data", headers={"hx-request": "true"}).text
    assert "0 of" in part


def test_status_of_a_shared_server_names_no_folder(serve, house):
    person = serve(invitation="come-in").entered("come-in")
    page = person.get("/status/doctor").text
    assert str(house.runs) not in page
    assert "the runs folder" in page


@pytest.mark.parametrize(
    "address",
    ["/nowhere", "/runs/x", "/genes/NOTAGENE", "/docs", "/openapi.json", "/static/nothing.js"],
)
def test_what_is_not_there_is_told_without_a_traceback(visitor, address):
    answer = visitor.get(address)
    assert answer.status_code in (404, 422)
    assert "Traceback" not in answer.text


def test_what_moves_a_gene_is_found_and_what_acts_like_a_loss(visitor):
    page = visitor.get("/find?q=LDLR&sought=down&cell_line=HepG2").text
    assert "What lowers LDLR in HepG2" in page
    assert "SREBF2 ↓ → LDLR ↓" in page
    page = visitor.get("/find?q=SCAP&sought=alike&cell_line=K562").text
    assert "same consequences as that of SCAP" in page
    assert 'role="alert"' in visitor.get("/find?q=NOTAGENE").text


def test_the_next_perturbations_are_planned_with_controls(visitor):
    page = visitor.get("/plan?q=LDLR&goal=down&cell_line=HepG2&budget=6").text
    assert "knockdowns in HepG2, to lower LDLR" in page
    assert "Negative controls" in page
    assert "SREBF" in page
    for wrong in ("q=NOTAGENE&goal=down", "q=LDLR&goal=x", "q=LDLR&goal=up&budget=0", "goal=up"):
        assert 'role="alert"' in visitor.get(f"/plan?{wrong}").text


def test_perturbations_are_compared_with_pictures(visitor):
    page = visitor.get("/compare", params={"q": "SCAP, INSIG1", "where": "HepG2"}).text
    assert page.count("<svg") >= 2
    assert "opposite ways" in page
    context = {"q": "KLF1+MAP2K6", "where": "context:norman"}
    assert "sum of singles" in visitor.get("/compare", params=context).text
    assert 'role="alert"' in visitor.get("/compare", params={"q": "SCAP"}).text
