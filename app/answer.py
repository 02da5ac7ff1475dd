"""An answer as Python has it: a table, a drawn cascade, and a page where a notebook shows it."""

from html import escape
from typing import TYPE_CHECKING

from knowledge import schema

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
HEIGHT = 720


class Drawing:
    """An SVG picture that a notebook shows; `svg` is its text."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

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
        from app.effect_rows import answer_rows, frame

        return frame(answer_rows(self))

    def to_markdown(self) -> str:
        """Return the report as Markdown: prediction, cascade, evidence, versions."""
        from app.commands.report import markdown_page

        return markdown_page(self)

    def to_html(self) -> str:
        """Return the report as one page that loads nothing from anywhere."""
        from app.commands.report import html_page

        return html_page(self)

    def cascade(self) -> Drawing:
        """Return the cascade drawn, with its styles in the picture."""
        from importlib.resources import files

        from app.show.figures import cascade_figure
        from app.show.story import main_steps

        drawn = cascade_figure(self, main_steps(self)).svg
        head, _, rest = drawn.partition(">")
        style = (files(__package__) / "templates" / "report.css").read_text(encoding="utf-8")
        return Drawing(f"{head}><style><![CDATA[{style}]]></style>{rest}")

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, where its styles touch nothing else."""
        return (
            f'<iframe title="Knockwise: {escape(self.question.text, quote=True)}" '
            f'style="width:100%;height:{HEIGHT}px;border:0" '
            f'srcdoc="{escape(self.to_html(), quote=True)}"></iframe>'
        )
