"""`knockwise predict`: calibrated effects for one perturbation, or for a file of pairs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.show.terminal import print_json, progress, settings
from knowledge.errors import QuestionError

SCHEMA = "knockwise/effects/1"


class Kind(StrEnum):
    """What is done to the gene."""

    knockout = "knockout"
    knockdown = "knockdown"
    activation = "activation"


def predict(
    pert: Annotated[
        list[str] | None,
        typer.Option(help="Perturbed gene; give it twice for a double perturbation."),
    ] = None,
    cell_line: Annotated[
        str | None, typer.Option(help="Cell line; also for pairs that name none.")
    ] = None,
    readout: Annotated[
        list[str] | None,
        typer.Option(help="Readout gene, any number of times; every gene by default."),
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What is done to the gene.")] = Kind.knockdown,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Table with columns pert (A or A+B) or drug, gene and cell_line."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, .csv, .csv.gz or .parquet; - for CSV on stdout."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many rows the table shows.")] = 25,
    skip_unknown: Annotated[
        bool,
        typer.Option(help="Keep rows of --pairs that are no genes as unknown, with the reason."),
    ] = False,
    guide_pattern: Annotated[
        str | None,
        typer.Option(help="What of a guide's label in --pairs is the gene: '^(.+)_g[0-9]+$'."),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(help="Label of controls in --pairs, besides the usual words; repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that predict --pairs.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the rows as JSON and nothing else.")
    ] = False,
) -> None:
    """Predict whether readout genes change, and which way."""
    if bool(pert) == bool(pairs):
        raise QuestionError("Name a gene with --pert or a file with --pairs, one of the two.")
    if pairs and readout:
        raise QuestionError("A file of pairs names its readouts; leave --readout away.")
    if not pairs and (skip_unknown or guide_pattern or control):
        raise QuestionError(
            "--skip-unknown, --guide-pattern and --control are for --pairs; name a file with it."
        )
    from app.jobs.outputs import STDOUT, check_out

    check_out(out, (".csv", ".csv.gz", ".parquet"))
    if pairs:
        from app.jobs.drug_pairs import names_drugs

        if names_drugs(pairs):
            if guide_pattern or control:
                raise QuestionError(
                    "--guide-pattern and --control are for perturbed genes; leave them away for "
                    "a file of drugs."
                )
            _drugs(pairs, cell_line, out, skip_unknown=skip_unknown, as_json=as_json)
            return
    from app.jobs.effect_file import csv_rows
    from app.jobs.opening import open_session
    from app.jobs.pairs import read_pairs
    from app.jobs.predictions import one_perturbation, predicted, show, to_file
    from knowledge.user_tables.orthologues import human_of_mouse

    chosen = settings()
    console = progress()
    notes: list[str] = []

    def note(said: str) -> None:
        notes.append(said)
        console.print(said, style="yellow", markup=False, soft_wrap=True)

    with console.status("Reading what is known ..."):
        session = open_session(chosen)
        if pairs:
            asked = read_pairs(
                pairs,
                session.knowledge,
                kind.value,
                cell_line,
                skip_unknown=skip_unknown,
                guide_pattern=guide_pattern,
                controls=control or (),
                orthologues=lambda: human_of_mouse(chosen.data),
                tell=note,
            )
        else:
            asked = one_perturbation(session, pert or [], readout, kind.value, cell_line, note)
    if out and out != STDOUT:
        to_file(session, asked, out, jobs)
        return
    effects = predicted(session, asked, jobs)
    if (pairs or out == STDOUT) and not as_json:
        for line in csv_rows(asked, effects):
            typer.echo(line, nl=False)
        return
    carried = [name for name, _ in asked.carried]
    cells = (dict(zip(carried, cells, strict=True)) for cells in asked.carried_cells())
    rows = list(zip(effects.rows(), cells, strict=True))
    if pert and not readout:
        rows.sort(key=lambda pair: (pair[0].abstained, -(pair[0].p_de or 0), pair[0].gene))
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "versions": session.versions.model_dump(mode="json"),
                "rows": [{**row.model_dump(), **words} for row, words in rows],
                "notes": notes,
            }
        )
    else:
        show([row for row, _ in rows], top)


def _drugs(
    pairs: Path, cell_line: str | None, out: Path | None, *, skip_unknown: bool, as_json: bool
) -> None:
    """Predict a file of drugs from what related drugs did."""
    from app.jobs.drug_pairs import predicted_drugs
    from app.jobs.outputs import STDOUT
    from models.inputs.genes import gene_symbols
    from tools.drugs import shipped_drug_model

    console = progress()
    notes: list[str] = []

    def note(said: str) -> None:
        notes.append(said)
        console.print(said, style="yellow", markup=False, soft_wrap=True)

    with console.status("Predicting from related drugs ..."):
        model = shipped_drug_model()
        symbols = gene_symbols(settings().data)
        found = predicted_drugs(
            pairs, model, symbols, cell_line, skip_unknown=skip_unknown, tell=note
        )
    if out and out != STDOUT:
        found.write(out)
        console.print(f"{len(found.rows):,} rows written to {out}.", soft_wrap=True)
    elif as_json:
        versions = {"models": {"drugs": model.version}}
        rows = list(found.records())
        print_json({"schema": SCHEMA, "versions": versions, "rows": rows, "notes": notes})
    else:
        for line in found.lines():
            typer.echo(line, nl=False)
