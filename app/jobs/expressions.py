"""The work behind `knockwise express`: genes grounded, files written, a table and its words."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from app.jobs.pairs import ground_genes, perturbing
from app.show.terminal import STYLES, plain, progress, results
from knowledge.errors import DataError, QuestionError
from knowledge.files import harmless_cell, replacing
from models.expression.checkpoint import Context
from models.expression.model import ExpressionModel, ExpressionResponse
from models.expression.screens import Genes, together
from models.inputs.genes import gene_symbols
from tools.expression import beside_sum, change_words, clear, counted, heading, most_changed

if TYPE_CHECKING:
    from agent.settings import Settings

DIGITS = 6
COLUMNS = {
    "gene": "Approved symbol of the gene, or the name of a readout that is none.",
    "change": "Change after the perturbation, in the unit of the context (`express --list`).",
    "low": "Low end of the 90 % interval.",
    "high": "High end of the 90 % interval.",
    "additive": "Sum of the changes of the single perturbations; only where several were asked.",
}
# What of a context is for users; the rest is how the model computes.
ABOUT = ("name", "description", "kind", "cell_line", "unit", "readouts")


def asked(
    model: ExpressionModel, pert: Sequence[str], context: str | None, settings: "Settings"
) -> ExpressionResponse:
    """Return the response to the genes in `pert`, each word a gene or several joined by commas.

    Raises:
        QuestionError: A word is no gene, or no context is named.
        KnockwiseError: The context is unknown, or the model knows nothing of a gene.
    """
    if context is None:
        known = ", ".join(one.name for one in model.contexts)
        raise QuestionError(f"Name a --context, one of {known}; --list says what they are.")
    chosen = model.context(context)
    return model.predict(_grounded(model, pert, settings, chosen.kind), chosen.name)


def _grounded(
    model: ExpressionModel, pert: Sequence[str], settings: "Settings", kind: str
) -> Genes:
    """Return the perturbed genes by their approved symbols."""
    words = [word for joined in pert for word in joined.replace("+", ",").split(",")]
    if not all(word.strip() for word in words):
        raise QuestionError(f"{plain(', '.join(pert))!r} names no gene in one place; write A,B.")
    symbols = gene_symbols(settings.data, model.genes)
    words = perturbing(symbols, words, kind)
    found = [ground_genes(symbols, word) for word in words]
    for word, genes in zip(words, found, strict=True):
        read = "+".join(genes)
        if word.strip().upper() != read.upper():
            progress().print(f"{plain(word)} is read as {read}.", style="yellow", markup=False)
    return together(gene for genes in found for gene in genes)


def rows_of(answer: ExpressionResponse) -> Iterator[dict[str, Any]]:
    """Iterate over the readouts with change and 90 % interval, and the sum where there is one."""
    columns = {"change": answer.change, "low": answer.low, "high": answer.high}
    if answer.additive is not None:
        columns["additive"] = answer.additive
    for i, gene in enumerate(answer.readouts):
        yield {"gene": gene, **{name: _short(values[i]) for name, values in columns.items()}}


def _short(value: np.floating[Any]) -> float:
    return float(f"{value:.{DIGITS}g}")


def csv_text(answer: ExpressionResponse) -> str:
    """Return every readout as CSV with a header."""
    rows = list(rows_of(answer))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "gene": harmless_cell(row["gene"])} for row in rows)
    return text.getvalue()


def save(answer: ExpressionResponse, version: str, out: Path) -> None:
    """Write `out` whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    try:
        with replacing(out) as draft:
            if out.suffix == ".h5ad":
                _write_h5ad(answer, version, draft)
            else:
                draft.write_text(csv_text(answer), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out} cannot be written ({error}); choose another --out.") from error


def _write_h5ad(answer: ExpressionResponse, version: str, path: Path) -> None:
    """Write one row named after the perturbation: change in X, intervals and sum in layers."""
    import pandas as pd
    from anndata import AnnData

    context = answer.context
    layers = {"low": answer.low[None], "high": answer.high[None]}
    if answer.additive is not None:
        layers["additive"] = answer.additive[None]
    about = {
        "perturbation": "+".join(answer.genes),
        "kind": context.kind,
        "context": context.name,
        "cell_line": context.cell_line,
        "seen_in_training": answer.seen,
    }
    AnnData(
        X=answer.change[None],
        obs=pd.DataFrame(about, index=pd.Index([about["perturbation"]])),
        var=pd.DataFrame(index=pd.Index(answer.readouts)),
        layers=layers,
        uns={"knockwise": {"unit": context.unit, "interval": 0.9, "model": version}},
    ).write_h5ad(path)


def as_record(answer: ExpressionResponse, version: str) -> dict[str, Any]:
    """Return the response and what it rests on as JSON has it."""
    compared = beside_sum(answer)
    return {
        "perturbation": list(answer.genes),
        "context": answer.context.model_dump(mode="json", include={*ABOUT}),
        "seen_in_training": answer.seen,
        "changes": list(rows_of(answer)),
        "beside_sum": compared
        and {
            "size": _short(np.float64(compared.size)),
            "correlation": _short(np.float64(compared.correlation)),
            "outside_intervals": compared.outside,
        },
        "neighbours": [
            {"perturbation": list(genes), "share": _short(np.float64(share))}
            for genes, share in answer.neighbours
        ],
        "model": version,
    }


def context_records(model: ExpressionModel) -> list[dict[str, Any]]:
    """Return the contexts as JSON has them, with every perturbation they measured."""
    return [
        one.model_dump(mode="json", include={*ABOUT, "perturbations"}) for one in model.contexts
    ]


def show_contexts(model: ExpressionModel) -> None:
    """Print what can be asked about."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for one in model.contexts:
        what = Text(f"{one.kind} in {plain(one.cell_line) or 'cells'}: {_counted(one)}, {one.unit}")
        what.append(f"\n{plain(one.description)}", style="dim")
        table.add_row(Text(one.name, style="bold"), what)
    results().print(table)


def _counted(context: Context) -> str:
    several = sum(len(genes) > 1 for genes in context.perturbations)
    single = len(context.perturbations) - several
    joint = f" and {several:,} combinations" if several else ""
    return f"{single:,} genes{joint} measured, {context.readouts:,} readouts"


def show(answer: ExpressionResponse, top: int) -> None:
    """Print the readouts that change most, and what the prediction rests on."""
    out = results()
    out.print(Text(heading(answer)), soft_wrap=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("Readout" if answer.context.unit == "latent" else "Gene", no_wrap=True)
    change = "Measured change" if answer.seen else "Change (90 % interval)"
    table.add_column(change, justify="right", no_wrap=True)
    if answer.additive is not None:
        table.add_column("Sum of singles", justify="right", no_wrap=True)
    coloured = clear(answer)
    for row in map(int, most_changed(answer, top)):
        way = "up" if answer.change[row] > 0 else "down"
        style = STYLES[way] if coloured[row] else ""
        cells = [Text(plain(answer.readouts[row])), Text(change_words(answer, row), style=style)]
        if answer.additive is not None:
            cells.append(Text(f"{answer.additive[row]:+.2f}"))
        table.add_row(*cells)
    out.print()
    out.print(table)
    if (more := len(answer.readouts) - top) > 0:
        out.print(f"{more:,} more with --out FILE or --json.", style="dim")
    if named := ", ".join(f"{name} {share:.0%}" for name, share in counted(answer)):
        out.print(Text(f"Measured responses that count most: {named}"))
