"""`knockwise data`: fetch the full data, see what is there, and check that it is whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from knowledge.sources.registry import Source, State
    from knowledge.starter_check import EdgeCheck

app = typer.Typer(
    help="Fetch, inspect and verify the data.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Sources or groups of sources; `data status` lists them.", metavar="NAME"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command(epilog="Example: knockwise data pull --mirror ../shared/data")
def pull(
    names: Names = None,
    mirror: Annotated[
        Path | None,
        typer.Option(help="Copy from this folder instead of downloading.", metavar="DIR"),
    ] = None,
) -> None:
    """Fetch sources into the data folder; what is already there and whole is kept."""
    from app.show.terminal import progress, settings
    from knowledge.errors import DataError
    from knowledge.sources.download import pull as fetch
    from knowledge.sources.registry import DEFAULT_GROUPS, load_registry

    console, data_dir = progress(), settings().data
    wanted = load_registry().select(names or DEFAULT_GROUPS)
    if mirror is not None and not mirror.is_dir():
        raise DataError(f"{mirror} is no folder; check the path given to --mirror.")
    skipped = [
        s for s in wanted if s.mirror_only and mirror is None and s.name not in (names or ())
    ]
    wanted = tuple(source for source in wanted if source not in skipped)
    fetched = 0
    with _bytes_bar(console) as bar:
        task = bar.add_task("", total=sum(source.size_bytes for source in wanted))
        done = 0
        for source in wanted:
            bar.update(task, description=source.name)
            fetched += fetch(
                source,
                data_dir,
                mirror=mirror,
                progress=lambda size, before=done: bar.update(task, completed=before + size),  # type: ignore[misc]  # mypy cannot infer the default
            )
            done += source.size_bytes
            bar.update(task, completed=done)
        bar.update(task, description="done")
    kept = len(wanted) - fetched
    console.print(f"{fetched} fetched, {kept} already there, in {data_dir / 'sources'}")
    if skipped:
        console.print(
            f"{len(skipped)} skipped, which only a mirror has: "
            + ", ".join(source.name for source in skipped)
        )
    if any(source.group == "knowledge" for source in wanted):
        console.print("Next: knockwise index build")


@app.command()
def status(names: Names = None, as_json: Json = False) -> None:
    """Show each source with its version, licence, state and size."""
    from rich.table import Table

    from app.show.terminal import print_json, results, settings
    from knowledge.sources.registry import load_registry, states

    data_dir, registry = settings().data, load_registry()
    chosen = registry.select(names) if names else tuple(registry)
    found = states(chosen, data_dir)
    if as_json:
        rows = [{**_described(s), "state": found[s.name]} for s in chosen]
        print_json({"schema": "knockwise/sources/1", "rows": rows})
        return
    table = Table("source", "group", "version", "licence", "state", box=None, pad_edge=False)
    table.add_column("size", justify="right")
    for source in chosen:
        state = found[source.name]
        table.add_row(
            source.name,
            source.group,
            source.version,
            source.licence,
            f"[{_STYLES[state]}]{state}[/]",
            _size(source.size_bytes),
        )
    console = results()
    console.print(table)
    console.print(f"\n{_counted(found)}, under {data_dir / 'sources'}", soft_wrap=True)


@app.command()
def verify(names: Names = None) -> None:
    """Hash every pulled file again; exit code 2 names what is damaged."""
    from app.show.terminal import results, settings
    from knowledge.errors import DataError
    from knowledge.sources.registry import load_registry, states

    data_dir, registry = settings().data, load_registry()
    chosen = registry.select(names) if names else tuple(registry)
    found = states(chosen, data_dir)
    results().print(_counted(found))
    # Asked for by name, a source must be there; otherwise only what is there must be whole.
    bad = ("corrupt", "partial", "missing") if names else ("corrupt", "partial")
    damaged = [f"{name} ({state})" for name, state in found.items() if state in bad]
    if damaged:
        again = " ".join(name for name, state in found.items() if state in bad)
        raise DataError(
            f"Not whole: {', '.join(damaged)}; run `knockwise data pull {again}` to fetch them "
            "again."
        )


@app.command("sources")
def sources_page() -> None:
    """Print what every source is, its terms and what to cite, as Markdown."""
    from app.commands.sources import page

    typer.echo(page(), nl=False)


@app.command("check-starter")
def check_starter(
    data: Annotated[
        Path | None,
        typer.Option(help="A data folder or a mirror; the data folder by default.", metavar="DIR"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare every edge of the starter pack with the networks of the full data."""
    from app.show.terminal import print_json, progress, settings
    from knowledge.errors import DataError
    from knowledge.starter import load_starter
    from knowledge.starter_check import check_starter as checked
    from knowledge.starter_check import missing_networks

    folder, console = data or settings().data, progress()
    with console.status("comparing with the networks"):
        checks = checked(load_starter(), folder)
    if missing := missing_networks(folder):
        console.print(
            f"{len(missing)} networks were not there to compare with; more edges may be confirmed "
            "after `knockwise data pull networks`."
        )
    if as_json:
        rows = [check.model_dump(mode="json") for check in checks]
        print_json({"schema": "knockwise/starter-check/1", "rows": rows})
    else:
        _print_checks(checks)
    unexcused = [check for check in checks if not check.excused]
    if unexcused:
        named = "; ".join(_sentence(check) for check in unexcused[:3])
        raise DataError(
            f"{len(unexcused)} starter edges are contradicted without a note saying why "
            f"({named}); correct them or add a note."
        )


_STYLES: dict["State", str] = {
    "present": "green",
    "partial": "yellow",
    "corrupt": "bold red",
    "missing": "dim",
}


def _bytes_bar(console: object) -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    assert isinstance(console, Console)
    return Progress(
        TextColumn("{task.description:>18}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _described(source: "Source") -> dict[str, object]:
    return source.model_dump(include={"name", "group", "version", "licence", "size_bytes", "url"})


def _counted(found: dict[str, "State"]) -> str:
    from collections import Counter

    counts = Counter(found.values())
    return ", ".join(f"{counts[state]} {state}" for state in _STYLES if counts[state])


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _sentence(check: "EdgeCheck") -> str:
    edge = check.edge
    return f"{edge.source} {edge.effect} {edge.target}, {edge.mechanism}"


def _print_checks(checks: tuple["EdgeCheck", ...]) -> None:
    from collections import Counter

    from rich.table import Table

    from app.show.terminal import plain, results

    console = results()
    compared = [check for check in checks if check.verdict != "not comparable"]
    counts = Counter(check.verdict for check in checks)
    for verdict in ("confirmed", "unconfirmed", "contradicted"):
        share = counts[verdict] / max(len(compared), 1)
        console.print(f"{verdict:>14}  {counts[verdict]:5}  {share:6.1%}")
    console.print(f"{'not comparable':>14}  {counts['not comparable']:5}  (edges of processes)")
    table = Table("verdict", "edge", "mechanism", "databases", "note", box=None, pad_edge=False)
    for check in compared:
        if check.verdict != "confirmed":
            edge = check.edge
            table.add_row(
                check.verdict,
                f"{edge.source} {edge.effect} {edge.target}",
                edge.mechanism,
                ", ".join(check.opposing),
                plain(edge.note),
            )
    console.print(table)
