import json
import re

import pytest

from knowledge.texts.build import build_index
from knowledge.texts.documents import Document

DOCUMENTS = [
    *(
        Document(
            id=f"starter:{symbol}",
            kind="gene",
            text=f"{symbol}: {text}",
            source="starter",
            gene=symbol,
        )
        for symbol, text in (
            ("ATF4", "Raises amino acid genes."),
            ("TP53", "Arrests the cell cycle."),
            ("HSPA5", "Folds proteins in the endoplasmic reticulum."),
        )
    ),
    Document(
        id="programme:isr",
        kind="programme",
        text="Integrated stress response: ATF4 rises when amino acids run out.",
        source="starter",
    ),
]


@pytest.fixture
def encoder(monkeypatch, hash_encoder):
    """Index a handful of texts with an encoder that needs no weights."""
    for module in ("encoder", "build"):
        monkeypatch.setattr(f"knowledge.texts.{module}.load_encoder", hash_encoder)
    for module in ("documents", "status"):
        monkeypatch.setattr(f"knowledge.texts.{module}.documents", lambda data_dir: iter(DOCUMENTS))
    monkeypatch.setattr("knowledge.texts.build.starter_documents", lambda: iter(DOCUMENTS))
    return hash_encoder


def test_build_says_what_it_did_and_then_that_nothing_is_to_be_done(knockwise, encoder):
    first = knockwise("index", "build")
    assert first.exit_code == 0, first.stderr
    assert "There was no index yet." in first.stdout
    assert "indexed 4 texts (3 gene, 1 programme), 4 of them newly encoded" in first.stdout
    assert "encoding" in first.stderr
    second = knockwise("index", "build")
    assert second.stdout.startswith("up to date: 4 texts (3 gene, 1 programme)")


def test_the_progress_bar_shows_a_rate(knockwise, encoder, monkeypatch):
    several = [
        Document(id=f"G{i}", kind="gene", text=f"G{i}.", source="starter", gene=f"G{i}")
        for i in range(600)
    ]
    monkeypatch.setattr("knowledge.texts.documents.documents", lambda data_dir: iter(several))
    assert re.search(r"600/600 [\d,]+ texts/s", knockwise("index", "build").stderr)


def test_status_follows_the_index(knockwise, encoder, monkeypatch):
    def state():
        return json.loads(knockwise("index", "status", "--json").stdout)

    assert state()["state"] == "absent"
    knockwise("index", "build")
    assert (state()["state"], state()["counts"]) == ("up to date", {"gene": 3, "programme": 1})
    assert "all-MiniLM-L6-v2" in knockwise("index", "status").stdout
    monkeypatch.setenv("KNOCKWISE_ENCODER", "other")
    assert state()["state"] == "other encoder"
    monkeypatch.delenv("KNOCKWISE_ENCODER")
    monkeypatch.setattr("knowledge.texts.status.documents", lambda data_dir: iter(DOCUMENTS[1:]))
    assert state()["state"] == "stale"
    assert "starter changed" in state()["detail"]


def test_search_prints_passages_and_json_for_machines(knockwise, encoder):
    shown = knockwise("index", "search", "ATF4", "-k", "2")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0].startswith(" 1. starter:ATF4")
    found = json.loads(knockwise("index", "search", "amino acids", "--json").stdout)["rows"]
    assert {passage["id"] for passage in found} >= {"starter:ATF4", "programme:isr"}
    assert all(passage["matched_by"] for passage in found)


def test_search_keeps_to_the_filters(knockwise, encoder):
    found = knockwise("index", "search", "ATF4", "--kind", "programme", "--json")
    assert [passage["id"] for passage in json.loads(found.stdout)["rows"]] == ["programme:isr"]
    found = knockwise("index", "search", "ATF4", "--gene", "p53", "--json")
    assert [passage["gene"] for passage in json.loads(found.stdout)["rows"]] == ["TP53"]
    nothing = knockwise("index", "search", "ATF4", "--source", "GO")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "Nothing fits." in nothing.stderr


def test_search_by_words_leaves_the_encoder_alone(knockwise, encoder, monkeypatch):
    knockwise("index", "build")
    monkeypatch.delattr(encoder, "encode_query")
    found = knockwise("index", "search", "folds proteins", "--words-only", "--json")
    assert json.loads(found.stdout)["rows"][0]["gene"] == "HSPA5"


def test_an_index_of_another_encoder_is_refused_with_a_sentence(knockwise, encoder, monkeypatch):
    knockwise("index", "build")
    monkeypatch.setenv("KNOCKWISE_ENCODER", "other")
    refused = knockwise("index", "search", "ATF4")
    assert refused.exit_code == 2
    assert "was built with the encoder all-MiniLM-L6-v2, not with other" in refused.stderr
    built = knockwise("index", "build")
    assert "The encoder changed from all-MiniLM-L6-v2 to other" in built.stdout
    assert knockwise("index", "search", "ATF4").exit_code == 0


def test_an_encoder_that_is_not_there_is_named(knockwise, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_ENCODER", "/no/such/encoder")
    for command in (("build",), ("status",), ("search", "ATF4")):
        refused = knockwise("index", *command)
        assert refused.exit_code == 2
        assert "/no/such/encoder" in refused.stderr


def test_ctrl_c_says_how_to_go_on(knockwise, encoder, monkeypatch):
    def interrupted(self, texts):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(encoder, "encode", interrupted)
        stopped = knockwise("index", "build")
    assert stopped.exit_code == 130
    assert "with 0 of 4 texts encoded; run `knockwise index build` again" in stopped.stderr
    status = json.loads(knockwise("index", "status", "--json").stdout)
    assert status["state"] == "unfinished"
    assert knockwise("index", "build").exit_code == 0


def test_a_corrupted_index_is_made_anew_by_rebuild(knockwise, encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path))
    knockwise("index", "build")
    database = next((tmp_path / "index").glob("generation-*/chroma/chroma.sqlite3"))
    database.write_bytes(database.read_bytes()[:1000])
    (tmp_path / "index" / "vectors.sqlite").write_bytes(b"garbage" * 500)
    refused = knockwise("index", "search", "ATF4")
    assert refused.exit_code == 2
    assert "run `knockwise index build --rebuild`" in refused.stderr
    assert json.loads(knockwise("index", "status", "--json").stdout)["state"] == "corrupted"
    assert knockwise("index", "build").exit_code == 2
    assert knockwise("index", "build", "--rebuild").exit_code == 0
    assert knockwise("index", "search", "ATF4").exit_code == 0


def test_a_data_folder_that_cannot_be_written_is_named(knockwise, encoder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path / "file"))
    refused = knockwise("index", "build")
    assert refused.exit_code == 2
    assert str(tmp_path / "file") in refused.stderr


def test_a_busy_index_is_left_to_the_one_who_builds(knockwise, encoder, tmp_path, monkeypatch):
    from filelock import FileLock

    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path))
    build_index(tmp_path / "index", DOCUMENTS, encoder("all-MiniLM-L6-v2"))
    with FileLock(tmp_path / "index" / "build.lock"):
        refused = knockwise("index", "build")
    assert refused.exit_code == 2
    assert "Another process is building the text index" in refused.stderr
