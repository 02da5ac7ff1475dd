"""`knockwise explain`: why these genes changed, as far as signed paths tell."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.commands.predict import Kind
from app.show.terminal import print_json, progress, results, settings, signs, tell_line
from knowledge.errors import QuestionError


class SortedFor(StrEnum):
    """In which cells the guides of a screen's hits were enriched."""

    high = "high"
    low = "low"
    either = "either"


def explain(
    result: Annotated[
        str,
        typer.Argument(
            help="Table of DESeq2, edgeR, limma, scanpy, Seurat, MAGeCK; a list; 'DDIT3+,LDLR-'."
        ),
    ],
    pert: Annotated[
        list[str] | None, typer.Option(help="Perturbed gene; give it twice for a double.")
    ] = None,
    cell_line: Annotated[str | None, typer.Option(help="Cell line.")] = None,
    kind: Annotated[Kind, typer.Option(help="What is done to the gene.")] = Kind.knockdown,
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
        float, typer.Option(min=0, help="Size of log fold change from which it did.")
    ] = 0.0,
    group: Annotated[str | None, typer.Option(help="Group of a table that holds several.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File of all rows, .csv; - for CSV on stdout.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Page to write, .html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Explain the genes that changed, beside those that did not and beside shuffled networks."""
    from app.jobs.outputs import check_out

    check_out(out, (".csv",))
    check_out(page, (".html",))
    from app.jobs.opening import open_session, shared
    from app.jobs.pairs import ground_gene, ground_genes, split_perturbations
    from app.lists import line_of
    from app.show.lists import explanation_page, explanation_rows, show_explanation, write_rows
    from knowledge.files import replace_text
    from knowledge.schema import Perturbation
    from knowledge.user_tables.orthologues import human_of_mouse
    from tools.lists.explanation import explained
    from tools.lists.hits import explained_hits
    from tools.lists.listed import Reading
    from tools.lists.results import read_result

    chosen, console = settings(), progress()
    with console.status("Reading what is known ..."):
        session = open_session(chosen if page is None else shared(chosen))
        knowledge = session.knowledge
        named = [ground_genes(knowledge.symbols, one) for one in split_perturbations(pert or ())]
        genes = tuple(dict.fromkeys(gene for several in named for gene in several))
        line = line_of(session, cell_line)
        listed = read_result(
            result,
            knowledge.symbols,
            Reading(alpha=alpha, least_effect=least_effect, group=group),
            orthologues=lambda: human_of_mouse(chosen.data),
            pert=genes[0] if len(genes) == 1 else "",
        )
    tell_line(cell_line, line)
    with console.status("Following the paths ..."):
        if listed.kind == "perturbed":
            if readout is None and len(genes) != 1:
                raise QuestionError(
                    f"{listed.source} is {listed.description}, whose genes were perturbed; name "
                    "with --readout the gene whose level the cells were sorted by."
                )
            target = ground_gene(knowledge.symbols, readout) if readout else genes[0]
            found = explained_hits(session.predictor, target, line, listed, sorted_for.value)
        else:
            if not genes:
                raise QuestionError(
                    "Name the perturbed gene with --pert, or ask `knockwise who` which it may be."
                )
            perturbation = Perturbation(genes=genes, kind=kind.value, cell_line=line)
            found = explained(session.predictor, perturbation, listed)
    if page is not None:
        replace_text(page, explanation_page(found))
        console.print(f"The page is {page}.", soft_wrap=True)
    if out is not None and write_rows(explanation_rows(found), out):
        return
    if as_json:
        print_json({"schema": "knockwise/explanation/1", **found.model_dump(mode="json")})
        return
    show_explanation(found, results(), signs(results()))
