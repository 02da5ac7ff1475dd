"""`knockwise runs`: which questions were asked, and which of them are unfinished."""

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from app.show.terminal import plain, print_json, progress, results, settings
from knowledge.errors import RunError


def runs(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the list as JSON and nothing else.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="How many to list, newest first.")] = 20,
) -> None:
    """List the runs: when, what was asked, and whether it is answered."""
    from agent.run import is_there, load_request
    from agent.run import runs as folders

    runs_dir = settings().runs
    rows = []
    for folder in folders(runs_dir)[:top]:
        finished = is_there(folder / "result.json")
        try:
            request = load_request(folder)
        except RunError:
            rows.append({"run": folder.name, "started": "", "status": "damaged", "question": ""})
            continue
        rows.append(
            {
                "run": folder.name,
                "started": request.started.isoformat(timespec="seconds"),
                "status": "finished" if finished else "unfinished",
                "question": request.question,
            }
        )
    if as_json:
        print_json({"schema": "knockwise/runs/1", "rows": rows})
        return
    if not rows:
        progress().print(f"There are no runs in {runs_dir} yet; `knockwise ask` makes one.")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for name in ("Run", "Status", "Question"):
        table.add_column(name, overflow="fold")
    for row in rows:
        style = "" if row["status"] == "finished" else "yellow"
        question = plain(row["question"])
        table.add_row(row["run"], Text(row["status"], style=style), Text(question[:200]))
    results().print(table)
