"""What commands print: one sentence where they cannot do what was asked, or an answer."""

import json

from knowledge.schema import Answer


def one_sentence(result):
    """The only thing on stderr besides progress, and no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (line,) = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    assert line.endswith((".", "?"))
    return line


def answer_in(printed):
    """The answer that `ask --json` printed, without the rows that are told beside it."""
    said = json.loads(printed)
    assert said.pop("schema").startswith("knockwise/answer/")
    assert isinstance(said.pop("rows"), list)
    return Answer.model_validate(said)
