"""`knockwise quantify`: reads to a table of counts, by salmon or kallisto as they are installed."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.show.terminal import print_json, progress, results
from knowledge.errors import QuestionError

SCHEMA = "knockwise/quantified/1"
PLAN = "knockwise/quantify-plan/1"


class Tool(StrEnum):
    """What counts."""

    salmon = "salmon"
    kallisto = "kallisto"


def quantify(
    reads: Annotated[
        list[Path],
        typer.Argument(help="FASTQ files, or folders of them; mates and lanes by their names."),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    index: Annotated[
        Path | None, typer.Option(help="Index of salmon (a folder) or of kallisto (a file).")
    ] = None,
    transcripts: Annotated[
        Path | None, typer.Option(help="FASTA file of transcripts, to make an index of.")
    ] = None,
    tx2gene: Annotated[
        str | None,
        typer.Option(
            help="Table of transcript and gene for a matrix of genes; or the word headers: those "
            "of the FASTA file say it (Ensembl, GENCODE).",
        ),
    ] = None,
    tool: Annotated[Tool | None, typer.Option(help="What counts; what is installed.")] = None,
    trim: Annotated[
        bool | None,
        typer.Option("--trim/--no-trim", help="Trim with fastp first; if it is installed."),
    ] = None,
    fragment_length: Annotated[
        float | None, typer.Option(min=1, help="kallisto, single reads: mean length of fragments.")
    ] = None,
    fragment_sd: Annotated[
        float | None, typer.Option(min=0.1, help="kallisto, single reads: their deviation.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads that a program may use.")] = 2,
    yes: Annotated[bool, typer.Option("--yes", help="Run the plan; without, it is shown.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the plan and run nothing, whatever else is said."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Count reads per transcript and gene; the plan is shown first and run with --yes.

    Ctrl-C loses at most the sample at work: run the same command again to go on.
    """
    if (fragment_length is None) != (fragment_sd is None):
        raise QuestionError("Give --fragment-length and --fragment-sd together.")
    from tools.quantify.plan import how_to_install, planned
    from tools.quantify.reads import samples_of

    samples, notes = samples_of(reads)
    fragment = (fragment_length, fragment_sd) if fragment_length and fragment_sd else None
    plan = planned(
        samples,
        out,
        index=index,
        transcripts=transcripts,
        quantifier=tool.value if tool else None,
        trim=trim,
        threads=threads,
        fragment=fragment,
        notes=notes,
    )
    if dry_run or not yes:
        if as_json:
            print_json({"schema": PLAN, **plan.model_dump(mode="json")})
            return
        from app.jobs.quantification import plan_text

        results().print(plan_text(plan), soft_wrap=True, markup=False)
        if plan.missing:
            progress().print(how_to_install(plan.missing), style="yellow", soft_wrap=True)
        if not dry_run:
            progress().print("Nothing was run; the same command with --yes runs it.")
        return
    if plan.missing:
        raise QuestionError(how_to_install(plan.missing))
    from app.jobs.quantification import quantified, summary

    found = quantified(plan, out, transcripts, tx2gene)
    if as_json:
        print_json({"schema": SCHEMA, **found})
    else:
        results().print(summary(found), soft_wrap=True, markup=False)
