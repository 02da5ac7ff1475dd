"""Run, trace, resume and replay one question; a run is a folder that can be reread."""

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langsmith import tracing_context
from pydantic import BaseModel, ValidationError

from agent import state as agent_state
from agent.context import AgentContext
from agent.graph import build_graph
from agent.state import AgentState
from knowledge import schema
from knowledge.errors import RunError
from knowledge.files import replace_text, replacing
from knowledge.schema import Answer, Frozen, Versions
from tools.effect_rows import RUN_COLUMNS, RunRow

Listener = Callable[[dict[str, Any]], None]

_CHECKPOINTED = [
    kind
    for module in (schema, agent_state)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, BaseModel)
]
_THREAD = "answer"
_STEPS_PER_ROUND = 3
_OTHER_STEPS = 8
_PRIVATE = 0o700
_OTHERS = 0o077
# SQLite's words for a computer without room, as opposed to a file that is damaged.
_NO_ROOM = ("disk is full", "unable to open", "disk I/O", "readonly", "locked")
# What a checkpoint that was overwritten makes of reading it: msgpack, pydantic and langgraph each
# complain in their own way.
_DAMAGED = (ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError, RecursionError)


class RunRequest(Frozen):
    """What was asked of a run; `settings.json` of its folder."""

    question: str
    cell_line: str | None = None
    settings: dict[str, Any]
    started: datetime
    versions: Versions | None = None


def run_name(text: str, now: datetime, *, private: bool = True) -> str:
    """Return a sortable and practically unique folder name, readable where nobody else reads it."""
    digest = hashlib.sha256(f"{text}{now.isoformat()}".encode()).hexdigest()[:6]
    if not private:
        return f"{now:%Y%m%d-%H%M%S}-{digest}"
    words = "-".join(re.findall(r"[A-Za-z0-9]+", text)[:6])[:48] or "question"
    return f"{now:%Y%m%d-%H%M%S}-{words}-{digest}"


def new_run_dir(runs_dir: Path, text: str, now: datetime) -> Path:
    """Return the folder for a new run.

    Names say what was asked, so in a folder that others can list they are left without words.
    """
    try:
        private = not runs_dir.stat().st_mode & _OTHERS
    except OSError:
        private = True  # it is made, and made private
    return runs_dir / run_name(text, now, private=private)


def create(run_dir: Path, request: RunRequest) -> None:
    """Make the folder of a new run, which nobody else can read.

    Raises:
        RunError: If it cannot be written, or holds another run.
    """
    try:
        for folder in reversed([run_dir, *run_dir.parents]):
            if not folder.exists():
                folder.mkdir(mode=_PRIVATE, exist_ok=True)
        if (run_dir / "settings.json").exists():
            raise RunError(f"{run_dir} already holds a run; resume it or name another folder.")
        replace_text(run_dir / "settings.json", request.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise RunError(
            f"The run folder {run_dir} cannot be written ({error.strerror}); "
            "set KNOCKWISE_RUNS to a folder you can write to."
        ) from error


def check_versions(run_dir: Path, request: RunRequest, now: Versions) -> None:
    """Refuse to go on with a run that other knowledge or models began.

    Raises:
        RunError: They differ; says in what, and how to go on.
    """
    begun = request.versions
    if begun is None:
        return
    differs = []
    if begun.knowledge != now.knowledge:
        differs.append(f"knowledge {begun.knowledge}, now {now.knowledge}")
    differs += [
        f"{name} model {begun.models.get(name, 'none')}, now {now.models.get(name, 'none')}"
        for name in sorted({*begun.models, *now.models})
        if begun.models.get(name) != now.models.get(name)
    ]
    if differs:
        raise RunError(
            f"The run {run_dir.name} was begun with other knowledge ({'; '.join(differs)}), and an "
            "answer must not mix the two; set KNOCKWISE_DATA to the folder it was begun with, or "
            "ask the question again."
        )


def load_request(run_dir: Path) -> RunRequest:
    """Read what a run was asked.

    Raises:
        RunError: If the folder is no run.
    """
    try:
        return RunRequest.model_validate_json((run_dir / "settings.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(
            f"{run_dir} is not a run folder; `knockwise runs` lists those there are."
        ) from error


def load_answer(run_dir: Path) -> Answer:
    """Read the answer of a finished run.

    Raises:
        RunError: If the run is not finished, or its result is damaged.
    """
    load_request(run_dir)
    file = run_dir / "result.json"
    if not is_there(file):
        raise RunError(
            f"The run {run_dir.name} is not finished; continue it with "
            f"`knockwise ask --resume {run_dir.name}`."
        )
    try:
        return Answer.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(
            f"{file} is damaged; ask again, or resume the run after deleting it."
        ) from error


def is_there(path: Path) -> bool:
    """Return whether a path names something; one that no file system takes names nothing."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def runs(runs_dir: Path) -> list[Path]:
    """Return the run folders, newest first.

    Raises:
        RunError: The folder of runs cannot be read.
    """
    try:
        folders = [folder for folder in runs_dir.iterdir() if is_there(folder / "settings.json")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"The folder of runs {runs_dir} cannot be read ({error.strerror}); give yourself "
            "access, or set KNOCKWISE_RUNS to another folder."
        ) from error
    return sorted(folders, key=lambda folder: folder.name, reverse=True)


def find_run(runs_dir: Path, name: str) -> Path:
    """Return the folder of the run called `name`: a path, a name, its beginning, or `latest`.

    Raises:
        RunError: If there is none, or several.
    """
    if is_there(Path(name) / "settings.json"):
        return Path(name)
    folders = runs(runs_dir)
    if name == "latest" and folders:
        return folders[0]
    matches = [folder for folder in folders if folder.name.startswith(name)]
    exact = [folder for folder in matches if folder.name == name]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    problem = "matches several runs" if matches else "is not a run"
    raise RunError(f"{name!r} {problem} in {runs_dir}; `knockwise runs` lists those there are.")


async def run(
    run_dir: Path, context: AgentContext, request: RunRequest, listener: Listener | None = None
) -> Answer:
    """Answer one question, going on where `run_dir` was interrupted.

    Nodes that finished before an interruption are not run again.
    """
    try:
        async with AsyncSqliteSaver.from_conn_string(str(run_dir / "checkpoints.sqlite")) as saver:
            saver.serde = JsonPlusSerializer(allowed_msgpack_modules=_CHECKPOINTED)
            answer = await _stream(run_dir, saver, context, request, listener)
    except sqlite3.DatabaseError as error:
        if any(word in str(error) for word in _NO_ROOM):
            raise _no_room(run_dir, str(error)) from error
        raise _damaged(run_dir, error) from error
    except OSError as error:
        raise _no_room(run_dir, error.strerror or str(error)) from error
    return answer


def _no_room(run_dir: Path, why: str) -> RunError:
    return RunError(
        f"The run cannot be kept in {run_dir} ({why}); make room or close other programs, and go "
        f"on with `knockwise ask --resume {run_dir}`."
    )


def _damaged(run_dir: Path, error: Exception) -> RunError:
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return RunError(f"{run_dir / 'checkpoints.sqlite'} is damaged ({why}); ask the question again.")


async def _stream(
    run_dir: Path,
    saver: AsyncSqliteSaver,
    context: AgentContext,
    request: RunRequest,
    listener: Listener | None,
) -> Answer:
    graph = build_graph(saver)
    limit = _STEPS_PER_ROUND * context.cascade.max_rounds + _OTHER_STEPS
    config: RunnableConfig = {"configurable": {"thread_id": _THREAD}, "recursion_limit": limit}
    try:
        snapshot = await graph.aget_state(config)
        if begun := bool(snapshot.values):
            AgentState.model_validate(snapshot.values)
    except _DAMAGED as error:
        raise _damaged(run_dir, error) from error
    start = None if begun else AgentState(text=request.question, cell_line=request.cell_line)
    # An interruption after a node's writes, before its step is applied, leaves `next` empty too, so
    # only the answer says that the run has ended.
    if snapshot.values.get("answer") is None:
        # LangGraph sends runs to LangSmith where LANGSMITH_TRACING is set; ours stay here.
        with (
            tracing_context(enabled=False),
            (run_dir / "trace.jsonl").open("a", encoding="utf-8") as trace,
        ):
            stream = graph.astream(
                start,
                config,
                context=context,
                stream_mode=["custom", "updates"],
                durability="sync",
                version="v2",
            )
            async for part in stream:
                custom = part["type"] == "custom"
                # LangGraph types the data of every mode at once; these two modes carry dicts.
                data = cast("dict[str, Any]", part["data"])
                for event in [data] if custom else _finished_nodes(data):
                    stamped = {"time": datetime.now(UTC).isoformat(), **event}
                    trace.write(json.dumps(stamped, default=_plain) + "\n")
                    trace.flush()
                    if listener is not None and "message" in event:
                        listener(event)
    values = (await graph.aget_state(config)).values
    answer = AgentState.model_validate(values).answer
    if answer is None:
        raise RunError(f"The run {run_dir.name} ended without an answer; ask the question again.")
    return answer


def _finished_nodes(updates: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"node": node, "update": update} for node, update in updates.items()]


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"a trace cannot hold {type(value).__name__}")


def replay(run_dir: Path, listener: Listener) -> Answer:
    """Tell a finished run's events again and return its answer; nothing is computed.

    Lines of the trace that a crash cut off are left out: the answer does not rest on them.
    """
    answer = load_answer(run_dir)
    try:
        lines = (run_dir / "trace.jsonl").read_bytes().splitlines()
    except OSError:
        lines = []
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and {"node", "message"} <= event.keys():
            listener(event)
    return answer


def write_result(run_dir: Path, answer: Answer, rows: Iterable[RunRow]) -> None:
    """Write `effects.csv`, then `result.json`, which says that the run is finished; each whole."""
    try:
        with (
            replacing(run_dir / "effects.csv") as draft,
            draft.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, RUN_COLUMNS)
            writer.writeheader()
            writer.writerows(row.model_dump() for row in rows)
        replace_text(run_dir / "result.json", answer.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise RunError(
            f"The result cannot be written to {run_dir} ({error.strerror}); make room and "
            f"continue with `knockwise ask --resume {run_dir.name}`."
        ) from error
