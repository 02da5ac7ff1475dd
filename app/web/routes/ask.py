"""Asking: a question is read and shown back, its parts are changed, and then it is answered."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from agent.run import new_run_dir
from app.web.house import House, TheHouse, ThePerson, TheShelf, sworn
from app.web.reading import ASKS, KINDS, Parts, Reading, read
from app.web.shelf import Shelf, write_slip
from app.web.view import partly
from knowledge.errors import KnockwiseError, QuestionError

router = APIRouter(dependencies=[Depends(sworn)])
# Questions of one person that may wait, so that nobody keeps the others waiting for hours.
MOST_WAITING = 20
EXAMPLES = (
    "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?",
    "Which genes change when GATA1 is knocked down in K562?",
    "Does CDKN1A go up or down when MDM2 is lost in RPE1?",
    "MDM2 vs MDM4 loss in RPE1, which one raises CDKN1A more?",
    "Which knockdowns would lower LDLR in HepG2?",
    "What happens in A172 when EGFR is knocked down?",
)
Word = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4_000)]


def changed_parts(
    genes: Word = "", kind: Word = "", cell_line: Word = "", readouts: Word = ""
) -> Parts | None:
    """Return the parts of a reading that were changed, None where no gene was handed in."""
    return Parts(genes=genes, kind=kind, cell_line=cell_line, readouts=readouts) if genes else None


TheParts = Annotated[Parts | None, Depends(changed_parts)]


@router.get("/")
def front(request: Request, house: TheHouse, shelf: TheShelf, q: str = "") -> Response:
    """Show the page that asks; a question in the address is read at once."""
    reading = _read(house, shelf, q, "", None) if q.strip() else None
    return _page(request, house, shelf, q[:4_000], reading)


@router.post("/read")
def read_back(
    request: Request,
    house: TheHouse,
    shelf: TheShelf,
    parts: TheParts,
    text: Text = "",
    before: Word = "",
) -> Response:
    """Show how a question is read, with the parts that were changed."""
    reading = _read(house, shelf, text, before, parts)
    if not partly(request):
        return _page(request, house, shelf, text, reading, before)
    return house.view.page(
        request,
        "reading.html.j2",
        reading=reading,
        before=before,
        **_choices(house),
    )


@router.post("/ask")
def ask(
    request: Request,
    house: TheHouse,
    shelf: TheShelf,
    person: ThePerson,
    parts: TheParts,
    text: Text = "",
    before: Word = "",
) -> Response:
    """Put a question that can be answered in the queue, and show its run."""
    reading = _read(house, shelf, text, before, parts)
    if not reading.answered and not _model_reads(house):
        return _page(request, house, shelf, text, reading, before, status=422)
    if house.desk.waiting(person.runs) >= MOST_WAITING:
        raise QuestionError(
            f"{MOST_WAITING} of your questions wait already; stop some under Runs, or wait."
        )
    folder = new_run_dir(person.runs, reading.text, datetime.now(UTC))
    asyncio.run(house.session.begin(reading.text, run_dir=folder))
    if before:
        write_slip(folder, follows=shelf.find(before).name)
    house.desk.add(folder)
    return RedirectResponse(f"/runs/{folder.name}", 303)


def _read(house: House, shelf: Shelf, text: str, before: str, parts: Parts | None) -> Reading:
    """Return how a question is read, one that goes on from a run in words of its own."""
    if before and parts is None:
        try:
            text = house.session.follow_up(text, shelf.find(before))
        except KnockwiseError as error:
            return Reading(text=text, trouble=str(error))
    return read(house.session, text, parts)


def _model_reads(house: House) -> bool:
    """Return whether a language model reads what the rules cannot."""
    return house.settings.reasoner != "evidence" and bool(house.settings.llm.base_url)


def _choices(house: House) -> dict[str, Any]:
    lines = [line.name for line in house.session.knowledge.cell_lines]
    return {"kinds": KINDS, "lines": lines, "asks": ASKS, "model_reads": _model_reads(house)}


def _page(
    request: Request,
    house: House,
    shelf: Shelf,
    text: str,
    reading: Reading | None,
    before: str = "",
    status: int = 200,
) -> Response:
    choices = _choices(house) if reading is not None else {}
    return house.view.page(
        request,
        "ask.html.j2",
        status=status,
        text=text,
        reading=reading,
        before=before,
        examples=EXAMPLES,
        ready=house.desk.ready,
        recent=[entry for _, entry in zip(range(5), shelf.entries(), strict=False)],
        **choices,
    )
