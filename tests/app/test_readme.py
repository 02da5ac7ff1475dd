"""The examples of README and documentation, run; KNOCKWISE_REFRESH=1 writes what they print."""

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.accuracy import SUBJECTS, accuracy
from app.cli import GROUPS, app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFRESH = "KNOCKWISE_REFRESH=1 pytest tests/app/test_readme.py"
FIGURES = re.compile(r"(<!-- accuracy: (.*?) -->\n)(.*?)(<!-- /accuracy -->)", re.S)
BEGINS = re.compile(r"^\[(?:(\d+) lines|\.\.\.)\]\n\Z", re.M)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def blocks(*languages):
    """Every block of code in these languages, with its page."""
    for page in PAGES:
        for language, code in re.findall(r"```(\w+)\n(.*?)```", page.read_text(), re.S):
            if language in languages:
                yield page, code


TRANSCRIPTS = [
    (page, *match)
    for page in PAGES
    for match in re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", page.read_text())
]
SHOWN = sorted(
    {
        (page, command.strip())
        for page, code in blocks("bash", "sh")
        for command in re.findall(r"^(?:\S*/)?(knockwise [^#\n]*)", code, re.M)
    }
)
SHOWN += sorted(
    {
        (page, command)
        for page in PAGES
        for command in re.findall(r"`(knockwise [a-z][^`]*)`", page.read_text())
        if "..." not in command
    }
)
PYTHON = sorted({page for page, _ in blocks("python")})


def arguments(command):
    if command == "make ask":
        question = re.search(r"^Q \?= (.*)$", (ROOT / "Makefile").read_text(), re.M)[1]
        return ["ask", question]
    program, *rest = shlex.split(command)
    assert program == "knockwise"
    return rest


def told(command, monkeypatch):
    """What the command prints, without what differs from run to run."""
    monkeypatch.setenv("COLUMNS", "100")
    result = CliRunner().invoke(app, arguments(command))
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.output.splitlines()]
    text = "\n".join(lines).strip("\n") + "\n"
    text = re.sub(r"\b\d+\.\d s\b", "2.0 s", text)
    return re.sub(
        r"^run:\s(?:.|\n)*\Z", "run: ~/.local/share/knockwise/runs/...\n", text, flags=re.M
    )


def masked(text):
    """Text without what may differ: versions, last digits, and where lines break."""
    text = re.sub(r"\b[0-9a-f]{8,}\b", "HASH", re.sub(r"\d+\.\d+", "0.0", text))
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("page", "command", "transcript"),
    TRANSCRIPTS,
    ids=[f"{page.name}: {command}" for page, command, _ in TRANSCRIPTS],
)
def test_a_transcript_is_what_the_command_prints(page, command, transcript, monkeypatch):
    printed = told(command, monkeypatch)
    if begins := BEGINS.search(transcript):
        # How it begins: `[8 lines]` asks for so many, `[...]` says that there is more.
        count = int(begins[1] or transcript.count("\n") - 1)
        printed = "".join(printed.splitlines(keepends=True)[:count]).rstrip("\n") + "\n[...]\n"
    if os.environ.get("KNOCKWISE_REFRESH"):
        old = f"```console\n$ {command}\n{transcript}```"
        page.write_text(page.read_text().replace(old, f"```console\n$ {command}\n{printed}```"))
        return
    assert masked(transcript) == masked(printed), REFRESH


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_a_command_shown_has_the_options_it_is_shown_with(page, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    words = shlex.split(command.partition(" -- ")[0])[1:]
    path = words[: 2 if words[0] in GROUPS else 1]
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0, f"{page.name}: {command}"
    for option in re.findall(r"(?<=\s)--[a-z][a-z0-9-]+", command.partition(" -- ")[0]):
        assert option in result.output, f"{page.name}: {command}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PYTHON, ids=[page.name for page in PYTHON])
def test_the_python_examples_of_a_page_run_in_their_order(page, capsys):
    space = {}
    for code in (code for other, code in blocks("python") if other == page):
        exec(compile(code, page.name, "exec"), space)
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_figures_of_accuracy_are_those_of_the_scoreboard(page):
    text = page.read_text()

    def sentences(match):
        subjects = SUBJECTS if match[2] == "all" else match[2].split()
        lines = [f"- {one}" for subject in subjects for one in accuracy(subject)]
        return f"{match[1]}\n{chr(10).join(lines)}\n\n{match[4]}"

    written = FIGURES.sub(sentences, text)
    if os.environ.get("KNOCKWISE_REFRESH"):
        page.write_text(written)
    else:
        assert written == text, REFRESH


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_within_the_clone_leads_somewhere(page):
    for target, _ in LINK.findall(page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_the_picture_is_the_cascade_that_is_drawn(tmp_path):
    import knockwise

    session = knockwise.open_session(tmp_path / "data", runs=tmp_path / "runs")
    question = arguments("make ask")[1]
    drawn = knockwise.ask(question, session=session).cascade().svg
    picture = ROOT / "docs" / "images" / "hspa5.svg"
    if os.environ.get("KNOCKWISE_REFRESH"):
        picture.write_text(drawn + "\n")
    kept = picture.read_text()
    assert re.findall(r"<text[^>]*>(.*?)</text>", kept) == re.findall(
        r"<text[^>]*>(.*?)</text>", drawn
    ), REFRESH
