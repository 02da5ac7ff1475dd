"""An answer as Python has it: a table, a drawn cascade, and a page where a notebook shows it."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from knowledge import schema
from tools.effect_rows import COLUMNS, NUMBERS, EffectRow

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
HEIGHT = 720


def effect_frame(rows: Iterable[EffectRow]) -> "pd.DataFrame":
    """Return rows as a DataFrame, with its columns also where there is no row."""
    import pandas as pd

    table = pd.DataFrame([row.model_dump() for row in rows], columns=list(COLUMNS))
    return table.astype(dict.fromkeys(NUMBERS, "float64"))


class Drawing:
    """An SVG picture that a notebook shows; `svg` is its text."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def __repr__(self) -> str:
        """Return what stands where no picture can be shown."""
        return "Drawing of a cascade"

    def _repr_svg_(self) -> str:
        return self.svg


class Answer(schema.Answer):
    """The answer of `knockwise.ask`: everything in it is a frozen model of `knowledge.schema`."""

    @classmethod
    def of(cls, answer: schema.Answer) -> "Answer":
        """Return the same answer with the methods of this class."""
        return cls.model_construct(**dict(answer))

    def to_frame(self) -> "pd.DataFrame":
        """Return a row per predicted effect, with the columns of `knockwise.predict`.

        Of a comparison, the effects of every side.
        """
        from agent.rows import answer_rows

        return effect_frame(answer_rows(self))

    def to_markdown(self) -> str:
        """Return the report as Markdown: prediction, cascade, evidence, versions."""
        from app.show.pages import markdown_page

        return markdown_page(self)

    def to_html(self) -> str:
        """Return the report as one page that loads nothing from anywhere."""
        from app.show.pages import html_page

        return html_page(self)

    def cascade(self) -> Drawing:
        """Return the cascade drawn, with its styles in the picture."""
        from app.show.figures import cascade_figure
        from app.show.pages import template
        from app.show.story import main_steps

        drawn = cascade_figure(self, main_steps(self)).svg
        head, _, rest = drawn.partition(">")
        if "xmlns=" not in head:
            head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        style = "\n".join(template(name) for name in ("parts.css", "report.css"))
        style += "svg { background: var(--paper); }"
        return Drawing(f"{head}><style><![CDATA[{style}]]></style>{rest}")

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, where its styles touch nothing else."""
        return (
            f'<iframe title="Knockwise: {escape(self.question.text, quote=True)}" '
            f'style="width:100%;height:{HEIGHT}px;border:0" '
            f'srcdoc="{escape(self.to_html(), quote=True)}"></iframe>'
        )
