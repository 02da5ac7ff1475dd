"""Where settings may come from: a folder may be somebody else's, and names no language model."""

import os

import pytest

from agent.settings import LLMSettings, Settings, user_file
from app.show.terminal import settings
from knowledge.errors import KnockwiseError

ADDRESS = "http://127.0.0.1:9/v1"
LURES = [
    f"KNOCKWISE_LLM__BASE_URL={ADDRESS}",
    f"knockwise_llm__base_url={ADDRESS}",
    f"export KNOCKWISE_LLM__BASE_URL={ADDRESS}",
    f'KNOCKWISE_LLM={{"base_url": "{ADDRESS}"}}',
    "KNOCKWISE_LLM__API_KEY=sk-planted",
    "KNOCKWISE_LLM__MODEL=theirs",
    "KNOCKWISE_LLM__CACHE_FILE=theirs.sqlite",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", LURES)
def test_a_folder_names_no_language_model_and_is_told_so(folder, line, monkeypatch, capsys):
    monkeypatch.setenv("KNOCKWISE_LLM__API_KEY", "sk-mine")
    (folder / ".env").write_text(f"{line}\n")
    chosen = settings()
    assert chosen.llm == LLMSettings(api_key="sk-mine")
    said = capsys.readouterr().err
    assert "in .env is not used: a folder may be somebody else's" in said
    assert "sk-planted" not in said


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=postgres://u:p@h/db",
        "OPENAI_API_KEY=sk-theirs",
        "OPENAI_BASE_URL=http://theirs",
        "llm__base_url=http://theirs",
        "DATA=/theirs",
        "# a comment",
        "",
        "no equals sign",
    ],
)
def test_keys_of_other_programs_are_tolerated(folder, line, capsys):
    (folder / ".env").write_text(f"{line}\nKNOCKWISE_CASCADE__WIDTH=3\n")
    chosen = settings()
    assert chosen.cascade.width == 3
    assert chosen.llm == LLMSettings()
    assert chosen.data == Settings().data
    assert "error" not in capsys.readouterr().err


def test_the_users_own_file_may_name_a_language_model(folder):
    own = user_file()
    own.parent.mkdir(parents=True)
    own.write_text(f"KNOCKWISE_LLM__BASE_URL={ADDRESS}\nKNOCKWISE_LLM__API_KEY=sk-mine\nOTHER=1\n")
    assert settings().llm.base_url == ADDRESS
    (folder / ".env").write_text("KNOCKWISE_LLM__BASE_URL=http://theirs/v1\n")
    assert settings().llm.base_url == ADDRESS


def test_the_environment_comes_before_both_files(folder, monkeypatch):
    (folder / ".env").write_text("KNOCKWISE_CASCADE__WIDTH=3\n")
    monkeypatch.setenv("KNOCKWISE_CASCADE__WIDTH", "4")
    assert settings().cascade.width == 4


@pytest.mark.parametrize("command", ["runs", "doctor", "read"])
def test_a_misspelt_variable_is_told_in_every_command(knockwise, monkeypatch, command):
    monkeypatch.setenv("KNOCKWISE_REASONR", "llm")
    more = ("HSPA5 knockout",) if command == "read" else ()
    result = knockwise(command, *more)
    assert result.exit_code == 2
    assert "did you mean KNOCKWISE_REASONER" in result.stderr


def test_a_variable_that_is_near_to_none_is_told_and_ignored(monkeypatch, capsys):
    monkeypatch.setenv("KNOCKWISE_FAVOURITE_COLOUR", "blue")
    settings()
    assert "no setting KNOCKWISE_FAVOURITE_COLOUR" in capsys.readouterr().err
    assert os.environ["KNOCKWISE_FAVOURITE_COLOUR"] == "blue"


def test_a_file_that_cannot_be_read_is_one_sentence(folder):
    (folder / ".env").mkdir()
    settings()
    (folder / ".env").rmdir()
    (folder / ".env").write_bytes(b"KNOCKWISE_DATA=\xff\xfe")
    with pytest.raises(KnockwiseError, match=r"\.env cannot be read"):
        settings()
