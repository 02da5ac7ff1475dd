"""`knockwise ask` with and without a language model, as a user types it."""

import json
import socket

import pytest
from typer.testing import CliRunner

from app.cli import app
from tests.llm.hostile import hostile  # noqa: F401  # a fixture

QUESTION = "MDM2 knockout in RPE1: CDKN1A?"


def ask(*options):
    return CliRunner().invoke(app, ["ask", QUESTION, "--json", *options])


@pytest.fixture
def nobody():
    """An address where nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def one_error(result):
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if "error:" in line]
    return line


def test_a_model_that_is_asked_for_and_not_there_is_one_sentence(nobody):
    assert "cannot be reached" in one_error(ask("--reasoner", "llm", "--base-url", nobody))
    assert "KNOCKWISE_LLM__BASE_URL" in one_error(ask("--reasoner", "llm"))


def test_an_unknown_strategy_is_one_sentence(nobody):
    line = one_error(ask("--strategy", "oracle", "--base-url", nobody))
    assert "choose one of knockwise, summer, vcworld, core, direct" in line


def test_auto_says_which_reasoner_it_used(nobody):
    without = ask("--base-url", nobody)
    assert without.exit_code == 0
    answer = json.loads(without.stdout)
    assert answer["reasoner"] == "evidence"
    assert any("No language model was used" in note for note in answer["unknown"])


def test_a_server_is_used_with_the_strategy_and_model_that_are_named(hostile):  # noqa: F811
    done = ask("--base-url", hostile.url, "--strategy", "direct")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["reasoner"].startswith("llm ")
    assert answer["reasoner"].endswith("strategy direct")
    other = ask("--reasoner", "llm", "--base-url", hostile.url, "--model", "another")
    assert "it is another" in one_error(other)
