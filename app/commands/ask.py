"""`knockwise ask`: a question in words, its steps as they happen, then the answer."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from app.show.terminal import Interrupted, plain, print_json, progress, results, settings, signs
from knowledge.errors import QuestionError

if TYPE_CHECKING:
    from agent.settings import Settings
    from knowledge.schema import Answer

SCHEMA = "knockwise/answer/1"
Listener = Callable[[dict[str, Any]], None]
TOLD = {"node", "message", "time"}
EXAMPLE = "knockwise ask 'Knock out HSPA5 in K562: what happens to DDIT3?'"


def ask(
    question: Annotated[
        list[str] | None, typer.Argument(help="The question, in words.", show_default=False)
    ] = None,
    cell_line: Annotated[
        str | None, typer.Option(help="Cell line, where the question does not name one.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the answer as JSON and nothing else.")
    ] = False,
    reasoner: Annotated[
        str | None,
        typer.Option(
            help="evidence: no LLM. llm: the endpoint in the settings. auto: llm if it answers. "
            "Or one that another package adds.",
            show_default=False,
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="How a language model is asked: knockwise, summer, vcworld, core or direct.",
            show_default=False,
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="Address of an OpenAI-compatible server, for example http://127.0.0.1:8000/v1."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Its model; the one that it serves by default.")
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder to keep this run in; a new one by default."
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on with an interrupted run: its name, folder, or 'latest'."
        ),
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option(
            "--continue",
            metavar="RUN",
            help="The run that the question follows on, for example with 'and in RPE1?'.",
        ),
    ] = None,
    explain_reading: Annotated[
        bool, typer.Option("--explain-reading", help="Only show how the question is read.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every step, effect and fact.")
    ] = False,
) -> None:
    """Ask what happens when a gene is knocked out, knocked down or activated, and why."""
    text = " ".join(question or ()).strip()
    if bool(text) == bool(resume):
        problem = "Ask a question or resume a run, not both" if text else "There is no question"
        raise QuestionError(f"{problem}; for example: {EXAMPLE}.")
    if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
        raise QuestionError("The question holds bytes that are not UTF-8 text; write it anew.")
    if text and explain_reading:
        from app.commands.read import explain

        explain(text, cell_line, as_json=as_json)
        return
    if reasoner is not None:
        _known_reasoner(reasoner)
    llm = {"strategy": strategy, "base_url": base_url, "model": model}
    given = {name: value for name, value in llm.items() if value is not None}
    chosen = settings(reasoner=reasoner, llm=given or None)
    console = progress()
    with console.status("Reading what is known ...") as status:
        listener = _quiet if quiet else _teller(console, status, verbose=verbose)
        if resume:
            folder, answer = _resume(chosen, resume, listener)
        else:
            folder, answer = _ask(chosen, text, cell_line, run_dir, listener, follow)
    if as_json:
        from agent.rows import answer_rows

        rows = [row.model_dump() for row in answer_rows(answer)]
        print_json({"schema": SCHEMA, **answer.model_dump(mode="json"), "rows": rows})
        return
    from app.show.render import answer_view

    out = results()
    out.print(answer_view(answer, signs(out), run_dir=folder, verbose=verbose))


def _known_reasoner(name: str) -> None:
    from agent.settings import reasoners

    if name not in reasoners():
        raise QuestionError(
            f"There is no reasoner {name!r}; choose one of {', '.join(reasoners())}."
        )


def _ask(
    chosen: "Settings",
    text: str,
    cell_line: str | None,
    run_dir: Path | None,
    listener: Listener,
    follow: str | None,
) -> tuple[Path, "Answer"]:
    from agent.run import find_run, new_run_dir
    from app.jobs.opening import open_session

    before = find_run(chosen.runs, follow) if follow else None
    folder = run_dir or new_run_dir(chosen.runs, text, datetime.now(UTC))
    try:
        session = open_session(chosen)
        if before is not None:
            text = session.follow_up(text, before)
        return folder, asyncio.run(session.ask(text, cell_line, folder, listener))
    except KeyboardInterrupt:
        raise Interrupted(_how_to_go_on(folder)) from None


def _resume(chosen: "Settings", name: str, listener: Listener) -> tuple[Path, "Answer"]:
    """Go on with an interrupted run; tell a finished one again."""
    from agent.run import find_run, is_there, replay

    folder = find_run(chosen.runs, name)
    if is_there(folder / "result.json"):
        return folder, replay(folder, listener)
    from app.jobs.opening import open_session

    try:
        session = open_session(chosen)
        return folder, asyncio.run(session.resume(folder, listener))
    except KeyboardInterrupt:
        raise Interrupted(_how_to_go_on(folder)) from None


def _how_to_go_on(folder: Path) -> str:
    if not (folder / "settings.json").exists():
        return "Interrupted before the run began; ask again."
    return f"Interrupted; go on with `knockwise ask --resume {folder}`."


def _quiet(event: dict[str, Any]) -> None:
    """Tell nothing."""


def _teller(console: Console, status: Status, *, verbose: bool) -> Listener:
    def tell(event: dict[str, Any]) -> None:
        node, message = plain(str(event["node"])), plain(str(event["message"]))
        status.update(f"{node} ...")
        line = Text.assemble((f"{node:>8}  ", "cyan"), message)
        if verbose:
            details = (f"{name}={value}" for name, value in event.items() if name not in TOLD)
            line.append(f"  {plain(' '.join(details))}", style="dim")
        console.print(line)

    return tell
