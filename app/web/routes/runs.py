"""Runs: what was asked, how far it is, what came of it, and what to do with it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Header, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response, StreamingResponse

from agent.run import load_answer
from app.show.citing import bibtex
from app.show.pages import html_page
from app.web.answer import answer_parts, effects_table, without
from app.web.desk import Desk
from app.web.house import House, TheHouse, TheShelf, sworn
from app.web.progress import Told, told_so_far
from app.web.shelf import Entry, Shelf
from app.web.view import partly
from knowledge.errors import RunError

router = APIRouter(prefix="/runs", dependencies=[Depends(sworn)])
MOST_LISTED = 200
LARGEST_SHARED = 8 << 20
BEAT_S = 0.15
Title = Annotated[str, Form(max_length=400)]


@router.get("")
def listing(request: Request, house: TheHouse, shelf: TheShelf, q: str = "") -> Response:
    """Show the runs that have the words of `q`."""
    found = [one for _, one in zip(range(MOST_LISTED), shelf.entries(q[:200]), strict=False)]
    name = "run_list.html.j2" if partly(request) else "runs.html.j2"
    return house.view.page(request, name, entries=found, q=q[:200], most=MOST_LISTED)


@router.post("/import")
def take(house: TheHouse, shelf: TheShelf, file: UploadFile) -> Response:
    """Put a run that somebody shared among one's own."""
    text = file.file.read(LARGEST_SHARED + 1)
    if len(text) > LARGEST_SHARED:
        raise RunError(f"A shared run has at most {LARGEST_SHARED >> 20} MB.")
    return RedirectResponse(f"/runs/{shelf.take(text)}", 303)


@router.get("/{name}")
def one(request: Request, house: TheHouse, shelf: TheShelf, name: str) -> Response:
    """Show an answer, or how far it is."""
    folder = shelf.find(name)
    entry = shelf.entry(folder)
    thread = shelf.thread(folder)
    if entry.state != "finished":
        return house.view.page(
            request,
            "waiting.html.j2",
            entry=entry,
            thread=thread,
            place=house.desk.place(folder),
            told=told_so_far(folder)[0],
        )
    answer = load_answer(folder)
    return house.view.page(
        request,
        "answer.html.j2",
        entry=entry,
        thread=thread,
        later=shelf.later(folder),
        **answer_parts(answer, folder),
        **effects_table(folder),
    )


@router.get("/{name}/steps")
def steps(
    house: TheHouse,
    shelf: TheShelf,
    name: str,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Stream what happens, from the step after the last that the page has seen."""
    folder = shelf.find(name)
    seen = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 9 else 0
    return StreamingResponse(
        _events(house.desk, shelf, Told(folder), seen), media_type="text/event-stream"
    )


async def _events(desk: Desk, shelf: Shelf, told: Told, seen: int) -> AsyncIterator[str]:
    place: int | None = -1
    while True:
        # The state is read before the steps, so that the last steps are never left out.
        try:
            state = shelf.entry(told.folder).state
        except RunError:
            yield _event("over", {"state": "deleted"})
            return
        for number, step in told.new():
            if number > seen:
                yield _event("step", step, number)
        if (now := desk.place(told.folder)) != place:
            place = now
            yield _event("place", {"place": place})
        if place is None:
            yield _event("over", {"state": state})
            return
        await asyncio.sleep(BEAT_S)


def _event(kind: str, data: object, number: int | None = None) -> str:
    called = f"id: {number}\n" if number is not None else ""
    return f"{called}event: {kind}\ndata: {json.dumps(data)}\n\n"


@router.post("/{name}/stop")
def stop(house: TheHouse, shelf: TheShelf, name: str) -> Response:
    """Stop a run where it is."""
    house.desk.stop(shelf.find(name))
    return RedirectResponse(f"/runs/{name}", 303)


@router.post("/{name}/resume")
def resume(house: TheHouse, shelf: TheShelf, name: str) -> Response:
    """Go on with a run that was stopped or failed."""
    folder = shelf.find(name)
    if shelf.entry(folder).state != "finished":
        house.desk.add(folder)
    return RedirectResponse(f"/runs/{name}", 303)


@router.post("/{name}/rename")
def rename(shelf: TheShelf, name: str, title: Title = "") -> Response:
    """Call a run something else."""
    shelf.rename(name, title)
    return RedirectResponse(f"/runs/{name}", 303)


@router.post("/{name}/delete")
def delete(house: TheHouse, shelf: TheShelf, name: str) -> Response:
    """Delete a run."""
    house.desk.gone(shelf.find(name))
    shelf.delete(name)
    return RedirectResponse("/runs", 303)


@router.get("/{name}/effects")
def effects(
    request: Request,
    house: TheHouse,
    shelf: TheShelf,
    name: str,
    q: str = "",
    sort: str = "",
    page: int = 1,
) -> Response:
    """Show a page of the table of every effect, searched and sorted."""
    folder = shelf.find(name)
    if not partly(request):
        return RedirectResponse(f"/runs/{name}#all-effects", 303)
    return house.view.page(
        request,
        "effects.html.j2",
        entry=shelf.entry(folder),
        **effects_table(folder, q[:60], sort, page),
    )


@router.post("/{name}/without")
async def taken_apart(
    request: Request,
    house: TheHouse,
    shelf: TheShelf,
    name: str,
    step: Annotated[list[int] | None, Form()] = None,
) -> Response:
    """Show what changes when steps of the cascade are taken out."""
    folder = shelf.find(name)
    async with house.work:
        found = await run_in_threadpool(_without, house, shelf, name, step or [])
    return house.view.page(request, "without.html.j2", entry=shelf.entry(folder), **found)


def _without(house: House, shelf: Shelf, name: str, steps: list[int]) -> dict[str, Any]:
    return without(house.session, load_answer(shelf.find(name)), steps)


@router.get("/{name}/files/{file}")
def files(shelf: TheShelf, name: str, file: str) -> Response:
    """Give a run as a file."""
    folder = shelf.find(name)
    answer = load_answer(folder)
    if file == "effects.csv":
        table = folder / "effects.csv"
        text, kind = table.read_text(encoding="utf-8") if table.is_file() else "", "text/csv"
    elif file == "report.html":
        text, kind = html_page(answer), "text/html"
    elif file == "answer.json":
        text, kind = answer.model_dump_json(indent=2) + "\n", "application/json"
    elif file == "cite.bib":
        text, kind = bibtex(answer), "application/x-bibtex"
    elif file == "run.json":
        text, kind = shelf.shared(name), "application/json"
    else:
        raise RunError(f"A run has no file {file[:40]!r}.")
    stem = f"{folder.name}-{file}"
    headers = {"content-disposition": f'attachment; filename="{stem}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


__all__ = ["Entry", "router"]
