"""What holds for every command: shared options, older names of options, and a table of all.

A command declares what is its own. `conventional` adds `--quiet`, `--verbose`, `--data` and
`--without-screen`, takes words whatever their case, and still understands the names that options
had one version ago.
"""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from app.show import terminal

# These read runs, or nothing of ours.
WITHOUT_DATA = {"report", "runs", "serve"}
# These count screens of one's own.
WITH_SCREENS = {"ask", "predict", "explain", "who", "find", "compare", "plan", "web", "mcp"}
# Their commands take data as an input of their own, without which they ask the settings.
WITH_DATA_GROUPS = {"train", "eval"}
RENAMED: Mapping[str, Mapping[str, str]] = {
    "ask": {"--run-dir": "--out"},
    "express": {"--model": "--weights"},
    "phenotype": {"--model": "--weights"},
    "runs": {"--most": "--top"},
    "index search": {"-k": "--top"},
}
"""Command -> the name that an option had one version ago -> its name."""


def conventional(command: Any, path: str) -> Any:  # noqa: ANN401  # typer's own classes are private
    """Return a command, or a group of commands, that keeps to the conventions.

    Args:
        command: As typer built it.
        path: What follows `knockwise` on the command line.
    """
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            conventional(inner, f"{path} {name}")
        return command
    known = {param.name: param for param in command.params}
    for param in _shared():
        own = known.get(param.name)
        if own is None and _takes(path, param.name):
            command.params.append(param)
        elif own is not None and param.name != "data":
            own.callback = param.callback
    data = known.get("data")
    if data is not None and data.required and path.split()[0] in WITH_DATA_GROUPS:
        data.required, data.default, data.show_default = False, _data_folder, "KNOCKWISE_DATA"
    for param in command.params:
        if (info := getattr(param.type_descriptor, "parameter_info", None)) is not None:
            info.case_sensitive = False
    if path in RENAMED:
        command.parse_args = partial(_parse_renamed, command.parse_args, RENAMED[path])
    return command


def _takes(path: str, option: str) -> bool:
    """Return whether a command takes a shared option."""
    if option == "without_screen":
        return path in WITH_SCREENS
    return option != "data" or _reads_data(path)


def _reads_data(path: str) -> bool:
    return path not in WITHOUT_DATA and path.split()[0] not in WITH_DATA_GROUPS


def _shared() -> list[Any]:
    """Return the options that commands share, as typer makes them."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def shared(
        data: Annotated[
            Path | None,
            typer.Option(
                help="Data folder; KNOCKWISE_DATA, or that of the settings, by default.",
                metavar="DIR",
                callback=_use_data,
            ),
        ] = None,
        without_screen: Annotated[
            list[str] | None,
            typer.Option(
                help="Screen of your own to leave out; repeat for several.", callback=_leave_out
            ),
        ] = None,
        quiet: Annotated[
            bool,
            typer.Option("--quiet", "-q", help="Show no progress.", callback=_be_quiet),
        ] = False,
        verbose: Annotated[
            bool,
            typer.Option(
                "--verbose", "-v", help="Also tell what is loaded and asked.", callback=_be_verbose
            ),
        ] = False,
    ) -> None:
        pass

    params: list[Any] = list(get_command(app).params)
    for param in params:
        param.expose_value = False
    return params


def _use_data(value: Path | None) -> Path | None:
    terminal.CHOSEN.pop("data", None)
    if value is not None:
        terminal.CHOSEN["data"] = value
    return value


def _leave_out(value: list[str] | None) -> list[str] | None:
    terminal.CHOSEN.pop("without_screens", None)
    if value:
        terminal.CHOSEN["without_screens"] = tuple(value)
    return value


def _be_quiet(value: bool) -> bool:  # a callback of typer
    terminal.be_quiet(value)
    return value


class _Told(logging.Handler):
    """Writes to whatever is stderr at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line."""
        sys.stderr.write(f"{self.format(record)}\n")


_TOLD = _Told()
_TOLD.setFormatter(logging.Formatter("%(name)s: %(message)s"))


def _be_verbose(value: bool) -> bool:  # a callback of typer
    root = logging.getLogger()
    if value:
        root.addHandler(_TOLD)
        root.setLevel(logging.INFO)
    elif _TOLD in root.handlers:
        root.removeHandler(_TOLD)
        root.setLevel(logging.WARNING)
    return value


def _data_folder() -> Path:
    return terminal.settings().data


def _parse_renamed(
    parse: Any,  # noqa: ANN401  # typer's own method
    renamed: Mapping[str, str],
    ctx: Any,  # noqa: ANN401  # typer's own context class is private
    args: Sequence[str],
) -> Any:  # noqa: ANN401
    """Parse arguments in which options may have the names of one version ago."""
    end = list(args).index("--") if "--" in args else len(args)
    return parse(ctx, [*(_renamed(arg, renamed) for arg in args[:end]), *args[end:]])


def _renamed(arg: str, renamed: Mapping[str, str]) -> str:
    name, equals, value = arg.partition("=")
    return f"{renamed[name]}{equals}{value}" if name in renamed else arg


def every_command(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Iterate over the commands that are not hidden, each after its words on the command line."""
    import typer._click.core as click

    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        words = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from every_command(command, words)
        else:
            yield words, command


OPTIONS = "## Options of each command"


def options_table(root: Any) -> str:  # noqa: ANN401
    """Return the last part of `docs/command-line.md`: what each command takes."""
    lines = [
        OPTIONS,
        "",
        "`-h`, `-q` and `-v` are everywhere.",
        "",
        "| Command | Takes |",
        "| --- | --- |",
    ]
    for words, command in every_command(root):
        taken = ", ".join(
            f"`{param.opts[0]}`" if param.opts[0].startswith("-") else f"`{param.name.upper()}`"
            for param in command.params
            if not param.hidden and param.name not in ("quiet", "verbose")
        )
        lines.append(f"| `{words}` | {taken} |")
    return "\n".join(lines) + "\n"
