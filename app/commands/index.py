"""`knockwise index`: build the text index, see what it holds, and search it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from knowledge.symbols import SymbolTable
    from knowledge.texts.build import BuildReport
    from knowledge.texts.generation import Progress
    from knowledge.texts.search import Passage

app = typer.Typer(
    help="Build, inspect and search the text index.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command(epilog="Example: knockwise data pull --mirror ../shared/data && knockwise index build")
def build(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Throw the index away and build it anew.")
    ] = False,
) -> None:
    """Compile the pulled data and index its texts; Ctrl-C loses nothing, run it again to go on."""
    from app.show.terminal import Interrupted, progress, settings
    from knowledge.compiled.build import compile_tables
    from knowledge.texts.build import build_index, clear, full_index_dir, starter_index_dir
    from knowledge.texts.documents import documents
    from knowledge.texts.encoder import load_encoder

    console, chosen = progress(), settings()
    encoder = load_encoder(chosen.encoder)
    with console.status("checking the compiled tables") as status:
        compiled = compile_tables(
            chosen.data, progress=lambda part: status.update(f"compiling the {part}")
        )
    if compiled.rebuilt:
        console.print(f"compiled {', '.join(compiled.rebuilt)} in {compiled.seconds:.0f} s")
    elif not compiled.rows:
        console.print("No data is pulled yet; only the starter pack is indexed.")
    if rebuild:
        clear(starter_index_dir(chosen.data))
    folder = full_index_dir(chosen.data)
    try:
        with _texts_bar(console) as told:
            report = build_index(
                folder, documents(chosen.data), encoder, progress=told, rebuild=rebuild
            )
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted{_so_far(folder)}; run `knockwise index build` again to go on."
        ) from None
    _print_report(report, folder)


@app.command()
def status(as_json: Json = False) -> None:
    """Show the encoder, how many texts are indexed, and whether the index is up to date."""
    from app.show.terminal import print_json, results, settings
    from knowledge.texts.encoder import load_encoder
    from knowledge.texts.status import index_status

    chosen = settings()
    found = index_status(chosen.data, load_encoder(chosen.encoder))
    if as_json:
        print_json({"schema": "knockwise/index/1", **found.model_dump(mode="json")})
        return
    console = results()
    console.print(f"index    {found.folder}", soft_wrap=True)
    detail = f" ({found.detail})" if found.detail else ""
    console.print(f"state    {found.state}{detail}", soft_wrap=True)
    if found.encoder:
        console.print(f"encoder  {found.encoder} ({found.fingerprint})", soft_wrap=True)
    if found.counts:
        counts = ", ".join(f"{number:,} {kind}" for kind, number in found.counts.items())
        sources = ", ".join(f"{name} {number:,}" for name, number in found.sources.items())
        console.print(f"texts    {sum(found.counts.values()):,}: {counts}", soft_wrap=True)
        console.print(f"sources  {sources}", soft_wrap=True)


@app.command(epilog="Example: knockwise index search 'senses uncharged tRNA' --kind gene")
def search(
    query: Annotated[str, typer.Argument(help="Words, gene symbols, GO ids.")],
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many passages.")] = 8,
    kind: Annotated[
        Literal["gene", "go", "programme"] | None, typer.Option(help="Only texts of this kind.")
    ] = None,
    gene: Annotated[str | None, typer.Option(help="Only texts about this gene.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Only texts from this source: starter, RefSeq, UniProt, GO.")
    ] = None,
    words_only: Annotated[
        bool, typer.Option("--words-only", help="Skip the search by meaning; faster.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the passages that fit best: named genes first, then by word and meaning."""
    from app.show.terminal import print_json, progress, results, settings
    from knowledge.texts.build import text_index_for

    chosen = settings()
    symbols = _symbols(chosen.data)
    about = (symbols.approved(gene) or gene) if gene else None
    with _texts_bar(progress()) as told:
        index = text_index_for(chosen.data, chosen.encoder, symbols, told)
    found = index.search(query, top, kind=kind, gene=about, source=source, dense=not words_only)
    if as_json:
        rows = [_described(passage) for passage in found]
        print_json({"schema": "knockwise/passages/1", "rows": rows})
        return
    if not found:
        progress().print("Nothing fits.")
    for number, passage in enumerate(found, start=1):
        _print_passage(results(), number, passage)


@contextmanager
def _texts_bar(console: "Console") -> "Generator[Progress]":
    """Show a bar per stage with a rate and the time left; nothing if there is nothing to do."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Texts per second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f} texts/s" if speed else "", style="progress.data.speed")

    bar = Progress(
        TextColumn("{task.description:>9}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        speed_estimate_period=60,
    )
    tasks = {}

    def told(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total, completed=done)
            bar.start()
        bar.update(tasks[stage], completed=done)

    try:
        yield told
    finally:
        bar.stop()


def _so_far(folder: "Path") -> str:
    from knowledge.texts.build import encoded_so_far

    done, wanted = encoded_so_far(folder)
    return f" with {done:,} of {wanted:,} texts encoded" if wanted else ""


def _print_report(report: "BuildReport", folder: "Path") -> None:
    from app.show.terminal import results

    console = results()
    counts = ", ".join(f"{number:,} {kind}" for kind, number in report.counts.items())
    if report.up_to_date:
        console.print(f"up to date: {report.documents:,} texts ({counts}) in {folder}")
        return
    for reason in report.reasons:
        console.print(reason, soft_wrap=True)
    console.print(
        f"indexed {report.documents:,} texts ({counts}), {report.encoded:,} of them newly encoded, "
        f"in {report.seconds:,.0f} s: {folder}",
        soft_wrap=True,
    )


def _symbols(data_dir: "Path") -> "SymbolTable":
    from knowledge.compiled.open import open_compiled
    from knowledge.starter import load_starter
    from knowledge.symbols import SymbolTable

    compiled = open_compiled(data_dir)
    return SymbolTable(load_starter().genes if compiled.manifest is None else compiled.genes())


def _described(passage: "Passage") -> dict[str, object]:
    return {
        **passage.document.model_dump(mode="json"),
        "score": round(passage.score, 6),
        "matched_by": list(passage.matched_by),
    }


def _print_passage(console: "Console", number: int, passage: "Passage") -> None:
    from rich.text import Text

    document = passage.document
    reference = document.reference or document.source
    found_by = ", ".join(passage.matched_by)
    console.print(
        Text.assemble(
            f"{number:>2}. ", (document.id, "bold"), f"  {reference}  ", (found_by, "dim")
        )
    )
    console.print(Text(f"    {document.text[:400]}"), soft_wrap=True)
