"""Runs many commands from one process that has the libraries loaded; run as a script.

A command is a forked child: it starts where the libraries are there and nothing of ours is loaded,
so that hundreds of faults take minutes and each still has a process of its own to end.
"""

import json
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Any

# What commands import late; none of them reads a file of ours when it is imported.
LIBRARIES = (
    "app.cli", "app.jobs.predictions", "app.jobs.phenotypes", "app.jobs.expressions",
    "app.commands.report", "app.show.render",
    "agent.session", "agent.run", "agent.llm.client", "models.response.model", "pandas",
    "pyarrow.parquet", "lightgbm", "bm25s", "chromadb",
)  # fmt: skip


def serve() -> None:
    """Read a request a line, run it, and write its exit status a line."""
    for name in LIBRARIES:
        import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(request)
        _, status = _waited(child, request["patience_s"])
        sys.stdout.write(f"{json.dumps(status)}\n")
        sys.stdout.flush()


def _waited(child: int, patience_s: int) -> tuple[int, int | None]:
    """Wait for a child; the status is None if it had to be killed."""

    def overdue(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(patience_s)
    try:
        pid, status = os.waitpid(child, 0)
        return pid, os.waitstatus_to_exitcode(status)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return child, None
    finally:
        signal.alarm(0)


def _run(request: dict[str, Any]) -> None:
    """Become the command; never returns."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    code = 1
    try:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        for number, name in ((1, request["out"]), (2, request["err"])):
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(encoding=encoding)  # type: ignore[union-attr]  # a text stream
        sys.argv = ["knockwise", *request["words"]]
        # The command line is played as a user plays it, by name: evaluations import no front door.
        import_module("app.cli").main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001  # as the interpreter does at the end of a process
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
