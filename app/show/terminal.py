"""What a terminal can show: consoles for results and progress, signs, and text made harmless."""

import codecs
import json
import os
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from knowledge.errors import KnockwiseError

if TYPE_CHECKING:
    from agent.settings import Settings
    from knowledge.schema import Call, Direction, EdgeEffect, Effect, Interval, StepStatus

PIPE_WIDTH = 100
# Variables that the tests, their Makefile and `knockwise mcp` read.
NO_SETTINGS = {
    "KNOCKWISE_LIVE",
    "KNOCKWISE_MCP_TOKEN",
    "KNOCKWISE_MIRROR",
    "KNOCKWISE_REFRESH",
    "KNOCKWISE_VLLM_VENV",
}


@dataclass(frozen=True)
class Signs:
    """One character set for directions, relations and verdicts."""

    direction: dict["Direction", str]
    call: dict["Call", str]
    relation: dict["EdgeEffect", str]
    status: dict["StepStatus", str]
    good: str
    bad: str
    dot: str
    dash: str

    def reading(self, effect: "Effect") -> str:
        """Return what is predicted, for example `↑ up` or `↑ up (direction only)`."""
        said = self.call[effect.call]
        return f"{said} (direction only)" if effect.subtle else said

    def chance(self, value: float | None, interval: "Interval | None") -> str:
        """Return a probability with its 90 % interval, as far as they are known."""
        if value is None:
            return "not known"
        if interval is None:
            return f"{value:.2f}"
        return f"{value:.2f} ({interval.low:.2f}{self.dash}{interval.high:.2f})"


UNICODE = Signs(
    direction={"up": "▲", "down": "▼"},
    call={"up": "↑ up", "down": "↓ down", "unchanged": "= no change", "unknown": "? not predicted"},
    relation={"activates": "→", "inhibits": "⊣", "binds": "—", "regulates": "⇢"},
    status={"verified": "✓", "contradicted": "✗", "unsupported": "?"},
    good="✓",
    bad="✗",
    dot=" · ",
    dash="–",
)
ASCII = Signs(
    direction={"up": "(+)", "down": "(-)"},
    call={"up": "+ up", "down": "- down", "unchanged": "= no change", "unknown": "? not predicted"},
    relation={"activates": "->", "inhibits": "-|", "binds": "--", "regulates": "~>"},
    status={"verified": "ok", "contradicted": "X", "unsupported": "?"},
    good="ok",
    bad="X",
    dot=", ",
    dash="-",
)


CHOSEN: dict[str, object] = {}
"""Settings that options of this command line change."""
_quiet = False


def be_quiet(quiet: bool) -> None:  # what the option says
    """Show progress, or (`quiet`) none; errors are told all the same."""
    global _quiet  # one process is one command line
    _quiet = quiet


def results() -> Console:
    """Return the console on stdout."""
    return _console(sys.stdout)


def progress() -> Console:
    """Return the console on stderr, for progress and remarks."""
    return _console(sys.stderr, quiet=_quiet)


def tell_line(cell_line: str | None, line: str) -> None:
    """Tell which cell line is assumed where none was named."""
    if cell_line is None:
        progress().print(f"No --cell-line given: {line} is assumed.", style="yellow")


def _console(stream: TextIO, *, quiet: bool = False) -> Console:
    """Return a console, of a fixed width where nothing says how wide it is."""
    unknown = not stream.isatty() and "COLUMNS" not in os.environ
    width = PIPE_WIDTH if unknown else None
    return Console(file=stream, highlight=False, width=width, quiet=quiet)


def signs(console: Console) -> Signs:
    """Return the signs that `console` can print."""
    return UNICODE if console.encoding.lower().startswith("utf") else ASCII


def plain(text: str) -> str:
    """Return `text` without control characters, on one line.

    Summaries and statements come from databases; an escape sequence hidden in one must not reach
    the terminal.
    """
    kept = (" " if unicodedata.category(char) in {"Cc", "Cf"} else char for char in text)
    return " ".join("".join(kept).split())


def settings(**changes: object) -> "Settings":
    """Return the settings of this process, with what the command line changes in them.

    Raises:
        KnockwiseError: A variable holds a value that cannot be used.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from agent.settings import FOLDER_FILE, NOT_OF_THE_FOLDER, PREFIX, Settings, user_file

    where = f"in the environment, in {user_file()} or in .env"
    try:
        chosen = Settings(**{**CHOSEN, **{n: v for n, v in changes.items() if v is not None}})  # type: ignore[arg-type]  # pydantic checks them
        _misspelt(where)
        ignored = [n for n in _names_in(FOLDER_FILE) if n.upper().startswith(NOT_OF_THE_FOLDER)]
    except ValidationError as error:
        first = error.errors()[0]
        # An unknown key of a file comes with its prefix, a known one without.
        path = "__".join(str(part) for part in first["loc"]).upper()
        name = f"{PREFIX}{path.removeprefix(PREFIX)}"
        if first["type"] == "extra_forbidden":
            raise KnockwiseError(_unknown_setting(name, where)) from error
        # A value of the language model may be a key, or hold one.
        value = "" if name.startswith(NOT_OF_THE_FOLDER) else f" (it is {first['input']!r})"
        raise KnockwiseError(
            f"The setting {name} cannot be used: {_bare(first['msg'])}{value}; change it {where}."
        ) from None
    except SettingsError as error:
        raise KnockwiseError(
            f"A setting cannot be used ({error}); write for example KNOCKWISE_CASCADE__WIDTH=10 "
            f"{where}."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KnockwiseError(
            f"{user_file()} or .env cannot be read ({error}); correct or remove it."
        ) from error
    if ignored:
        said = f"{', '.join(ignored)} in .env is not used: a folder may be somebody else's. "
        said += f"Put it into {user_file()}, or export it."
        progress().print(said, style="yellow", markup=False, soft_wrap=True)
    return chosen


def _bare(message: str) -> str:
    """Return what pydantic says without its own name for a failed check."""
    return message.removeprefix("Value error, ")


def _misspelt(where: str) -> None:
    """Tell variables of ours that are no settings.

    Raises:
        KnockwiseError: One is plainly meant to be another.
    """
    from agent.settings import PREFIX

    known = {name.upper() for name in _setting_names()}
    for name in sorted(os.environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or "__" in upper or upper in known | NO_SETTINGS:
            continue
        if _nearest(upper):
            raise KnockwiseError(_unknown_setting(upper, where))
        said = f"There is no setting {plain(name)}; it is ignored."
        progress().print(said, style="yellow", markup=False, soft_wrap=True)


def _names_in(path: Path) -> list[str]:
    from dotenv import dotenv_values

    return list(dotenv_values(path)) if path.is_file() else []


def _setting_names() -> list[str]:
    from pydantic import BaseModel

    from agent.settings import PREFIX, Settings

    known = []
    for field, info in Settings.model_fields.items():
        kind = info.annotation
        parts = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else ()
        known += [f"{PREFIX}{field}__{part}".upper() for part in parts] or [
            f"{PREFIX}{field}".upper()
        ]
    # A whole group may be given as JSON.
    return [*known, f"{PREFIX}LLM", f"{PREFIX}CASCADE"]


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, _setting_names(), 1, 0.8)), "")


def _unknown_setting(name: str, where: str) -> str:
    near = _nearest(name)
    meant = f" (did you mean {near}?)" if near else ""
    return f"There is no setting {name}{meant}; correct or remove it {where}."


STYLES = {
    "up": "bold dark_orange3",
    "down": "bold dodger_blue2",
    "unchanged": "dim",
    "unknown": "dim",
    "verified": "green",
    "contradicted": "bold red",
    "unsupported": "yellow",
}


class Interrupted(Exception):
    """Ctrl-C, with one sentence on how to go on."""


def print_json(value: object) -> None:
    """Print `value` as JSON and nothing else on stdout."""
    utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=not utf8) + "\n")


def complain(sentence: str) -> None:
    """Print one sentence about a failure on stderr."""
    console = _console(sys.stderr)
    message = Text.assemble(("error: ", "bold red"), plain(sentence))
    console.print(message, soft_wrap=True)


# What a character of ours becomes where it cannot be printed: a picture keeps its meaning.
NARROW = {
    "→": "->", "⊣": "-|", "⇢": "~>", "—": "--", "–": "-", "↑": "+", "↓": "-", "▲": "(+)",
    "▼": "(-)", "✓": "ok", "✗": "X", "·": ",", "…": "...", "×": "x", "≥": ">=", "≤": "<=",
    "±": "+/-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "│": "|", "├": "|", "└": "`",
    "─": "-", "━": "-", "╸": "-", "╺": "-", "█": "#", "•": "*",
}  # fmt: skip


def _in_narrow(error: UnicodeError) -> tuple[str, int]:
    """Return what is printed instead of characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(NARROW.get(char, "?") for char in lost), error.end


def tolerate_narrow_encodings() -> None:
    """Let a terminal that cannot print an arrow print `->`, and a question mark for other signs."""
    codecs.register_error("knockwise-narrow", _in_narrow)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="knockwise-narrow")
