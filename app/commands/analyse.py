"""`knockwise analyse`: from counts and a design to a report whose every sentence is checked."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.predict import Kind
from app.show.terminal import (
    Interrupted,
    plain,
    print_json,
    progress,
    results,
    settings,
)
from knowledge.errors import QuestionError

MOST_TOLD = 12
NONE = "none"


def analyse(
    counts: Annotated[
        Path,
        typer.Argument(
            help="Counts: a table, featureCounts, a folder of salmon or kallisto folders, an h5ad. "
            "Or the folder of an analysis, to --ask.",
        ),
    ],
    design: Annotated[
        Path | None,
        typer.Option(help="Table with a row for each sample; not needed for an h5ad that has it."),
    ] = None,
    contrast: Annotated[
        str | None,
        typer.Option(help="What is compared: 'tumour against normal', 'tissue: tumour vs normal'."),
    ] = None,
    formula: Annotated[
        str | None, typer.Option(help="Design as DESeq2 writes it: '~ batch + treatment'.")
    ] = None,
    pair: Annotated[
        str | None,
        typer.Option(help="Column that pairs samples; found by itself, 'none' compares unpaired."),
    ] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="Column whose effect is taken out; may be repeated.")
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Sample that is not used; may be repeated.")
    ] = None,
    pert: Annotated[
        list[str] | None,
        typer.Option(help="Gene perturbed in the group of interest; its paths explain changes."),
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What was done to it.")] = Kind.knockout,
    cell_line: Annotated[
        str | None, typer.Option(help="Cell line whose networks the paths are followed in.")
    ] = None,
    transcripts: Annotated[
        Path | None, typer.Option(help="For salmon and kallisto: table of transcript and gene.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Of an h5ad: the layer of raw counts.")] = None,
    sample: Annotated[
        str | None, typer.Option(help="Of single cells: the column of obs that names samples.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Of single cells: the column of obs that names cell types or clusters."),
    ] = None,
    of: Annotated[
        str | None, typer.Option(help="Of single cells: the one cluster that is compared.")
    ] = None,
    trajectory: Annotated[
        bool, typer.Option("--trajectory", help="Of single cells: order them by pseudotime too.")
    ] = False,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Adjusted p-value up to which a gene changed.")
    ] = 0.05,
    least_effect: Annotated[
        float, typer.Option(min=0, help="Size of log2 fold change from which it did.")
    ] = 0.0,
    least_counts: Annotated[
        int, typer.Option(min=0, help="Features with fewer counts in all are left out.")
    ] = 10,
    ask: Annotated[
        list[str] | None,
        typer.Option(help="A question of the result: 'is NRF2 active?'; may be repeated."),
    ] = None,
    narrate: Annotated[
        bool,
        typer.Option(
            "--narrate", help="Let the language model write the summary anew, checked by sentence."
        ),
    ] = False,
    base_url: Annotated[
        str | None, typer.Option(help="Address of the language model's OpenAI-compatible server.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Its model.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes of the test.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the analysis; the same command again goes on in it. "
            "By default named after the counts.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Test counts, and tell what changed in a report that cites a row for every sentence.

    The folder holds report.html, report.md, tables, pictures, methods and a notebook.
    """
    llm = {name: one for name, one in (("base_url", base_url), ("model", model)) if one is not None}
    chosen = settings(llm=llm or None)
    if (counts / "run.json").is_file():
        _answer(counts, ask or (), as_json=as_json)
        return
    from app.jobs.analyses import SCHEMA
    from app.jobs.analyses import analyse as analysed
    from app.jobs.pairs import ground_genes, split_perturbations
    from app.show.progress import progress_bar
    from knowledge.base import load_symbols
    from models.threads import yield_cores
    from tools.counts.contrast import Wanted
    from tools.counts.reading import Cells, Request

    if not counts.exists():
        raise QuestionError(f"{counts} is no file or folder; name a table of counts.")
    if narrate and not chosen.llm.base_url:
        raise QuestionError(
            "--narrate needs a language model: name its server with --base-url, or leave it out; "
            "the report is written without one."
        )
    yield_cores()
    perturbed: tuple[str, ...] = ()
    if pert:
        symbols = load_symbols(chosen.data)
        named = [ground_genes(symbols, one) for one in split_perturbations(pert)]
        perturbed = tuple(dict.fromkeys(gene for several in named for gene in several))
    request = Request(
        counts=counts,
        design=design,
        wanted=Wanted(
            contrast=contrast,
            formula=formula,
            pair="" if pair == NONE else pair,
            batch=tuple(batch or ()),
            leave_out=tuple(leave_out or ()),
        ),
        perturbed=perturbed,
        kind=kind.value,
        cell_line=cell_line or "",
        transcripts=transcripts,
        layer=layer,
        cells=Cells(sample=sample, cluster=cluster, of=of, trajectory=trajectory),
        alpha=alpha,
        least_effect=least_effect,
        least_counts=least_counts,
        jobs=jobs,
    )
    folder = out or Path(f"{counts.name.split('.')[0] or 'counts'}-analysis")
    from app.jobs.narration import rewriter

    try:
        with progress_bar() as told:
            whole = analysed(request, folder, chosen, told, rewriter(chosen) if narrate else None)
    except KeyboardInterrupt:
        raise Interrupted(
            "Interrupted; the same command goes on with the stages that were finished."
        ) from None
    from app.show.analysis import bare

    confirmed = sum(one.confirmed for one in whole.verdicts)
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "folder": str(folder),
                "versions": whole.run["versions"],
                "words": whole.found.design.words,
                "formula": whole.found.design.formula,
                "summary": whole.told.summary,
                "checks": [one.model_dump() for one in whole.found.checks],
                "findings": [one.model_dump() for one in whole.told.findings],
                "expected": whole.told.expected,
                "notes": whole.found.notes,
                "sentences": {"confirmed": confirmed, "of": len(whole.verdicts)},
            }
        )
        return
    console = results()
    for text in whole.told.summary:
        console.print(plain(bare(text)), markup=False, soft_wrap=True)
    console.print()
    for number, one in enumerate(whole.told.findings[:MOST_TOLD], 1):
        said = plain(f"{number:>3}. {bare(one.sentences[0])}")
        console.print(said, markup=False, soft_wrap=True)
    if len(whole.told.findings) > MOST_TOLD:
        console.print(f"     {len(whole.told.findings) - MOST_TOLD} more are in the report.")
    for check in whole.found.checks:
        if check.level != "remark":
            console.print(plain(check.text), style="yellow", markup=False, soft_wrap=True)
    for note in whole.found.notes:
        progress().print(plain(note), style="yellow", markup=False, soft_wrap=True)
    for question in ask or ():
        console.print()
        _answer(folder, [question], as_json=False)
    console.print()
    console.print(
        f"{confirmed:,} of {len(whole.verdicts):,} sentences are confirmed by the tables."
    )
    typer.echo(folder / "report.html")


def _answer(folder: Path, questions: "list[str] | tuple[str, ...]", *, as_json: bool) -> None:
    """Answer questions of a finished analysis from its tables."""
    from app.show.analysis import bare
    from knowledge.base import load_symbols
    from tools.counts.questions import answered

    if not questions:
        raise QuestionError(
            f"{folder} is a finished analysis; ask it something with --ask 'is NRF2 active?'."
        )
    symbols = load_symbols(settings().data)
    found = [answered(folder, one, symbols) for one in questions]
    if as_json:
        print_json(
            {
                "schema": "knockwise/analysis-answers/1",
                "folder": str(folder),
                "rows": [one.model_dump() for one in found],
            }
        )
        return
    for one in found:
        for text in one.sentences:
            results().print(plain(bare(text)), markup=False, soft_wrap=True)
