"""The server: what it is made of, how it begins and ends, and how it says what went wrong."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from filelock import FileLock, Timeout
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from agent.session import Session
from agent.settings import Settings
from app.jobs.opening import open_session, shared
from app.show.pages import template
from app.web.desk import Desk, left_waiting
from app.web.guard import Guard
from app.web.house import House, NotKnown
from app.web.people import COOKIE, People
from app.web.routes import ask, forms, genes, lists, runs, status
from app.web.view import View
from knowledge.errors import KnockwiseError, RunError

LOG = logging.getLogger(__name__)
YEAR_S = 365 * 24 * 3600
HERE = Path(str(files(__package__)))
# Shared with the reports, so that both look the same.
OF_REPORTS = {"parts.css": "text/css", "save.js": "text/javascript"}
TITLES = {403: "Not from here", 404: "Nothing here", 405: "Nothing here", 422: "Not understood"}


def create_app(
    settings: Settings,
    hosts: Collection[str] = ("127.0.0.1", "localhost", "[::1]"),
    invitation: str | None = None,
    opened: Callable[[], Session] | None = None,
) -> FastAPI:
    """Return the server as an ASGI application; it loads in the background when it starts.

    Args:
        settings: Where things are and how to answer.
        hosts: Names under which it may be reached.
        invitation: What people enter first; none for one's own machine.
        opened: Loads knowledge and models; those of `settings` by default.

    Raises:
        RunError: The folder of runs cannot be written, or another server works in it.
    """
    people = People(settings.runs, invitation)
    desk = Desk(opened or (lambda: open_session(shared(settings))))
    view = View(people)
    lock = FileLock(settings.runs / "web.lock")

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncGenerator[None]:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(
                f"Another `knockwise web` answers the runs in {settings.runs}; stop it, or set "
                "KNOCKWISE_RUNS to another folder."
            ) from None
        app.state.house = House(settings, people, desk, view, asyncio.Semaphore(1))
        waiting = [run for person in people.everybody() for run in left_waiting(person.runs)]
        desk.start(sorted(waiting, key=lambda run: run.name))
        try:
            yield
        finally:
            await asyncio.to_thread(desk.close)
            lock.release()

    app = FastAPI(lifespan=alive, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, hosts=hosts)
    for name, kind in OF_REPORTS.items():
        app.add_api_route(f"/static/{name}", _of_reports(name, kind), methods=["GET"])
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    _door(app, people, view)
    for place in (ask, runs, genes, lists, forms, status):
        app.include_router(place.router)
    _failures(app, view)
    return app


def _of_reports(name: str, kind: str) -> Callable[[], Response]:
    def give() -> Response:
        return Response(template(name), media_type=kind)

    return give


def _door(app: FastAPI, people: People, view: View) -> None:
    """Let people in by a token."""

    @app.get("/enter")
    def door(request: Request) -> Response:
        return view.page(request, "enter.html.j2", token="", wrong=False)

    @app.post("/enter")
    def enter(request: Request, token: Annotated[str, Form(max_length=200)] = "") -> Response:
        own = people.enter(token)
        if own is None:
            return view.page(request, "enter.html.j2", status=403, token="", wrong=True)
        page = view.page(request, "enter.html.j2", token=own, wrong=False)
        page.set_cookie(
            COOKIE,
            own,
            max_age=YEAR_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return page


def _failures(app: FastAPI, view: View) -> None:
    """Say what went wrong as a page, or as a part of one."""

    def told(request: Request, status: int, title: str, why: str) -> HTMLResponse:
        if request.headers.get("hx-request") == "true":
            return view.page(request, "trouble.html.j2", status=422, why=why)
        return view.page(request, "error.html.j2", status=status, title=title, why=why)

    @app.exception_handler(NotKnown)
    def not_known(request: Request, error: NotKnown) -> Response:
        if request.method == "GET" and request.headers.get("hx-request") != "true":
            return RedirectResponse("/enter", 303)
        return told(request, 401, "Who asks?", "Enter the token of this server first, at /enter.")

    @app.exception_handler(KnockwiseError)
    def sentence(request: Request, error: KnockwiseError) -> Response:
        missing = isinstance(error, RunError) and str(error).startswith("There is no run")
        return told(request, 404 if missing else 422, "That did not work", str(error))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return told(request, 422, "Not understood", f"{where}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        title = TITLES.get(error.status_code, "That did not work")
        why = "There is no such page." if error.status_code == 404 else str(error.detail)
        return told(request, error.status_code, title, why)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        LOG.error("%s %s", request.method, request.url.path, exc_info=error)
        why = "Something went wrong inside Knockwise; the server's log has the details."
        return told(request, 500, "A fault of ours", why)
