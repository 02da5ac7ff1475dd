"""What a command says when it cannot do what it was asked."""


def one_sentence(result):
    """The only thing on stderr besides progress, and no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (line,) = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    assert line.endswith((".", "?"))
    return line
