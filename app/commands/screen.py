"""`knockwise screen`: a screen of one's own becomes evidence, and can be left out again."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.commands.predict import Kind
from app.jobs.own_screen import (
    Controls,
    Counts,
    GeneColumn,
    GuidePattern,
    Layer,
    SkipUnknown,
)
from knowledge.errors import QuestionError

app = typer.Typer(
    help="Add, list and remove screens of your own: measured evidence beside that of Knockwise.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
H5AD = ".h5ad"


class SortedFor(StrEnum):
    """In which cells the guides of a screen's hits were enriched."""

    high = "high"
    low = "low"


@app.command(epilog="Example: knockwise screen add result.csv --name mine --pert HSPA5")
def add(
    file: Annotated[
        Path,
        typer.Argument(help="Cells (.h5ad), or a table of DESeq2, edgeR, limma, scanpy or MAGeCK."),
    ],
    name: Annotated[str, typer.Option(help="What the screen is called.")],
    cell_line: Annotated[str, typer.Option(help="K562, RPE1, HepG2 or Jurkat.")],
    kind: Annotated[Kind, typer.Option(help="How genes were perturbed.")] = Kind.knockdown,
    pert: Annotated[
        str | None, typer.Option(help="What was perturbed, of a table of one perturbation.")
    ] = None,
    pert_col: Annotated[
        str | None, typer.Option(help="Column that says what was perturbed: of obs, or of a table.")
    ] = None,
    control: Controls = None,
    guide_pattern: GuidePattern = None,
    layer: Layer = None,
    gene_col: GeneColumn = None,
    skip_unknown: SkipUnknown = False,
    counts: Counts = None,
    readout: Annotated[
        str | None, typer.Option(help="For MAGeCK: the gene whose level the cells were sorted by.")
    ] = None,
    sorted_for: Annotated[
        SortedFor, typer.Option(help="For MAGeCK: in which cells enriched guides were found.")
    ] = SortedFor.high,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Adjusted p-value up to which a gene changed.")
    ] = 0.05,
    least_effect: Annotated[
        float | None,
        typer.Option(min=0, help="Size of log fold change from which it did; 0.25 of cells."),
    ] = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private", help="Keep it out of reports, pages, the web and language models."
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of one of this name.")
    ] = False,
) -> None:
    """Register measured rows; they then count wherever measured rows count, with no retraining."""
    from app.jobs.screens import Wanted, read_cells, read_table, screen_of
    from app.show.progress import progress_bar
    from app.show.terminal import progress, results, settings
    from knowledge.base import load_knowledge
    from knowledge.own_screens import check_name, own_screens, save_screen
    from knowledge.user_tables.orthologues import human_of_mouse
    from models.response import ResponseModel

    if kind == Kind.activation:
        raise QuestionError(
            "The evidence is of losses; a screen of activation would say their contrary without "
            "having measured it, so it cannot be added."
        )
    chosen, console = settings(), progress()
    check_name(name)
    if not replace and name.casefold() in {one.name.casefold() for one in own_screens(chosen.data)}:
        raise QuestionError(f"There is a screen {name} already; give --replace, or another --name.")
    response = ResponseModel.load()
    knowledge = load_knowledge(chosen.data, extra_genes=response.genes())
    wanted = Wanted(
        name=name,
        cell_line=knowledge.cell_lines.ground(cell_line).name,
        kind=kind.value,
        private=private,
        pert=pert or "",
        pert_col=pert_col,
        readout=readout or "",
        sorted_for=sorted_for.value,
        alpha=alpha,
        least_effect=least_effect,
    )
    if file.suffix == H5AD:
        from models.expression.anndata_file import Layout

        if pert_col is None or not control:
            raise QuestionError("Of cells, name the --pert-col and the --control label in it.")
        layout = Layout(
            perturbation=pert_col,
            controls=tuple(control),
            counts=counts,
            layer=layer,
            genes=gene_col,
            guide_pattern=guide_pattern,
            skip_unknown=skip_unknown,
        )
        with progress_bar() as told:
            read = read_cells(file, wanted, layout, knowledge, told)
    else:
        if control or layer or gene_col or guide_pattern or counts is not None or skip_unknown:
            raise QuestionError("These options are for cells (.h5ad); a table does without them.")
        read = read_table(file, wanted, knowledge, lambda: human_of_mouse(chosen.data))
    for note in read.notes:
        console.print(note, style="yellow", markup=False)
    screen = save_screen(chosen.data, screen_of(file, wanted, read), read.rows, replace=replace)
    known = {one.symbol for one in response.genes()}
    outside = len(set(read.rows.column("perturbation").unique().to_pylist()) - known)
    if outside:
        console.print(f"{outside:,} perturbed genes are unknown to the response model.")
    results().print(
        f"{screen.name}: {screen.rows:,} rows of {screen.perturbations:,} perturbations and "
        f"{screen.readouts:,} readouts in {screen.cell_line}, {screen.changed:,} changed "
        f"({screen.method}). They count from now on; `--without-screen {screen.name}` leaves them "
        "out.",
        markup=False,
    )


@app.command("list")
def list_screens(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Show the screens of your own."""
    from app.show.lists import show_table
    from app.show.terminal import print_json, results, settings
    from knowledge.own_screens import own_screens, screens_dir

    data = settings().data
    found = own_screens(data)
    if as_json:
        rows = [one.model_dump(mode="json") for one in found]
        print_json({"schema": "knockwise/screens/1", "rows": rows})
        return
    shown = [
        {
            "Screen": one.name,
            "Cell line": one.cell_line,
            "Perturbations": f"{one.perturbations:,}",
            "Rows": f"{one.rows:,}",
            "Changed": f"{one.changed:,}",
            "From": one.source,
            "": "private" if one.private else "",
        }
        for one in found
    ]
    lead = f"{len(found)} screens in {screens_dir(data)}."
    show_table(results(), lead, shown, ())


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="The screen; `knockwise screen list` shows them.")],
) -> None:
    """Remove a screen of your own; nothing counts it any more."""
    from app.show.terminal import results, settings
    from knowledge.own_screens import remove_screen

    remove_screen(settings().data, name)
    results().print(f"{name} is removed.", markup=False)
