"""What a tool of the MCP server is: arguments, a function, what it says, and how often it is right.

Not to be mixed up with `tools/`, whose small tools a reasoner chains; one of these answers a whole
question, and is described with its accuracy, so that a chat client can weigh what comes back.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from app.accuracy import SOURCE, accuracy
from app.show.terminal import plain
from knowledge.errors import QuestionError
from knowledge.schema import Frozen

if TYPE_CHECKING:
    from app.mcp.desk import Desk


def _listed(value: object) -> object:
    """Return a list that a client sent as one string, as many do: `A, B` or `["A", "B"]`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return [word for word in re.split(r"[,+\s]+", value) if word]


def _worded(value: object) -> object:
    """Return a list of signed genes that came as one string: `DDIT3+, LDLR-`."""
    listed = _listed(value) if isinstance(value, str) and value.lstrip()[:1] == "[" else value
    return re.split(r"[,;\n]+", listed.strip()) if isinstance(listed, str) else listed


Words = Annotated[list[Annotated[str, Field(max_length=60)]], BeforeValidator(_worded)]
"""Genes with their signs; one string of several is taken apart."""
Genes = Annotated[list[str], BeforeValidator(_listed)]
"""Genes by any of their names; one string of several is taken apart."""
ArgsT = TypeVar("ArgsT", bound=BaseModel)
SCHEMA = "knockwise/mcp/1"
MOST_ROWS = 1_000
SHOWN_ROWS = 15
RESEARCH = "Predictions for research; no measurement, and not for clinical use."

Tell = Callable[[str], None]
"""Told, in a few words, what is being done; raises where nobody waits for the answer any more."""


@dataclass(frozen=True)
class Reply:
    """What a call found.

    Attributes:
        text: Markdown for a reader.
        question: What was asked, as it was understood.
        rows: The table behind the text, at most `MOST_ROWS` of `total`.
        total: How many rows there are.
        notes: What to know before relying on it.
        more: Further fields of the JSON block.
        next: Calls that would follow, each as `tool(argument=...)` and why.
    """

    text: str
    question: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] = ()
    total: int | None = None
    notes: Sequence[str] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    next: Sequence[str] = ()

    def markdown(self, tool: str, versions: Mapping[str, Any]) -> str:
        """Return the whole answer: text, notes, next calls, and one fenced JSON block."""
        total = len(self.rows) if self.total is None else self.total
        rows = [_short(row) for row in self.rows[:MOST_ROWS]]
        record = {
            "schema": SCHEMA,
            "tool": tool,
            "question": self.question,
            "rows": rows,
            "rows_in_all": total,
            **self.more,
            "notes": list(self.notes),
            "versions": versions,
        }
        parts = [self.text.strip()]
        if self.notes:
            parts.append("\n".join(f"- {cell(note)}" for note in self.notes))
        if self.next:
            listed = "\n".join(f"- {one}" for one in self.next)
            parts.append(f"**Next**\n\n{listed}")
        parts.append(f"```json\n{_json(record)}\n```")
        return "\n\n".join(parts)


class NoArgs(Frozen):
    """Nothing."""


@dataclass(frozen=True)
class Call(Generic[ArgsT]):
    """One tool: its argument model's docstring says what it does.

    Attributes:
        name: What a client calls it by.
        title: What a client shows.
        args: The argument model.
        run: The function; it may raise a `KnockwiseError` or a `ToolError`, told as one sentence.
        subjects: What of `app.accuracy` tells how often it is right.
        limits: What it cannot do.
        keeps: Whether it writes a run.
    """

    name: str
    title: str
    args: type[ArgsT]
    run: "Callable[[Desk, ArgsT, Tell], Reply]"
    subjects: tuple[str, ...] = ()
    limits: str = RESEARCH
    keeps: bool = False

    @property
    def description(self) -> str:
        """Return what it does, how often it is right, and what it cannot do."""
        does = " ".join((self.args.__doc__ or "").split())
        right = [sentence for subject in self.subjects for sentence in accuracy(subject)]
        parts = [does]
        if right:
            parts.append(f"How often it is right: {' '.join(right)} (All figures: {SOURCE}.)")
        parts.append(f"Limits: {self.limits}")
        return "\n\n".join(parts)

    @property
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the arguments."""
        schema = self.args.model_json_schema()
        schema.pop("description", None)
        schema.pop("title", None)
        for one in schema.get("properties", {}).values():
            one.pop("title", None)
        return schema

    def read(self, arguments: Mapping[str, Any]) -> ArgsT:
        """Return the arguments of a call.

        Raises:
            QuestionError: They are no such arguments; one sentence, without their values.
        """
        try:
            return self.args.model_validate(arguments)
        except ValidationError as error:
            raise QuestionError(self._trouble(error)) from None

    def _trouble(self, error: ValidationError) -> str:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the arguments"
        takes = ", ".join(self.args.model_fields) or "none"
        if first["type"] == "extra_forbidden":
            return f"{cell(where[:60])} is no argument of {self.name}, which takes {takes}."
        return f"{cell(where[:60])} of {self.name} {_wrong(first)}; the tool takes {takes}."


def table(rows: Iterable[Mapping[str, object]], columns: Mapping[str, str]) -> str:
    """Return rows as a Markdown table; `columns` are keys and headings."""
    lines = [
        f"| {' | '.join(columns.values())} |",
        f"|{'|'.join(' --- ' for _ in columns)}|",
    ]
    lines += [f"| {' | '.join(_shown(row.get(key)) for key in columns)} |" for row in rows]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Return text that stays text in Markdown; statements and names come from others."""
    kept = plain(text)
    for char in "\\|<>*_`[]":
        kept = kept.replace(char, f"\\{char}")
    return kept


def more_words(shown: int, total: int) -> str:
    """Return how many rows a table leaves out, as a line."""
    return f"\n\n{total - shown:,} more rows." if total > shown else ""


def call_words(name: str, **arguments: object) -> str:
    """Return a call as a client would write it: `predict(perturbation=["HSPA5"])`."""
    given = ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in arguments.items()
        if value is not None
    )
    return f"`{name}({given})`".replace("\n", " ")


def _wrong(error: Mapping[str, Any]) -> str:
    """Return what is wrong with an argument, in words and without its value."""
    limits = error.get("ctx", {})
    most = limits.get("max_length")
    match error["type"]:
        case "missing":
            return "is missing"
        case "string_too_long":
            return f"is longer than {most:,} characters"
        case "too_long":
            return f"has more than {most:,} items"
        case "string_too_short" | "too_short":
            return "is empty"
        case _:
            said = error["msg"].removeprefix("Value error, ").rstrip(".")
            return f"is wrong: {said[:1].lower()}{said[1:]}"


def _shown(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else cell(str(value))


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what it does not say."""
    return {key: value for key, value in row.items() if value is not None and value != ""}


def _json(record: Mapping[str, Any]) -> str:
    """Return an object as JSON, a field or a row to the line."""
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value:
            inner = ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in value)
            lines.append(f" {json.dumps(key)}: [\n{inner}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}"
