"""The `knockwise` command: what a scientist would say, and what it says back when it cannot.

Heavy imports live inside the commands, so that `knockwise --help` answers at once.
"""

import errno
import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from app.commands.analyse import analyse
from app.commands.ask import ask
from app.commands.compare import compare
from app.commands.doctor import doctor
from app.commands.explain import explain
from app.commands.express import express
from app.commands.find import find
from app.commands.mcp import mcp
from app.commands.morphology import morphology
from app.commands.phenotype import phenotype
from app.commands.plan import plan
from app.commands.predict import predict
from app.commands.quantify import quantify
from app.commands.read import read
from app.commands.report import report
from app.commands.runs import runs
from app.commands.serve import serve
from app.commands.subtypes import subtypes
from app.commands.web import web
from app.commands.who import who
from app.conventions import conventional
from app.jobs.outputs import Careful
from app.show.terminal import Interrupted, complain, tolerate_narrow_encodings
from knowledge.errors import KnockwiseError
from knowledge.extras import missing

# Command groups that are imported when they are called or listed.
GROUPS = {
    name: f"{__package__}.commands.{name}"
    for name in ("image", "data", "index", "atlas", "screen", "train", "eval")
}
RESUMES = "Interrupted; run the same command again to go on."
STORAGE = {
    errno.ENOSPC: "make room and run the same command again",
    errno.EDQUOT: "make room and run the same command again",
    errno.EACCES: "give yourself access or choose another folder",
    errno.EROFS: "choose a folder that can be written to",
    errno.EMFILE: "close other programs or raise `ulimit -n`, and run the same command again",
    errno.ENFILE: "close other programs and run the same command again",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "choose a path without a circle of links",
    errno.EISDIR: "name a file, this is a folder",
    errno.ENOTDIR: "choose a path whose every part is a folder",
    errno.EFBIG: "raise `ulimit -f` and run the same command again",
    errno.EIO: "check the disk and run the same command again",
}


class FrontDoor(TyperGroup):
    """Turns failures a user can act on into one sentence and an exit code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Make the group as typer does."""
        super().__init__(*args, **kwargs)
        self._conventional: set[str] = set()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  # typer's own context class is private
        """Return the commands in the order of `--help`."""
        return [*super().list_commands(ctx), *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return a command, importing its module if it is a group."""
        if cmd_name in GROUPS:
            command = get_command(import_module(GROUPS[cmd_name]).app)
            command.name = cmd_name
            return conventional(command, cmd_name)
        found = super().get_command(ctx, cmd_name)
        if found is not None and cmd_name not in self._conventional:
            self._conventional.add(cmd_name)
            conventional(found, cmd_name)
        return found

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run a command; `--debug` lets the traceback through."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # The reader has gone (`knockwise ask ... | head`); nothing is left to say to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(128 + 13) from None
        except (
            KnockwiseError,
            Interrupted,
            KeyboardInterrupt,
            OSError,
            MemoryError,
            UnicodeEncodeError,
            ModuleNotFoundError,
        ) as error:
            if ctx.params.get("debug"):
                raise
            code, sentence = _verdict(error)
            if not sentence:
                raise
            complain(sentence)
            raise typer.Exit(code) from None


def _verdict(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the sentence for a failure; no sentence if it is a bug."""
    if isinstance(error, KeyboardInterrupt | Interrupted):
        return 130, str(error) or RESUMES
    if isinstance(error, KnockwiseError):
        return 2, str(error)
    if isinstance(error, MemoryError):
        return 2, "There is not enough memory; close other programs, or ask for less at once."
    if isinstance(error, UnicodeEncodeError):
        return 2, "A name or an argument holds bytes that are not UTF-8 text; rename it."
    if isinstance(error, FileNotFoundError) and error.filename:
        return _missing_source(str(error.filename))
    if isinstance(error, ModuleNotFoundError):
        return 2, missing(error)
    if isinstance(error, OSError) and error.errno in STORAGE:
        where = f"{error.filename}: " if error.filename else ""
        return 2, f"{where}{error.strerror}; {STORAGE[error.errno]}."
    return 1, ""


def _missing_source(path: str) -> tuple[int, str]:
    """Return the sentence about a source that is not there, nothing if it is no source."""
    from pathlib import Path

    from knowledge.sources.registry import is_source, missing

    return (2, str(missing(Path(path)))) if is_source(Path(path)) else (1, "")


app = typer.Typer(
    cls=FrontDoor,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"knockwise {version('knockwise')}")
        raise typer.Exit


@app.callback(epilog="Example: knockwise ask 'Knock out HSPA5 in K562: what happens to DDIT3?'")
def front_door(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _show_version(wanted=value),
            is_eager=True,
            help="Print the version and leave.",
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure.")
    ] = False,
) -> None:
    """Ask what happens in a human cell when a gene is knocked out, and why."""


app.command()(ask)
app.command(epilog="Example: knockwise read 'HSPA5_KO in K562: DDIT3?'")(read)
app.command(cls=Careful)(predict)
app.command(cls=Careful, epilog="Example: knockwise express --pert STAT1 --context papalexi")(
    express
)
app.command(cls=Careful, epilog="Example: knockwise phenotype FGFR3")(phenotype)
app.command(epilog="Example: knockwise morphology COPB1")(morphology)
app.command(cls=Careful, epilog="Example: knockwise explain 'DDIT3+,ATF3+' --pert HSPA5")(explain)
app.command(cls=Careful, epilog="Example: knockwise who 'DDIT3+,ATF3+,HERPUD1+'")(who)
app.command(cls=Careful, epilog="Example: knockwise find LDLR --down --cell-line HepG2")(find)
app.command(cls=Careful, epilog="Example: knockwise compare SCAP INSIG1 --cell-line HepG2")(compare)
app.command(cls=Careful, epilog="Example: knockwise plan LDLR --up --budget 24")(plan)
app.command(
    cls=Careful,
    epilog="Example: knockwise analyse counts.csv --design samples.csv --contrast 'KO vs WT'",
)(analyse)
app.command(
    cls=Careful, epilog="Example: knockwise quantify reads/ --transcripts cdna.fa.gz --out counts"
)(quantify)
app.command(
    cls=Careful, epilog="Example: knockwise subtypes expression.tsv --pheno samples.csv --out found"
)(subtypes)
app.command(cls=Careful)(report)
app.command()(runs)
app.command()(serve)
app.command(epilog="Example: knockwise web")(web)
app.command(cls=Careful, epilog="Example: knockwise mcp --config")(mcp)
app.command()(doctor)


def main() -> None:
    """Run the command line."""
    tolerate_narrow_encodings()
    app()


if __name__ == "__main__":
    main()
