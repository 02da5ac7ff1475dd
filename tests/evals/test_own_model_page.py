"""The transcript of docs/own-model.md is what the command prints on a tiny benchmark."""

import os
import re
from pathlib import Path

from typer.testing import CliRunner

from app.cli import app
from tests.evals.own_world import answers, symbols, write_world

PAGE = Path(__file__).parents[2] / "docs" / "own-model.md"
BLOCK = re.compile(r"```text\n\$ knockwise (.*)\n((?:.*\n)*?)```")
LINES = 24
REFRESH = "KNOCKWISE_REFRESH=1 pytest tests/evals/test_own_model_page.py"


def test_the_transcript_is_what_the_command_prints(tmp_path, monkeypatch):
    monkeypatch.setattr("evals.rows.read_symbols", symbols)
    monkeypatch.setattr("evals.perturbqa.own.run.read_symbols", symbols)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    write_world(Path("data"))
    Path("data/run").rename("run")
    answers().drop(index=[0, 1]).to_csv("mine.csv", index=False)
    text = PAGE.read_text(encoding="utf-8")
    found = BLOCK.search(text)
    assert found
    done = CliRunner().invoke(app, found[1].split())
    assert done.exit_code == 0, done.output
    printed = "\n".join(done.stdout.rstrip().splitlines()[:LINES]) + "\n[...]\n"
    if os.environ.get("KNOCKWISE_REFRESH"):
        block = f"```text\n$ knockwise {found[1]}\n{printed}```"
        PAGE.write_text(text.replace(found[0], block), encoding="utf-8")
    else:
        assert found[2] == printed, REFRESH
