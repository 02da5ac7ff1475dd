"""`knockwise atlas`: predict every perturbation over every readout once, and see what is there."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Build and inspect the atlas of all predictions.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SLOW = (
    "Numba is not installed, so this takes ten times as long; "
    "`pip install '.[atlas]'` in the checkout of Knockwise brings it."
)


@app.command(epilog="Example: knockwise atlas build --cell-line K562 --jobs 2")
def build(
    out: Annotated[
        Path | None, typer.Option(help="Folder of the atlas; `atlas` in the data folder.")
    ] = None,
    cell_line: Annotated[
        list[str] | None, typer.Option(help="Cell line, any number of times; all by default.")
    ] = None,
    pert: Annotated[
        list[str] | None,
        typer.Option(help="Perturbed gene, any number of times; all by default."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that predict.")] = 1,
    ray: Annotated[
        bool, typer.Option("--ray", help="Spread the parts by Ray: RAY_ADDRESS, or --jobs here.")
    ] = False,
) -> None:
    """Predict every perturbation over every readout; after Ctrl-C, run it again to go on."""
    import time

    from app.jobs.atlas import parts_made
    from app.jobs.pairs import ground_genes, split_perturbations
    from app.show.progress import progress_bar
    from app.show.terminal import Interrupted, progress, settings
    from knowledge.base import load_knowledge
    from models.response import ResponseModel
    from models.response.leaves import compiler_is_there
    from tools.lists.atlas import Builder, atlas_dir, perturbable

    chosen, console = settings(), progress()
    if not compiler_is_there():
        console.print(SLOW, style="yellow", markup=False, soft_wrap=True)
    with console.status("Reading what is known ..."):
        response = ResponseModel.load()
        knowledge = load_knowledge(chosen.data, extra_genes=response.genes())
        lines = [knowledge.cell_lines.ground(word).name for word in cell_line or ()]
        genes = [
            gene
            for word in split_perturbations(pert or ())
            for gene in ground_genes(knowledge.symbols, word)
        ]
        folder = out or atlas_dir(chosen.data)
        todo = Builder.shipped(folder, response).missing(
            lines or response.cell_lines, genes or perturbable(response)
        )
    if not todo:
        console.print(f"Everything is there: {folder}", soft_wrap=True)
        return
    began, pairs = time.monotonic(), 0
    try:
        with progress_bar() as told:
            told(f"0 of {len(todo)} parts", 0.0)
            made = parts_made(folder, response, todo, jobs, cluster=ray)
            for done, count in enumerate(made, start=1):
                pairs += count
                rate = pairs / (time.monotonic() - began)
                told(f"{done} of {len(todo)} parts, {rate:,.0f} pairs/s", done / len(todo))
    except KeyboardInterrupt:
        raise Interrupted(
            "Interrupted; the finished parts are kept, and the same command goes on from there."
        ) from None
    spent = time.monotonic() - began
    console.print(f"{pairs:,} pairs in {spent:,.0f} s: {folder}", soft_wrap=True)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Show how much of the atlas is there, and how exact it is."""
    from app.show.terminal import print_json, results, settings
    from models.response import ResponseModel
    from tools.lists.atlas import PRECISION, atlas_dir, open_atlas, statuses

    chosen = settings()
    response = ResponseModel.load()
    folder = atlas_dir(chosen.data)
    found = statuses(open_atlas(folder, response.version), response)
    if as_json:
        print_json(
            {
                "schema": "knockwise/atlas/1",
                "folder": str(folder),
                "response": response.version,
                "precision": PRECISION,
                "rows": [one.model_dump() for one in found],
            }
        )
        return
    console = results()
    console.print(f"atlas      {folder}", soft_wrap=True)
    console.print(f"response   {response.version}")
    console.print(f"precision  {PRECISION}")
    for one in found:
        share = f"{one.perturbations:,} of {one.of:,} perturbations"
        console.print(f"{one.cell_line:<10} {share}, {one.megabytes:,.1f} MB", soft_wrap=True)
    if not any(one.perturbations for one in found):
        console.print("Nothing is there yet; run `knockwise atlas build`.")
