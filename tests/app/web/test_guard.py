import json
import random
import re
from urllib.parse import unquote

import pytest

INVITATION = "come-in"
QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3?"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil"])
def test_another_host_is_refused(visitor, host):
    assert visitor.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(visitor, house, headers):
    answer = visitor.post("/ask", {"text": QUESTION}, headers=headers)
    assert answer.status_code == 403
    assert not list(house.runs.glob("2*"))


@pytest.mark.parametrize("pledge", ["", "0" * 64, "é"])
def test_a_form_without_the_pledge_of_our_page_is_refused(visitor, house, pledge):
    answer = visitor.post("/ask", {"text": QUESTION}, pledge=pledge)
    assert answer.status_code == 403
    assert not list(house.runs.glob("2*"))


def test_without_a_token_nothing_is_shown_where_one_is_asked_for(serve):
    door = serve(invitation=INVITATION)
    for address in ("/", "/runs", "/runs/x", "/genes", "/status", "/lists", "/express"):
        answer = door.get(address)
        assert answer.status_code in (303, 404)
        assert answer.headers.get("location", "/enter") == "/enter"
    assert door.post("/enter", {"token": "wrong"}, pledge="").status_code == 403
    assert door.post("/ask", {"text": QUESTION}, pledge="").status_code == 401


def test_people_see_their_own_runs_only(serve):
    door = serve(invitation=INVITATION)
    one, other = door.entered(INVITATION), door.entered(INVITATION)
    address = one.ask(QUESTION)
    one.answered(address)
    for path in ("", "/steps", "/effects", "/files/answer.json"):
        assert other.get(address + path).status_code == 404
    assert other.post(f"{address}/delete").status_code == 404
    assert address not in other.get("/runs").text
    token = one.cookies["knockwise"]
    assert address in one.entered(token).get("/runs").text


def test_no_path_reads_a_file_outside_the_runs(visitor, house):
    secret = house.runs.parent / "secret"
    secret.mkdir(parents=True)
    (secret / "settings.json").write_text('{"question": "TOP SECRET"}')
    (secret / "result.json").write_text("TOP SECRET")
    (house.runs / "web.key").read_text()
    key = (house.runs / "web.key").read_text()
    rng = random.Random(3)
    pieces = ["..", ".", "/", "\\", "~", "%2e%2e", "%252e", "%2f", "%5c", "%00", "%c0%ae", "C:"]
    pieces += ["secret", "etc", "passwd", "web.key", "settings.json", "people", "file:", "%0a"]
    bases = ("/runs/{}", "/runs/{}/files/{}", "/static/{}", "/runs/{}/steps", "/genes/{}",
             "/lists/{}", "/{}")  # fmt: skip
    for _ in range(800):
        parts = ["".join(rng.choices(pieces, k=rng.randint(1, 7))) for _ in range(2)]
        target = rng.choice(bases).format(*parts)
        status, body = visitor.client.portal.call(fetched, visitor.client.app, target)
        assert status < 500, target
        for hidden in ("TOP SECRET", key, "root:x"):
            assert hidden not in body, target


async def fetched(app, target):
    """Ask for a path as it stands, which no client would send."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(target, errors="replace"),
        "raw_path": target.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8642")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8642),
        "state": {},
    }
    status, body = [], []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        status.append(message.get("status"))
        body.append(message.get("body", b""))

    await app(scope, receive, send)
    return status[0], b"".join(body).decode(errors="replace")


def test_a_link_out_of_the_runs_is_no_run(visitor, house, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "settings.json").write_text("{}")
    assert visitor.get("/runs/..").status_code in (200, 404)
    assert visitor.get("/runs/%2e%2e%2felsewhere").status_code == 404


def test_markup_in_a_question_a_title_or_an_answer_stays_text(visitor, house):
    nasty = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    for page in (
        visitor.get("/", params={"q": nasty}).text,
        visitor.post("/read", {"text": nasty}).text,
        visitor.get("/runs", params={"q": nasty}).text,
        visitor.get("/genes", params={"q": nasty}).text,
    ):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    address = visitor.ask(QUESTION)
    visitor.answered(address)
    visitor.post(f"{address}/rename", {"title": nasty})
    folder = house.runs / address.rpartition("/")[2]
    answer = json.loads((folder / "result.json").read_text())
    answer["summary"] = nasty
    answer["evidence"][0]["statement"] = nasty
    answer["evidence"][0]["reference"] = 'PMID:1"><script>alert(3)</script>'
    answer["steps"][0]["note"] = nasty
    answer["hypotheses"][0]["readout"] = nasty
    (folder / "result.json").write_text(json.dumps(answer))
    for page in (visitor.get(address).text, visitor.get("/runs").text,
                 visitor.get(f"{address}/files/report.html").text):  # fmt: skip
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;" in visitor.get(address).text


def test_every_page_forbids_scripts_of_others(visitor):
    for address in ("/", "/runs", "/nowhere", "/static/page.css"):
        policy = visitor.get(address).headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy


def test_a_request_that_brings_too_much_is_refused(visitor):
    def endless():
        for _ in range(40):
            yield b"x" * (1 << 20)

    big = {"content-length": str(1 << 30), "content-type": "multipart/form-data; boundary=x"}
    assert visitor._sent("POST", "/runs/import", headers=big, content=b"").status_code == 413
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = visitor._sent("POST", "/runs/import", headers=kind, content=endless())
    assert answer.status_code in (400, 413, 422)


def test_no_page_names_a_folder_of_the_server(visitor, house):
    address = visitor.ask(QUESTION)
    page = visitor.answered(address)
    shared = visitor.get(f"{address}/files/run.json").text
    assert str(house.runs) not in shared
    assert not re.search(re.escape(str(house.runs.parent)), page)
