"""An answer as pages: one HTML file, or Markdown; the web page is made of the same parts."""

import unicodedata
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from rich.console import Console

from agent.narrative.writer import Story, template_story
from agent.question.telling import as_words
from agent.templates import templates
from agent.wording import changed_words, perturbation_words
from app.show.citing import bibtex, cited_papers, pmids
from app.show.figures import cascade_figure, effects_figure
from app.show.links import linked, references
from app.show.programmes import by_programme
from app.show.render import cascade_trees
from app.show.sizes import sizes_of
from app.show.story import Citations, main_steps, ordered_effects, predicted_calls, trees
from app.show.surveys import done, known_by, shown
from app.show.terminal import UNICODE, plain
from knowledge.errors import QuestionError
from knowledge.schema import Answer, CascadeStep
from tools.own_screens import PRIVATE

MOST_EFFECTS = 30
TEMPLATES = Path("app/show/templates")
TREE_WIDTH = 110
METHOD = (
    "The perturbation is followed through a signed graph of signalling, transcription, complexes "
    "and processes: a lost activator lowers its target, a lost inhibitor raises it. Each step is "
    "checked against databases, measured training rows and models before it is kept. "
    "Probabilities come from trained models, calibrated on training perturbations of CRISPR "
    "screens; a step's confidence is how well its evidence supports it, a mechanism's is the "
    "product over its steps, and neither is a probability of change."
)
DISCLAIMER = (
    "A prediction and a hypothesis for research, made by Knockwise. It is no measurement, and not "
    "for clinical use. Its models carry data for non-commercial research: see NOTICE and "
    "docs/sources.md, which also lists what to cite."
)


def html_page(answer: Answer, story: Story | None = None) -> str:
    """Return the report as one HTML page that loads nothing from anywhere.

    Without a `story` our own templates tell it.

    Raises:
        QuestionError: The answer counts a private screen.
    """
    check_public(answer)
    answer = cleaned(answer)
    environment = page_environment()
    with templates(TEMPLATES / "report.html.j2"):
        return environment.get_template("report.html.j2").render(
            **parts_of(answer, story),
            css="\n".join(template(name) for name in ("parts.css", "report.css")),
            script=template("save.js"),
        )


def markdown_page(answer: Answer, story: Story | None = None) -> str:
    """Return the report as Markdown, the cascade drawn in characters.

    Raises:
        QuestionError: The answer counts a private screen.
    """
    check_public(answer)
    answer = cleaned(answer)
    drawing = StringIO()
    console = Console(file=drawing, width=TREE_WIDTH, highlight=False)
    for tree in cascade_trees(
        main_steps(answer), predicted_calls(answer), Citations(answer), UNICODE
    ):
        console.print(tree)
    # Nothing in the fence may end it, or begin an element where somebody shows it without one.
    drawn = drawing.getvalue().replace("`", "'").replace("<", "‹")
    tree_lines = (line.rstrip() for line in drawn.splitlines())
    environment = page_environment(html=False)
    environment.filters["cell"] = lambda text: _Escaped(_markdown(plain(str(text))))
    with templates(TEMPLATES / "report.md.j2"):
        return environment.get_template("report.md.j2").render(
            **parts_of(answer, story), tree="\n".join(tree_lines)
        )


def page_environment(*, html: bool = True) -> Environment:
    """Return what renders the templates of this folder, escaping what HTML or Markdown obeys."""
    environment = Environment(
        loader=FunctionLoader(template),
        autoescape=html,
        finalize=None if html else _final,
        undefined=StrictUndefined,
        trim_blocks=html,
        keep_trailing_newline=True,
    )
    environment.filters["linked"] = linked
    return environment


def parts_of(answer: Answer, story: Story | None = None) -> dict[str, Any]:
    """Return what the templates show of an answer, by the names that they use."""
    citations = Citations(answer)
    effects = ordered_effects(answer)
    main, others = _numbered(answer)
    numbers = {step: number for number, step in main + others}
    readouts = set(answer.question.readouts)
    steps = [step for _, step in main]
    figure = cascade_figure(answer, steps)
    whole = cascade_figure(answer, [step for _, step in main + others]) if others else figure
    return {
        "answer": answer,
        "story": told_story(answer, story),
        "perturbation": _heading(answer),
        "side_genes": list(
            dict.fromkeys(effect.gene for side in answer.sides for effect in side.effects)
        ),
        "tiles": [effect for effect in effects if effect.gene in readouts][:8],
        "main": main,
        "others": others,
        "number_of": numbers.get,
        "roots": trees(steps),
        "calls": predicted_calls(answer),
        "facts": {fact.id: fact for fact in answer.evidence},
        "effects": effects[:MOST_EFFECTS],
        "more_effects": max(0, len(effects) - MOST_EFFECTS),
        "programmes": by_programme(effects),
        "sizes": sizes_of(answer),
        "versions": _versions(answer),
        "papers": cited_papers(answer),
        "pmids": pmids(answer),
        "bibtex": bibtex(answer),
        "main_svg": figure.svg,
        "main_width": figure.width,
        "whole_svg": whole.svg,
        "whole_width": whole.width,
        "effects_svg": effects_figure(effects[:MOST_EFFECTS]).svg,
        "signs": UNICODE,
        "cite": citations.cite,
        "cited": citations.cited,
        "changed_words": changed_words,
        "done": done,
        "known_by": known_by,
        "references": references,
        "shown": shown,
        "method": METHOD,
        "disclaimer": DISCLAIMER,
    }


def told_story(answer: Answer, story: Story | None = None) -> Story:
    """Return the story without control characters, told by our own templates if there is none."""
    if story is None:
        return template_story(answer)
    return Story.model_validate(_without_controls(story.model_dump()))


def template(name: str) -> str:
    """Return a template, a style sheet or a script of pages as text."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def check_public(answer: Answer) -> None:
    """Refuse to hand around an answer that counts a private screen: its numbers rest on it.

    Raises:
        QuestionError: It does.
    """
    if f"{PRIVATE}s" in answer.versions.data:
        raise QuestionError(
            "This answer counts a private screen, which stays out of reports; ask again with "
            "--without-screen NAME and report that run (`knockwise screen list` shows the names)."
        )


def cleaned(answer: Answer) -> Answer:
    """Return the answer without control characters and marks that turn the direction of text.

    Names of models and folders, and what a model said, come from others.
    """
    return Answer.model_validate(_without_controls(answer.model_dump()))


def _without_controls(value: object) -> object:
    if isinstance(value, str):
        hidden = {"Cc", "Cf", "Cs"}
        kept = (" " if unicodedata.category(c) in hidden and c != "\n" else c for c in value)
        return "".join(kept)
    if isinstance(value, dict):
        return {_without_controls(key): _without_controls(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_controls(one) for one in value)
    return value


class _Escaped(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _final(value: object) -> object:
    """Return what Markdown shows of a value that no filter has escaped."""
    return value.replace("<", "&lt;") if type(value) is str else value


def _numbered(
    answer: Answer,
) -> tuple[list[tuple[int, CascadeStep]], list[tuple[int, CascadeStep]]]:
    """Return the steps that are told and the rest, numbered through."""
    main = main_steps(answer)
    told = set(main)
    numbered = list(enumerate([*main, *(s for s in answer.steps if s not in told)], start=1))
    return numbered[: len(main)], numbered[len(main) :]


def _heading(answer: Answer) -> str:
    """Return what was done to the cells, or the question where that is what was asked."""
    if answer.question.intent in ("forward", "why"):
        return perturbation_words(answer.question.perturbation)
    return as_words(answer.question)


def _versions(answer: Answer) -> list[tuple[str, str]]:
    versions = answer.versions
    rows = [
        ("Knockwise", versions.knockwise),
        ("Reasoner", answer.reasoner),
        ("Knowledge", versions.knowledge),
        *((f"Data: {name}", value) for name, value in sorted(versions.data.items())),
        *((f"Model: {name}", value) for name, value in sorted(versions.models.items())),
    ]
    if versions.prompts:
        rows.append(("Prompts", versions.prompts))
    rows += [(f"Time: {name}", f"{value:.2f} s") for name, value in answer.timings_s.items()]
    rows += [(f"Tokens: {name}", f"{value:,}") for name, value in answer.tokens.items()]
    return rows


def _markdown(text: str) -> str:
    """Escape what would break a table or start an element; statements come from databases."""
    for char in "\\|<>*_`[]":
        text = text.replace(char, f"\\{char}")
    return text
