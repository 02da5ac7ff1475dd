"""What a client may read: runs and their reports, the state of the data, how often it is right."""

import json
import re
from typing import TYPE_CHECKING

from mcp_types import Resource, ResourceTemplate

from app.mcp.call import cell, table
from knowledge.errors import QuestionError, RunError

if TYPE_CHECKING:
    from app.mcp.desk import Desk

RUNS = "knockwise://runs"
STATUS = "knockwise://status"
ACCURACY = "knockwise://accuracy"
MARKDOWN, JSON, CSV = "text/markdown", "application/json", "text/csv"
MOST_RUNS = 100
LISTED_RUNS = 10
_RUN = re.compile(r"^knockwise://runs/([^/]+)(?:/(report|effects))?$")

TEMPLATES = [
    ResourceTemplate(
        uri_template=f"{RUNS}/{{run}}",
        name="answer",
        title="A run's answer",
        description="The whole answer as JSON: effects, steps, evidence, versions.",
        mime_type=JSON,
    ),
    ResourceTemplate(
        uri_template=f"{RUNS}/{{run}}/report",
        name="report",
        title="A run's report",
        description="The answer as a page of Markdown, with the cascade drawn in characters.",
        mime_type=MARKDOWN,
    ),
    ResourceTemplate(
        uri_template=f"{RUNS}/{{run}}/effects",
        name="effects",
        title="Every effect of a run",
        description="effects.csv: every gene that could be predicted.",
        mime_type=CSV,
    ),
]


def resources(desk: "Desk") -> list[Resource]:
    """Return what is there to read; the newest runs by their questions."""
    found = [
        Resource(
            uri=RUNS,
            name="runs",
            title="Questions asked so far",
            description="When, what was asked, and whether it is answered, newest first.",
            mime_type=MARKDOWN,
        ),
        Resource(
            uri=STATUS,
            name="status",
            title="Installation, data and models",
            description="What is installed, present and working: the findings of doctor.",
            mime_type=MARKDOWN,
        ),
        Resource(
            uri=ACCURACY,
            name="accuracy",
            title="How often Knockwise is right",
            description="Measured accuracy of every kind of prediction, with intervals.",
            mime_type=MARKDOWN,
        ),
    ]
    for row in _runs(desk)[:LISTED_RUNS]:
        if row["status"] == "finished":
            found.append(
                Resource(
                    uri=f"{RUNS}/{row['run']}/report",
                    name=row["run"],
                    title=row["question"][:120],
                    description="The report of this run.",
                    mime_type=MARKDOWN,
                )
            )
    return found


def read_resource(desk: "Desk", uri: str) -> tuple[str, str]:
    """Return the MIME type and the text of a resource.

    Raises:
        KnockwiseError: There is none under this address, or the run is not finished.
    """
    fixed = {RUNS: _runs_page, STATUS: _status_page, ACCURACY: _accuracy_page}
    if uri in fixed:
        return MARKDOWN, fixed[uri](desk)
    if match := _RUN.match(uri):
        return _run_part(desk, match[1], match[2] or "")
    known = ", ".join(fixed)
    raise QuestionError(
        f"There is no such resource; there are {known} and those of each run, {RUNS}/RUN/report."
    )


def _run_part(desk: "Desk", name: str, part: str) -> tuple[str, str]:
    from agent.run import load_answer
    from app.show.pages import markdown_page

    folder = desk.run_folder(name)
    answer = load_answer(folder)
    if part == "report":
        return MARKDOWN, markdown_page(answer)
    if part == "effects":
        try:
            return CSV, (folder / "effects.csv").read_text(encoding="utf-8")
        except OSError:
            raise RunError("This run has no effects.csv; ask the question again.") from None
    return JSON, json.dumps(answer.model_dump(mode="json"), ensure_ascii=False, indent=1)


def _runs(desk: "Desk") -> list[dict[str, str]]:
    from agent.run import is_there, load_request, runs

    rows = []
    for folder in runs(desk.settings.runs)[:MOST_RUNS]:
        try:
            request = load_request(folder)
        except RunError:
            continue
        finished = is_there(folder / "result.json")
        rows.append(
            {
                "run": folder.name,
                "started": request.started.isoformat(timespec="seconds"),
                "status": "finished" if finished else "unfinished",
                "question": " ".join(request.question.split()),
            }
        )
    return rows


def _runs_page(desk: "Desk") -> str:
    rows = _runs(desk)
    if not rows:
        return "There are no runs yet; `ask` makes one."
    columns = {"run": "Run", "started": "Started", "status": "Status", "question": "Question"}
    return table(rows, columns)


def _status_page(desk: "Desk") -> str:
    from app.commands.doctor import examine

    lines = []
    for check in examine(desk.settings):
        mark = "ok" if check.ok else "missing" if check.needed else "not there"
        remedy = f" ({cell(check.remedy)})" if check.remedy and not check.ok else ""
        lines.append(f"- **{check.name}**: {mark}. {cell(check.found)}{remedy}")
    return "\n".join(lines)


def _accuracy_page(_: "Desk") -> str:
    from app.accuracy import SOURCE, all_accuracy

    parts = [
        f"**{subject.capitalize()}**\n\n" + "\n".join(f"- {one}" for one in sentences)
        for subject, sentences in all_accuracy().items()
    ]
    return "\n\n".join([*parts, f"Every figure, control and interval: {SOURCE}."])
