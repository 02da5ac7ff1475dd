"""Pages and parts of pages, from templates that escape whatever they are given."""

from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.show.links import linked
from app.show.pages import template

if TYPE_CHECKING:
    from app.web.people import People, Person

# Where a person can go, by what they want.
PLACES = (
    ("/", "Ask"),
    ("/runs", "Runs"),
    ("/genes", "Genes"),
    ("/lists", "Lists"),
    ("/find", "Find"),
    ("/compare", "Compare"),
    ("/plan", "Plan"),
    ("/express", "Expression"),
    ("/phenotypes", "Phenotypes"),
    ("/status", "Status"),
)


class View:
    """Renders templates for whoever asks.

    Args:
        people: Whose pledge a form carries.
    """

    def __init__(self, people: "People") -> None:
        self._people = people
        self.environment = Environment(
            loader=ChoiceLoader([FunctionLoader(_template), FunctionLoader(template)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= {"linked": linked, "coded": coded}
        self.environment.globals |= {"places": PLACES, "version": version("knockwise")}

    def page(
        self,
        request: Request,
        name: str,
        /,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,  # noqa: ANN401  # whatever a template shows
    ) -> HTMLResponse:
        """Return a page, or the part of one that a script asked for."""
        person: Person | None = getattr(request.state, "person", None)
        text = self.environment.get_template(name).render(
            here=request.url.path,
            person=person,
            shared=self._people.invitation is not None,
            pledge=self._people.pledge(person) if person else "",
            **context,
        )
        return HTMLResponse(text, status, headers)


def coded(text: object) -> Markup:
    """Return a text with what stands between backticks as code; all else is escaped."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    marked = (
        Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts)
    )
    return Markup("").join(marked)


def partly(request: Request) -> bool:
    """Return whether a script asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def _template(name: str) -> str | None:
    file = files(__package__) / "templates" / name
    return file.read_text(encoding="utf-8") if file.is_file() else None
