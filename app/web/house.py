"""What the routes share: settings, people, the desk and the view; and who is asking."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from app.web.people import COOKIE, Person
from app.web.shelf import Shelf

if TYPE_CHECKING:
    from agent.session import Session
    from agent.settings import Settings
    from app.web.desk import Desk
    from app.web.people import People
    from app.web.view import View


@dataclass(frozen=True)
class House:
    """One server's parts.

    Attributes:
        settings: Where things are and how to answer.
        people: Who may ask.
        desk: Who answers.
        view: How pages look.
        work: Keeps work that takes the processor to one at a time, beside the desk.
    """

    settings: "Settings"
    people: "People"
    desk: "Desk"
    view: "View"
    work: asyncio.Semaphore

    @property
    def session(self) -> "Session":
        """The session, waited for while it is loaded."""
        return self.desk.session()


class NotKnown(Exception):
    """Somebody has to say who they are first."""


def house_of(request: Request) -> House:
    """Return the parts of the server that a request came to."""
    house: House = request.app.state.house
    return house


def known(request: Request) -> Person:
    """Return who asks.

    Raises:
        NotKnown: Nobody that the server knows.
    """
    person = house_of(request).people.of(request.cookies.get(COOKIE))
    if person is None:
        raise NotKnown
    request.state.person = person
    return person


async def sworn(request: Request, person: Annotated[Person, Depends(known)]) -> None:
    """Refuse what would change something and was not asked for by a page of ours.

    Raises:
        HTTPException: The pledge is missing or another one.
    """
    if request.method in ("GET", "HEAD"):
        return
    pledge = request.headers.get("x-pledge", "")
    if not pledge:
        form = await request.form(max_files=1, max_fields=40)
        given = form.get("pledge")
        pledge = given if isinstance(given, str) else ""
    if not house_of(request).people.kept(person, pledge):
        raise HTTPException(403, "This page is stale; go back, reload it and try again.")


def shelf_of(person: Annotated[Person, Depends(known)]) -> Shelf:
    """Return the runs of whoever asks."""
    return Shelf(person.runs)


TheHouse = Annotated[House, Depends(house_of)]
TheShelf = Annotated[Shelf, Depends(shelf_of)]
ThePerson = Annotated[Person, Depends(known)]
