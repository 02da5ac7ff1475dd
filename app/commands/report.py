"""A run as pages to hand around: one self-contained HTML file, a Markdown file, `effects.csv`."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from app.show.terminal import progress, settings
from knowledge.errors import RunError
from knowledge.files import replace_text

if TYPE_CHECKING:
    from agent.narrative.writer import Story
    from knowledge.schema import Answer

Teller = Literal["evidence", "llm"]


class ReportFiles(NamedTuple):
    """Where a report was written."""

    html: Path
    markdown: Path
    effects: Path | None


def report(
    run: Annotated[str, typer.Argument(help="A run: its name, its folder, or 'latest'.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; the run's own folder by default.")
    ] = None,
    reasoner: Annotated[
        Teller,
        typer.Option(
            help="Who tells the story: our own sentences, or the language model of the settings, "
            "each of whose sentences must follow from the answer."
        ),
    ] = "evidence",
) -> None:
    """Write a run as an HTML page, a Markdown file and effects.csv."""
    from agent.run import find_run, load_answer

    run_dir = find_run(settings().runs, run)
    story = _told(load_answer(run_dir)) if reasoner == "llm" else None
    written = write_report(run_dir, out or run_dir, story)
    if written.effects is None:
        progress().print("The run has no effects.csv, so none was copied.", style="yellow")
    for file in (written.html, written.markdown, written.effects):
        if file is not None:
            typer.echo(file)


def _told(answer: "Answer") -> "Story":
    """Return the story as the language model of the settings tells it, and say how it did."""
    import asyncio

    from agent.llm.open import open_chat
    from agent.narrative.writer import written_story
    from knowledge.base import load_knowledge

    found = settings()
    knowledge = load_knowledge(found.data)

    async def written() -> "Story":
        async with open_chat(found) as chat:
            return await written_story(
                chat,
                answer,
                [line.name for line in knowledge.cell_lines],
                lambda word: knowledge.symbols.ground(word).gene is not None,
            )

    story = asyncio.run(written())
    progress().print(story.count)
    return story


def write_report(run_dir: Path, out: Path, story: "Story | None" = None) -> ReportFiles:
    """Write the report of a finished run to `out`.

    Raises:
        RunError: The run is not finished or damaged, or `out` cannot be written.
    """
    from agent.run import load_answer
    from app.show.pages import html_page, markdown_page

    answer = load_answer(run_dir)
    effects = run_dir / "effects.csv"
    html, markdown = html_page(answer, story), markdown_page(answer, story)
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / "report.html", html)
        replace_text(out / "report.md", markdown)
        if effects.exists() and out.resolve() != run_dir.resolve():
            shutil.copyfile(effects, out / "effects.csv")
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {out} ({error.strerror}); "
            "name another folder with --out."
        ) from error
    return ReportFiles(
        html=out / "report.html",
        markdown=out / "report.md",
        effects=out / "effects.csv" if effects.exists() else None,
    )
