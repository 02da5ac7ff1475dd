import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.commands.sources import papers
from knowledge import starter_check
from knowledge.sources import registry as sources
from knowledge.sources.registry import Registry, source_path


@pytest.fixture
def run(tiny_registry, tiny_mirror, monkeypatch, tmp_path):
    """`knockwise data ...` over the tiny mirror; returns the finished command."""
    monkeypatch.setenv("KNOCKWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    (tiny_mirror / "screens.txt").write_text("pert,gene,label\n")
    extra = tiny_registry["kegg"].model_copy(
        update={"name": "screens", "group": "perturbqa", "path": "screens.txt",
                "sha256": sources.sha256_of(tiny_mirror / "screens.txt"), "mirror_only": True}
    )  # fmt: skip
    registry = Registry([*tiny_registry, extra])
    monkeypatch.setattr(sources, "load_registry", lambda: registry)
    monkeypatch.setattr(starter_check, "load_registry", lambda: registry)
    return lambda *words: CliRunner().invoke(app, ["data", *map(str, words)])


def test_pull_takes_what_ask_needs_from_a_mirror_once(run, tiny_mirror):
    first = run("pull", "--mirror", tiny_mirror)
    assert first.exit_code == 0, first.stderr
    assert "24 fetched, 0 already there" in first.stderr
    assert "knockwise index build" in first.stderr
    assert first.stdout == ""
    assert "0 fetched, 24 already there" in run("pull", "--mirror", tiny_mirror).stderr


def test_pull_fetches_only_what_is_named(run, tiny_mirror):
    assert "2 fetched" in run("pull", "hgnc", "trrust", "--mirror", tiny_mirror).stderr
    states = {s["name"]: s["state"] for s in json.loads(run("status", "--json").stdout)["rows"]}
    assert states["hgnc"] == states["trrust"] == "present"
    assert states["corum"] == "missing"


def test_pull_downloads_and_skips_what_only_a_mirror_has(run, tiny_registry, monkeypatch):
    pulled = []
    monkeypatch.setattr(
        "knowledge.sources.download.pull", lambda source, *_, **__: not pulled.append(source)
    )
    result = run("pull")
    assert result.exit_code == 0, result.stderr
    assert "hgnc" in {source.name for source in pulled}
    assert not any(source.mirror_only for source in pulled)
    assert "skipped, which only a mirror has" in result.stderr
    assert "signor" in result.stderr


def test_an_unknown_name_or_mirror_is_one_sentence_and_exit_code_2(run, tmp_path):
    result = run("pull", "hgcn")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'hgnc'" in result.stderr
    assert "Traceback" not in result.stderr
    result = run("pull", "--mirror", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere is no folder" in result.stderr


def test_an_unwritable_data_folder_is_one_sentence_and_exit_code_2(run, tiny_mirror, tmp_path):
    (tmp_path / "data").write_text("a file in the way")
    result = run("pull", "--mirror", tiny_mirror)
    assert result.exit_code == 2
    assert str(tmp_path / "data") in result.stderr


def test_status_is_a_table_of_version_licence_state_and_size(run, tiny_mirror):
    run("pull", "hgnc", "--mirror", tiny_mirror)
    shown = run("status")
    assert shown.exit_code == 0
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("hgnc ")]
    assert "CC0-1.0" in line
    assert "present" in line
    assert "1 present, 23 missing" in shown.stdout


def test_verify_names_the_damaged_file_and_pull_mends_it(run, tiny_mirror, tiny_registry, tmp_path):
    run("pull", "--mirror", tiny_mirror)
    assert run("verify").exit_code == 0
    source_path(tmp_path / "data", tiny_registry["corum"]).write_text("half")
    result = run("verify")
    assert result.exit_code == 2
    assert "corum (corrupt)" in result.stderr
    assert "knockwise data pull corum" in result.stderr
    assert "1 fetched" in run("pull", "corum", "--mirror", tiny_mirror).stderr
    assert run("verify").exit_code == 0


def test_verify_misses_only_what_was_asked_for_by_name(run):
    assert run("verify").exit_code == 0
    result = run("verify", "hgnc")
    assert result.exit_code == 2
    assert "hgnc (missing)" in result.stderr


def test_check_starter_prints_shares_and_refuses_unexplained_contradictions(run, tiny_mirror):
    result = run("check-starter", "--data", tiny_mirror)
    assert "confirmed" in result.stdout
    assert "unconfirmed" in result.stdout
    assert "knockwise data pull networks" in result.stderr
    checks = json.loads(run("check-starter", "--data", tiny_mirror, "--json").stdout)["rows"]
    assert {"edge", "verdict", "supporting", "unsigned", "opposing"} == set(checks[0])
    result = run("check-starter")
    assert result.exit_code == 2
    assert "holds no networks" in result.stderr


def test_the_page_of_sources_is_what_the_command_prints_and_every_paper_is_of_some_source():
    """`knockwise data sources > docs/sources.md` writes it anew."""
    printed = CliRunner().invoke(app, ["data", "sources"]).stdout
    assert printed == (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    registry = sources.load_registry()
    for paper in papers():
        assert any(paper.covers(source) for source in registry), paper.cite
        assert f". {paper.cite}." in printed
    for source in registry:
        assert f"| [{source.name}]({source.url}) | {source.version} | {source.licence} |" in printed


def test_the_terms_of_weights_name_every_model_and_stand_beside_them():
    root = Path(__file__).parents[2]
    terms = (root / "models" / "weights" / "LICENSE").read_text()
    for card in (root / "models" / "weights").glob("*/MODEL_CARD.md"):
        assert f"\n{card.parent.name} " in terms
        assert "[LICENSE](../LICENSE)" in card.read_text()
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0 AND LicenseRef-Knockwise-Weights"
    for file in project["license-files"]:
        assert (root / file).is_file()
    assert terms.startswith("LicenseRef-Knockwise-Weights\n")
