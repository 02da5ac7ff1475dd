"""`knockwise plan`: which perturbations to make next, for a goal and a budget, with controls."""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.predict import Kind
from app.show.terminal import print_json, progress, results, settings, tell_line
from knowledge.errors import QuestionError


def plan(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(help="Genes, or the name of a set, that the perturbations are to move."),
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="Plan what raises it.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Plan what lowers it.")] = False,
    cover: Annotated[
        bool, typer.Option("--cover", help="Plan the fewest that together move most of the set.")
    ] = False,
    learn: Annotated[
        bool, typer.Option("--learn", help="Plan what teaches a model most; names no gene.")
    ] = False,
    phenotype: Annotated[
        str | None,
        typer.Option(help="Plan hits for a phenotype of mice or people, by its name or id."),
    ] = None,
    budget: Annotated[int, typer.Option(help="How many perturbations at most.")] = 24,
    measured: Annotated[
        Path | None,
        typer.Option(
            help="Table or list of what is done already; a column of effects says how each "
            "answered, and the next round learns from it."
        ),
    ] = None,
    cell_line: Annotated[str | None, typer.Option(help="Cell line.")] = None,
    kind: Annotated[Kind, typer.Option(help="How genes are perturbed.")] = Kind.knockdown,
    panel: Annotated[int, typer.Option(min=0, max=500, help="Readouts of a targeted assay.")] = 20,
    fold: Annotated[float, typer.Option(help="Fold change that is to be seen.")] = 2.0,
    molecules: Annotated[
        float, typer.Option(help="Molecules per cell of the readout, for the count of cells.")
    ] = 1.0,
    out: Annotated[
        Path | None, typer.Option(help="File of the rows, .csv; - for CSV on stdout.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Page to write, .html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Choose the next perturbations for a goal, spread out, with controls and a panel of readouts.

    The list is not padded: it ends where nothing more is gained. With `--measured` a round follows
    another: what is done is not planned again, and relatives of hits come first.
    """
    from app.jobs.outputs import check_out

    check_out(out, (".csv",))
    check_out(page, (".html",))
    if sum((bool(wanted), learn, phenotype is not None)) != 1:
        raise QuestionError(
            "Name the genes or the set to move, or plan with --learn, or for a --phenotype."
        )
    if sum((up, down, cover, learn, phenotype is not None)) > 1:
        raise QuestionError("Choose one of --up, --down, --cover, --learn and --phenotype.")
    from app.commands.find import readouts_named
    from app.jobs.opening import open_session, shared
    from app.lists import line_of, plan_notes
    from app.show.lists import show_table, table_page, write_rows
    from knowledge.files import replace_text
    from tools.lists.assay import cells_needed
    from tools.lists.atlas import atlas_of
    from tools.lists.design import Goal, answers, planned
    from tools.lists.phenotypic import phenotype_hits
    from tools.lists.results import read_result
    from tools.phenotypes import shipped_phenotypes

    cells = cells_needed(fold, molecules)
    chosen, console = settings(), progress()
    with console.status("Reading what is known ..."):
        session = open_session(chosen if page is None else shared(chosen))
    knowledge, predictor = session.knowledge, session.predictor
    line = line_of(session, cell_line)
    tell_line(cell_line, line)
    readouts = readouts_named(session, wanted) if wanted else ()
    done = answers(read_result(str(measured), knowledge.symbols)) if measured else {}
    goal: Goal = "learn" if learn else "cover" if cover else "modifiers"
    with console.status("Planning ..."):
        hits = phenotype_hits(shipped_phenotypes(), phenotype) if phenotype is not None else None
        atlas = atlas_of(chosen.data, predictor.response)
        found = planned(
            predictor,
            atlas,
            "phenotype" if hits is not None else goal,
            line,
            budget,
            readouts=readouts,
            direction="up" if up else "down" if down else None,
            kind=kind.value,
            measured=done,
            panel=panel,
            hits=hits,
        )
    rows: list[dict[str, Any]] = [
        {
            "perturbation": one.gene,
            "kind": kind.value,
            "cell_line": line,
            "role": "planned",
            "gain": round(one.gain, 4),
            "expected": one.expected,
            "cells": cells,
            "essential": one.essential,
            "reason": one.reason,
            "notes": "; ".join(one.notes),
        }
        for one in found.rows
    ]
    for role, genes in (("positive control", found.positive), ("negative control", found.negative)):
        rows += [
            dict.fromkeys(rows[0] if rows else ("perturbation",), "")
            | {"perturbation": gene, "kind": kind.value, "cell_line": line, "role": role}
            for gene in genes
        ]
    shown = [
        {
            "Perturb": one.gene,
            "Gain": f"{one.gain:.2f}",
            "Readouts moved": "" if one.expected is None else f"{one.expected:,.0f}",
            "Why": one.reason,
            "Notes": "; ".join(one.notes),
        }
        for one in found.rows
    ]
    what = {
        "phenotype": f"for the phenotype {hits.name}" if hits is not None else "",
        "modifiers": f"to move {', '.join(readouts[:6])}{' ...' if len(readouts) > 6 else ''}",
        "cover": f"that together move most of {len(readouts)} genes",
        "learn": "that teach a model of the line most",
    }[found.goal]
    lead = (
        f"{len(found.rows)} perturbations {what} in {line}, of {found.candidates:,} candidates; "
        f"{100 * found.essential_share:.0f} % of them are needed by most cancer lines."
    )
    notes = plan_notes(found, fold, molecules)
    if found.panel:
        notes.append(f"Readouts that tell them apart: {', '.join(found.panel)}.")
    if page is not None:
        replace_text(page, table_page(lead, lead, rows, notes, "gain"))
        console.print(f"The page is {page}.", soft_wrap=True)
    if out is not None and write_rows(rows, out):
        return
    if as_json:
        dumped = found.model_dump(mode="json") | {"cells": cells, "measured": len(done)}
        print_json({"schema": "knockwise/plan/1", **dumped})
        return
    show_table(results(), lead, shown, notes)
