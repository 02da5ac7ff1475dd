"""`knockwise image`: what perturbations look like, from the pictures of a plate."""

from pathlib import Path
from typing import Annotated

import typer

from app.jobs.outputs import Careful

app = typer.Typer(
    help="Analyse pictures of cells.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main() -> None:
    """Analyse pictures of cells."""


@app.command(
    cls=Careful,
    epilog="Example: knockwise image analyse plates/ --map wells.csv --name Tritc=actin --out seen",
)
def analyse(
    plate: Annotated[
        Path,
        typer.Argument(help="Folder of a plate's pictures, or with a folder for each plate."),
    ],
    well_map: Annotated[
        Path,
        typer.Option(
            "--map",
            help="Table with the columns well and perturbation, and plate where plates differ.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the analysis; the same command again goes on in it.")
    ],
    control: Annotated[
        list[str] | None,
        typer.Option(
            help="Perturbation that is the negative control, any number of times; the usual words "
            "(NT, scrambled, luciferase, RLUC, DMSO) by default."
        ),
    ] = None,
    nuclei: Annotated[
        str, typer.Option(help="Channel of the nuclei; DAPI, Hoechst and the like by default.")
    ] = "",
    name: Annotated[
        list[str] | None,
        typer.Option(help="What a channel shows, for sentences: Tritc=actin; any number of times."),
    ] = None,
    pattern: Annotated[
        str,
        typer.Option(
            help="Regular expression for unusual paths, with groups (?P<well>...) and, where they "
            "are there, (?P<plate>...), (?P<site>...) and (?P<channel>...)."
        ),
    ] = "",
    segmenter: Annotated[
        str,
        typer.Option(help="Finder of nuclei that another package adds; see docs/images.md."),
    ] = "",
    learn: Annotated[
        bool,
        typer.Option("--learn/--no-learn", help="Learn phenotypes besides the measurements."),
    ] = True,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the network.")] = 2,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")
    ] = False,
) -> None:
    """Find, measure and compare the cells of a plate, and show what perturbations look like.

    Writes cells, profiles of wells, tests against the controls, pictures and a report. Ctrl-C
    loses the field at work: run the same command again to go on.
    """
    from app.jobs.images import Asked, analysed
    from app.show.images import print_findings
    from app.show.progress import progress_bar
    from app.show.terminal import print_json

    asked = Asked(
        folder=plate,
        well_map=well_map,
        out=out,
        controls=tuple(control or ()),
        nuclei=nuclei,
        names=tuple(name or ()),
        pattern=pattern,
        segmenter=segmenter,
        learn=learn,
        seed=seed,
        threads=threads,
    )
    with progress_bar() as told:
        found = analysed(asked, told)
    if as_json:
        print_json({"schema": "knockwise/images/1", **found.model_dump(mode="json")})
    else:
        print_findings(found)
