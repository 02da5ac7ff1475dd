"""Lists: a dropped table or typed genes, what explains them, and what moves a gene or a set."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.web.comparing import places_of, side_by_side
from app.web.house import House, TheHouse, ThePerson, sworn
from app.web.lists import KINDS, SIDES, Ranked, Wanted, answered, searched
from app.web.plans import GOALS, MOST, plan_of
from app.web.uploads import Uploads
from knowledge.errors import KnockwiseError
from tools.base import ToolError

router = APIRouter(dependencies=[Depends(sworn)])
SOUGHT = {
    "up": "what raises it",
    "down": "what lowers it",
    "either": "what changes it",
    "alike": "losses that act like its loss",
    "opposite": "losses that act against its loss",
}


@router.get("/lists")
def front(request: Request, house: TheHouse) -> Response:
    """Show where a list is dropped or typed."""
    return house.view.page(request, "lists.html.j2", why="", words="")


@router.post("/lists")
async def take(
    request: Request,
    house: TheHouse,
    person: ThePerson,
    file: UploadFile | None = None,
    words: Annotated[str, Form(max_length=500_000)] = "",
) -> Response:
    """Read a list, and show it as it was read."""
    uploads = Uploads(person.runs)
    try:
        if file is not None and file.filename:
            async with house.work:
                name = await run_in_threadpool(uploads.take, file.filename, file.file)
        else:
            name = uploads.write(words)
    except KnockwiseError as error:
        return house.view.page(
            request, "lists.html.j2", status=422, why=str(error), words=words[:2_000]
        )
    return RedirectResponse(f"/lists/{name}", 303)


@router.get("/lists/{name}")
async def one(
    request: Request,
    house: TheHouse,
    person: ThePerson,
    name: str,
    do: str = "",
    pert: str = "",
    kind: str = "",
    cell_line: str = "",
    sorted_for: str = "high",
    alpha: float = 0.05,
) -> Response:
    """Show a list, and what was asked of it."""
    upload, source = Uploads(person.runs).find(name)
    wanted = Wanted(
        do=do,
        pert=pert[:200],
        kind=kind,
        cell_line=cell_line[:60],
        sorted_for=sorted_for,
        alpha=alpha,
    )
    shown: dict[str, Any] = {}
    why = ""
    session = await run_in_threadpool(lambda: house.session)
    if do:
        try:
            async with house.work:
                shown = await run_in_threadpool(answered, session, upload, source, wanted)
        except (KnockwiseError, ToolError) as error:
            why = str(error).replace(source, upload.name or "the list")
    return house.view.page(
        request,
        "list.html.j2",
        name=name,
        upload=upload,
        wanted=wanted,
        kinds=KINDS,
        sides=SIDES,
        lines=[line.name for line in session.knowledge.cell_lines],
        why=why,
        shown=shown,
    )


@router.get("/find")
async def find(
    request: Request,
    house: TheHouse,
    q: str = "",
    sought: str = "down",
    kind: str = "knockdown",
    cell_line: str = "",
) -> Response:
    """Show what moves a gene or a set, or what acts like a loss."""
    q = q.strip()[:400]
    asked = (searched, q, sought, kind, cell_line[:60]) if q else ()
    return house.view.page(
        request,
        "find.html.j2",
        q=q,
        sought=sought,
        kind=kind,
        cell_line=cell_line,
        choices=SOUGHT,
        **await _ranked(house, *asked),
    )


@router.get("/plan")
async def plan(
    request: Request,
    house: TheHouse,
    q: str = "",
    goal: str = "",
    kind: str = "knockdown",
    cell_line: str = "",
    budget: int = 24,
) -> Response:
    """Show which perturbations to make next."""
    q = q.strip()[:400]
    asked = (plan_of, q, goal, kind, cell_line[:60], budget) if goal else ()
    return house.view.page(
        request,
        "plan.html.j2",
        q=q,
        goal=goal,
        kind=kind,
        cell_line=cell_line,
        budget=budget,
        most=MOST,
        goals=GOALS,
        **await _ranked(house, *asked),
    )


@router.get("/compare")
async def compare(
    request: Request, house: TheHouse, q: str = "", kind: str = "knockdown", where: str = ""
) -> Response:
    """Show perturbations side by side, with a heat map and what they have in common."""
    session = await run_in_threadpool(lambda: house.session)
    q, why, shown = q.strip()[:400], "", dict[str, Any](found=None)
    if q:
        try:
            async with house.work:
                shown = await run_in_threadpool(side_by_side, session, q, kind, where[:60])
        except (KnockwiseError, ToolError) as error:
            why = str(error)
    return house.view.page(
        request,
        "compare.html.j2",
        q=q,
        kind=kind,
        where=where,
        why=why,
        kinds=KINDS,
        places_of=places_of(session),
        **shown,
    )


async def _ranked(
    house: House, make: Callable[..., Ranked] | None = None, *asked: str | int
) -> dict[str, Any]:
    """Return what a page of a ranking shows: the ranking, or why there is none, and the choices.

    Args:
        house: Whose session is asked, one ranking at a time.
        make: Ranks; nothing is ranked without it.
        asked: What it is handed after the session.
    """
    session = await run_in_threadpool(lambda: house.session)
    why, ranked = "", None
    if make is not None:
        try:
            async with house.work:
                ranked = await run_in_threadpool(make, session, *asked)
        except (KnockwiseError, ToolError) as error:
            why = str(error)
    lines = [line.name for line in session.knowledge.cell_lines]
    return {"kinds": KINDS, "lines": lines, "why": why, "ranked": ranked}
