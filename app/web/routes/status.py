"""Status: what works here, and how far a pull or a build is."""

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.web.house import TheHouse, sworn
from app.web.people import COOKIE
from app.web.status import data_parts, doctor_parts
from app.web.view import partly

router = APIRouter(dependencies=[Depends(sworn)])


@router.get("/status")
def status(request: Request, house: TheHouse) -> Response:
    """Show the page."""
    ready = house.desk.ready
    return house.view.page(
        request,
        "status.html.j2",
        ready=ready,
        scope=_scope(house.session.knowledge.scope) if ready else "",
        **data_parts(house.settings.data),
    )


def _scope(scope: str) -> str:
    return "the built-in pathways" if scope == "starter" else f"the data folder ({scope})"


@router.get("/status/data")
def data(request: Request, house: TheHouse) -> Response:
    """Show how far data and index are."""
    if not partly(request):
        return RedirectResponse("/status", 303)
    return house.view.page(request, "status_data.html.j2", **data_parts(house.settings.data))


@router.get("/status/doctor")
async def doctor(request: Request, house: TheHouse) -> Response:
    """Show what `knockwise doctor` finds."""
    shared = house.people.invitation is not None
    async with house.work:
        found = await run_in_threadpool(doctor_parts, house.settings, shared=shared)
    if partly(request):
        return house.view.page(request, "status_doctor.html.j2", **found)
    return house.view.page(
        request, "part.html.j2", title="Doctor", part="status_doctor.html.j2", **found
    )


@router.post("/leave")
def leave() -> Response:
    """Forget who somebody is in this browser."""
    page = RedirectResponse("/enter", 303)
    page.delete_cookie(COOKIE)
    return page
