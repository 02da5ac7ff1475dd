import json

QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3?"


def test_runs_are_listed_found_renamed_and_deleted(visitor, house):
    address = visitor.ask(QUESTION)
    visitor.answered(address)
    assert QUESTION in visitor.get("/runs").text.replace("&#39;", "'")
    visitor.post(f"{address}/rename", {"title": "My first knockout"})
    assert "My first knockout" in visitor.get("/runs?q=first").text
    assert address not in visitor.get("/runs?q=florble").text
    assert visitor.post(f"{address}/delete").headers["location"] == "/runs"
    assert visitor.get(address).status_code == 404
    assert not list(house.runs.glob("2*"))


def test_a_shared_run_is_put_among_those_of_somebody_else(serve):
    door = serve(invitation="come-in")
    one, other = door.entered("come-in"), door.entered("come-in")
    address = one.ask(QUESTION)
    one.answered(address)
    shared = one.get(f"{address}/files/run.json").content
    answer = other.post("/runs/import", files={"file": ("run.json", shared)})
    page = other.get(answer.headers["location"]).text
    assert "DDIT3 goes up" in page
    assert 'class="volcano"' in page


def test_a_file_that_is_no_shared_run_is_refused(visitor, house):
    for text in (b"", b"{}", b"[" * 100_000, b"\x00\xff", json.dumps({"format": "x"}).encode()):
        answer = visitor.post("/runs/import", files={"file": ("x.json", text)})
        assert answer.status_code == 422
        assert "no run that Knockwise shared" in answer.text
    assert not list(house.runs.glob("2*"))


def test_a_run_of_the_command_line_can_be_gone_on_with(visitor, house):
    address = visitor.ask(QUESTION)
    visitor.answered(address)
    folder = house.runs / address.rpartition("/")[2]
    for name in ("result.json", "web.json"):
        (folder / name).unlink()
    assert "Interrupted" in visitor.get(address).text
    visitor.post(f"{address}/resume")
    assert "DDIT3 goes up" in visitor.answered(address)
