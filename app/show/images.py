"""An analysis of pictures on a terminal and as a page that holds its pictures."""

import base64
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from app.jobs.images import Findings, PerturbationFound
from app.show.pages import page_environment, template
from app.show.terminal import plain, results
from tools.images.decoding import STEPS, Saying
from tools.images.pictures import NAMES

TYPES = {".png": "image/png", ".gif": "image/gif"}
FILES = {
    "cells.parquet": "a row for each cell: where it is, measurements, learnt phenotypes",
    "profiles.csv": "a row for each well: medians, in spreads of the plate's control cells",
    "phenotypes.csv": "each phenotype of each perturbation against the controls: effect, p, q",
    "heritability.csv": "which share of each phenotype's variance perturbations explain",
    "encoder": "the network that was learnt, as a checkpoint",
}


def says(one: Saying) -> str:
    """Return a sentence with what the measurement says of it."""
    p = f", p {one.p:.2g}" if one.p is not None else ""
    count = one.text in ("more cells", "fewer cells")
    if count:
        span = f"{1 + one.low:.2f} to {1 + one.high:.2f} of the controls on each plate"
    else:
        span = f"{one.effect:+.1f} spreads of control cells, {one.low:+.1f} to {one.high:+.1f}"
    return f"{one.text} ({span}{p})"


def print_findings(found: Findings) -> None:
    """Print what was found."""
    out = results()
    cells = sum(one.cells for one in found.wells)
    out.print(
        Text(
            plain(
                f"{cells:,} cells of {len(found.wells):,} wells on {len(found.plates):,} plates; "
                f"{found.measurements:,} measurements and {found.learnt:,} learnt phenotypes."
            ),
            style="bold",
        )
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("Perturbation", "Wells", "Looks like (measured)", "Seen decoded"):
        table.add_column(title)
    for one in found.perturbations:
        measured = [saying for saying in one.sayings if saying.source == "measured"]
        made = [saying for saying in one.sayings if saying.source == "decoded"]
        said = "; ".join(says(saying) for saying in measured[:4]) or "nothing on every plate"
        seen = "; ".join(
            f"{saying.text} ({'borne out' if saying.borne_out else 'not borne out'})"
            for saying in made
        )
        table.add_row(plain(one.perturbation), str(one.wells), Text(plain(said)), Text(plain(seen)))
    out.print(table)
    for agreed in found.reproducibility:
        said = (
            f"{agreed.perturbation}: profiles of its {agreed.replicates} plates correlate by "
            f"{agreed.correlation:.2f} (p {agreed.p:.2g})."
        )
        out.print(Text(plain(said)))
    for note in found.notes:
        out.print(Text(plain(note), style="dim"))
    out.print(plain(str(Path(found.out) / "report.html")), soft_wrap=True)


def html_report(found: Findings, folder: Path) -> str:
    """Return the report of an analysis as one HTML page that loads nothing."""
    environment = page_environment()
    legend = [f"{name} {NAMES[number % len(NAMES)]}" for number, name in enumerate(found.channels)]
    return environment.get_template("images.html.j2").render(
        found=found,
        legend=", ".join(legend),
        steps=", ".join(f"{step:g}" for step in STEPS),
        cells=sum(one.cells for one in found.wells),
        picture=lambda name: _embedded(folder / name),
        said=says,
        split=_split,
        files={name: what for name, what in FILES.items() if (folder / name).exists()},
        css="\n".join(template(name) for name in ("parts.css", "report.css", "lists.css")),
    )


def _split(one: PerturbationFound) -> dict[str, list[Saying]]:
    made = [saying for saying in one.sayings if saying.source == "decoded"]
    return {
        "measured": [saying for saying in one.sayings if saying.source == "measured"],
        "borne": [saying for saying in made if saying.borne_out],
        "unborne": [saying for saying in made if not saying.borne_out],
    }


def _embedded(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f"data:{TYPES[path.suffix]};base64,{data}"
