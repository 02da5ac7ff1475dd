"""A run as pages to hand around: one self-contained HTML file, a Markdown file, `effects.csv`."""

import shutil
import unicodedata
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from app.show.terminal import UNICODE, progress, settings
from knowledge.errors import RunError
from knowledge.files import replace_text

if TYPE_CHECKING:
    from knowledge.schema import Answer, CascadeStep

MOST_EFFECTS = 30
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


class ReportFiles(NamedTuple):
    """Where a report was written."""

    html: Path
    markdown: Path
    effects: Path | None


def report(
    run: Annotated[str, typer.Argument(help="A run: its name, its folder, or 'latest'.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; the run's own folder by default.")
    ] = None,
) -> None:
    """Write a run as an HTML page, a Markdown file and effects.csv."""
    from agent.run import find_run

    run_dir = find_run(settings().runs, run)
    written = write_report(run_dir, out or run_dir)
    if written.effects is None:
        progress().print("The run has no effects.csv, so none was copied.", style="yellow")
    for file in (written.html, written.markdown, written.effects):
        if file is not None:
            typer.echo(file)


def write_report(run_dir: Path, out: Path) -> ReportFiles:
    """Write the report of a finished run to `out`.

    Raises:
        RunError: The run is not finished or damaged, or `out` cannot be written.
    """
    from agent.run import load_answer

    answer = load_answer(run_dir)
    effects = run_dir / "effects.csv"
    html, markdown = html_page(answer), markdown_page(answer)
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / "report.html", html)
        replace_text(out / "report.md", markdown)
        if effects.exists() and out.resolve() != run_dir.resolve():
            shutil.copyfile(effects, out / "effects.csv")
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {out} ({error.strerror}); "
            "name another folder with --out."
        ) from error
    return ReportFiles(
        html=out / "report.html",
        markdown=out / "report.md",
        effects=out / "effects.csv" if effects.exists() else None,
    )


def html_page(answer: "Answer") -> str:
    """Return the report as one HTML page that loads nothing from anywhere."""
    from app.show.figures import cascade_figure, effects_figure
    from app.show.story import ordered_effects

    answer = _cleaned(answer)
    main, others = _numbered(answer)
    figure = cascade_figure(answer, [step for _, step in main])
    everything = [step for _, step in main + others]
    whole = cascade_figure(answer, everything) if others else figure
    return _render(
        "report.html.j2",
        answer,
        css=_template("report.css"),
        main_svg=figure.svg,
        main_width=figure.width,
        whole_svg=whole.svg,
        whole_width=whole.width,
        effects_svg=effects_figure(ordered_effects(answer)[:MOST_EFFECTS]).svg,
    )


def markdown_page(answer: "Answer") -> str:
    """Return the report as Markdown, the cascade drawn in characters."""
    from rich.console import Console

    from app.show.render import cascade_trees
    from app.show.story import Citations, main_steps, predicted_calls

    answer = _cleaned(answer)
    drawing = StringIO()
    console = Console(file=drawing, width=TREE_WIDTH, highlight=False)
    for tree in cascade_trees(
        main_steps(answer), predicted_calls(answer), Citations(answer), UNICODE
    ):
        console.print(tree)
    # Nothing in the fence may end it, or begin an element where somebody shows it without one.
    drawn = drawing.getvalue().replace("`", "'").replace("<", "‹")
    tree_lines = (line.rstrip() for line in drawn.splitlines())
    return _render("report.md.j2", answer, tree="\n".join(tree_lines))


def _cleaned(answer: "Answer") -> "Answer":
    """Return the answer without control characters and marks that turn the direction of text.

    Names of models and folders, and what a model said, come from others.
    """
    from knowledge.schema import Answer

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
    answer: "Answer",
) -> tuple[list[tuple[int, "CascadeStep"]], list[tuple[int, "CascadeStep"]]]:
    """Return the steps that are told and the rest, numbered through."""
    from app.show.story import main_steps

    main = main_steps(answer)
    told = set(main)
    numbered = list(enumerate([*main, *(s for s in answer.steps if s not in told)], start=1))
    return numbered[: len(main)], numbered[len(main) :]


def _render(name: str, answer: "Answer", **drawings: object) -> str:
    from agent.templates import templates

    with templates(Path("templates") / name):
        return _filled_in(name, answer, **drawings)


def _filled_in(name: str, answer: "Answer", **drawings: object) -> str:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    from agent.wording import changed_words
    from app.show.story import Citations, ordered_effects
    from app.show.surveys import known_by, shown
    from app.show.terminal import plain

    html = name.endswith(".html.j2")
    citations = Citations(answer)
    effects = ordered_effects(answer)
    main, others = _numbered(answer)
    readouts = set(answer.question.readouts)
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=html,
        finalize=None if html else _final,
        undefined=StrictUndefined,
        trim_blocks=html,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: _Escaped(_markdown(plain(str(text))))
    return environment.get_template(name).render(
        answer=answer,
        perturbation=_heading(answer),
        side_genes=list(dict.fromkeys(e.gene for side in answer.sides for e in side.effects)),
        tiles=[effect for effect in effects if effect.gene in readouts][:8],
        main=main,
        others=others,
        effects=effects[:MOST_EFFECTS],
        more_effects=max(0, len(effects) - MOST_EFFECTS),
        versions=_versions(answer),
        signs=UNICODE,
        cite=citations.cite,
        cited=citations.cited,
        changed_words=changed_words,
        known_by=known_by,
        shown=shown,
        method=METHOD,
        disclaimer=DISCLAIMER,
        **drawings,
    )


def _heading(answer: "Answer") -> str:
    """Return what was done to the cells, or the question where that is what was asked."""
    from agent.question.telling import as_words
    from agent.wording import perturbation_words

    if answer.question.intent in ("forward", "why"):
        return perturbation_words(answer.question.perturbation)
    return as_words(answer.question)


def _versions(answer: "Answer") -> list[tuple[str, str]]:
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


def _template(name: str) -> str:
    return (files(__package__.rpartition(".")[0]) / "templates" / name).read_text(encoding="utf-8")
