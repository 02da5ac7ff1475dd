"""What a terminal can show: consoles for results and progress, signs, and text made harmless."""

import json
import os
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from knowledge.errors import KnockwiseError

if TYPE_CHECKING:
    from agent.settings import Settings
    from knowledge.schema import Call, Direction, EdgeEffect, Effect, Interval, StepStatus

PIPE_WIDTH = 100


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


def results() -> Console:
    """Return the console on stdout."""
    return _console(sys.stdout)


def progress() -> Console:
    """Return the console on stderr, for progress, logs and errors."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    """Return a console, of a fixed width where nothing says how wide it is."""
    unknown = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, highlight=False, width=PIPE_WIDTH if unknown else None)


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

    from agent.settings import Settings

    try:
        return Settings(**{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors()[0]
        # An unknown key of .env comes with its prefix, a known one without.
        path = "__".join(str(part) for part in first["loc"]).upper()
        name = f"KNOCKWISE_{path.removeprefix('KNOCKWISE_')}"
        if first["type"] == "extra_forbidden":
            raise KnockwiseError(_unknown_setting(name)) from error
        raise KnockwiseError(
            f"The setting {name} cannot be used: {first['msg']} (it is {first['input']!r}); "
            "change it in the environment or in .env."
        ) from error
    except SettingsError as error:
        raise KnockwiseError(
            f"A setting cannot be used ({error}); write for example KNOCKWISE_CASCADE__WIDTH=10 in "
            "the environment or in .env."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KnockwiseError(f".env cannot be read ({error}); correct or remove it.") from error


def _unknown_setting(name: str) -> str:
    from difflib import get_close_matches

    from pydantic import BaseModel

    from agent.settings import Settings

    known = []
    for field, info in Settings.model_fields.items():
        kind = info.annotation
        parts = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else ()
        known += [f"KNOCKWISE_{field}__{part}".upper() for part in parts] or [
            f"KNOCKWISE_{field}".upper()
        ]
    near = get_close_matches(name, known, 1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"There is no setting {name}{meant}; correct or remove it in the environment or in .env."


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
    console = progress()
    message = Text.assemble(("error: ", "bold red"), plain(sentence))
    console.print(message, soft_wrap=True)


def tolerate_narrow_encodings() -> None:
    """Let a terminal that cannot print a Greek letter print a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and not (stream.encoding or "").lower().startswith("utf"):
            reconfigure(errors="replace")
