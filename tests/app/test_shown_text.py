"""What others wrote is shown and never run; a picture keeps its meaning in a narrow encoding."""

import os
import re
import subprocess
import sys
import unicodedata

import pytest

from app.show.pages import html_page, markdown_page

EVIL = "<script>alert(1)</script><img src=x onerror=y>\x1b[31m\u202eevil```"


@pytest.fixture
def evil(answer):
    versions = answer.versions.model_copy(update={"models": {EVIL: EVIL}, "prompts": EVIL})
    return answer.model_copy(
        update={"reasoner": EVIL, "run": EVIL, "summary": EVIL, "versions": versions}
    )


@pytest.mark.parametrize("page", [html_page, markdown_page])
def test_no_name_runs_or_turns_the_text_of_a_report(evil, page):
    text = page(evil)
    # In Markdown a backslash takes an element its meaning.
    assert re.search(r"(?<!\\)<(script>alert|img src)", text) is None
    assert [c for c in text if unicodedata.category(c) in {"Cc", "Cf"} and c not in "\n\t"] == []


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_directions_survive_an_encoding_without_arrows(answer, tmp_path, encoding):
    run = tmp_path / "run"
    run.mkdir()
    request = '{"question": "?", "settings": {}, "started": "2025-01-31T12:00:00Z"}'
    (run / "settings.json").write_text(request)
    told = answer.model_copy(update={"summary": "HSPA5 ▼ ⊣ ATF6 ▲ → DDIT3 ▲"})
    (run / "result.json").write_text(told.model_dump_json())
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "ask", "--resume", str(run)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=True,
    )
    assert "HSPA5 (-) -| ATF6 (+) -> DDIT3 (+)" in done.stdout.decode(encoding)


def test_a_source_that_is_not_pulled_is_named_with_its_group(knockwise, monkeypatch, tmp_path):
    from app.commands import runs as command

    def lacking(*_):
        path = tmp_path / "knowledge" / "complexes" / "huMAP.gmt.gz"
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(command, "settings", lacking)
    result = knockwise("runs")
    assert result.exit_code == 2
    assert "knockwise data pull annotations" in result.stderr
