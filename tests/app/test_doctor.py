import http.server
import json
import os
import threading
from contextlib import contextmanager

import pytest

from app.commands.doctor import examine
from app.show.terminal import settings
from knowledge.texts.build import build_index
from models.response.checkpoint import SHIPPED

WEIGHTS = SHIPPED.parent


@contextmanager
def endpoint(reply, status=200):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def findings(**changes):
    return {check.name: check for check in examine(settings(**changes))}


def test_a_fresh_clone_can_answer(knockwise):
    result = knockwise("doctor", "--json")
    report = json.loads(result.stdout)
    failed = [c for c in report["checks"] if c["needed"] and not c["ok"]]
    assert failed == []
    assert report["works"]
    assert result.exit_code == 0


def test_the_findings_are_told_with_remedies(knockwise):
    text = knockwise("doctor").stdout
    assert "knockwise data pull" in text
    assert "can work" in text


@pytest.mark.parametrize("model", ["expression", "genen", "genepheno", "response"])
def test_damaged_weights_are_told_and_doctor_leaves_with_two(
    knockwise, monkeypatch, tmp_path, model
):
    for path in (WEIGHTS / model).iterdir():
        (tmp_path / path.name).symlink_to(path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    monkeypatch.setattr(f"models.{model}.model.SHIPPED", tmp_path)
    result = knockwise("doctor", "--json")
    assert result.exit_code == 2
    (bad,) = [one for one in json.loads(result.stdout)["checks"] if one["needed"] and not one["ok"]]
    assert "model.safetensors is not as it was written" in bad["found"]
    assert "reinstall" in bad["remedy"]


def test_an_index_that_ask_would_refuse_is_needed(tmp_path):
    assert not findings(data=tmp_path)["text index"].needed
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "manifest.json").write_text("{half a manif")
    found = findings(data=tmp_path)["text index"]
    assert found.needed
    assert not found.ok


def test_a_folder_for_runs_that_is_a_file_is_a_finding_with_a_remedy(
    knockwise, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KNOCKWISE_RUNS", str(tmp_path / "file" / "runs"))
    result = knockwise("doctor")
    assert result.exit_code == 2
    assert "KNOCKWISE_RUNS" in result.stdout


def test_an_endpoint_is_asked_what_it_serves():
    with endpoint(b'{"data": [{"id": "tiny", "max_model_len": 8192}]}') as url:
        check = findings(llm={"base_url": url, "model": "tiny"})["LLM endpoint"]
        assert check.ok
        assert "serves tiny, which reads 8,192 tokens" in check.found
        wrong = findings(llm={"base_url": url, "model": "large"})["LLM endpoint"]
        assert not wrong.ok
        assert not wrong.needed


@pytest.mark.parametrize("reply", [b"not json", b"{}", b"[]"])
def test_an_endpoint_that_talks_nonsense_is_a_finding(reply):
    with endpoint(reply) as url:
        assert not findings(llm={"base_url": url})["LLM endpoint"].ok


def test_an_endpoint_that_is_wanted_and_silent_means_ask_cannot_work(knockwise, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_REASONER", "llm")
    monkeypatch.setenv("KNOCKWISE_LLM__BASE_URL", "http://127.0.0.1:9/v1")
    result = knockwise("doctor")
    assert result.exit_code == 2
    assert "cannot be reached" in result.stdout
    assert "knockwise serve" in result.stdout


def test_an_index_that_is_searched_from_a_private_copy_is_told(tmp_path, monkeypatch, hash_encoder):
    from tests.hash_encoder import many

    monkeypatch.setattr("knowledge.texts.encoder.load_encoder", lambda name: hash_encoder())
    build_index(tmp_path / "index", many(5), hash_encoder(), progress=lambda *_: None)
    assert findings(data=tmp_path)["text index"].found == "5 documents"
    usual = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and usual(path, mode))
    found = findings(data=tmp_path)["text index"]
    assert found.ok
    assert "read-only, so each process searches a private copy" in found.found
