"""The work behind `knockwise phenotype`: sequences read, files written, tables and their words."""

import csv
import gzip
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from app.jobs.pairs import ground_gene
from app.show.progress import Told, progress_bar
from app.show.terminal import plain, progress, results
from knowledge.errors import DataError, KnockwiseError, QuestionError
from knowledge.files import harmless_cell, replacing
from models.genepheno.model import GenePhenoModel, PhenotypePrediction
from models.genepheno.sequences import Query, named_genes, read_fasta
from models.inputs.genes import gene_symbols
from tools.morphology import shipped_morphology, summary
from tools.phenotype_terms import by_system, share_words, telling
from tools.phenotypes import ABOUT, USUAL, Asked, observed, predictions_of, remarks

if TYPE_CHECKING:
    from agent.settings import Settings

COLUMNS = {
    "id": "Approved symbol of the gene, or the sequence's name in the FASTA file.",
    "collection": "`mp`, `hpo`, `komp` or `gwas`: where the term comes from.",
    "term": "Identifier of the phenotype.",
    "name": "Its name.",
    "probability": "That losing the gene causes it, as the model predicts from the sequence.",
}
DIGITS = 6
BATCH = 64
"""Sequences predicted at a time."""
MOST_SHOWN = 10
"""Sequences of a file that fit on a screen; more go to a file."""
MOST_COMPLAINTS = 5
NAMED = 3
"""Known phenotypes that are named of each system."""
FUNCTIONS = 3
NEIGHBOURS = 3
RESEARCH = "For research; no medical advice."


def asked(model: GenePhenoModel, word: str, settings: "Settings") -> str:
    """Return the approved symbol of the gene that `word` means.

    Raises:
        QuestionError: It means no gene, or several.
    """
    gene = ground_gene(gene_symbols(settings.data, model.genes), word)
    if word.strip().upper() != gene.upper():
        progress().print(f"{plain(word)} is read as {gene}.", style="yellow", markup=False)
    return gene


def tell_genes(found: Sequence[Query], model: GenePhenoModel, settings: "Settings") -> None:
    """Say which sequences are named after a gene, of which more is known than a sequence tells."""
    labels = named_genes(found, gene_symbols(settings.data, model.genes))
    genes = dict.fromkeys(one.genes[0] for one in labels if len(one.genes) == 1)
    lines = [f"{one.problem}." for one in labels if one.problem.endswith(("Excel", "?"))]
    if genes:
        shown = ", ".join(list(genes)[:NAMED]) + (" ..." if len(genes) > NAMED else "")
        count = sum(len(one.genes) == 1 for one in labels)
        lines.append(
            f"{count:,} of {len(labels):,} names are genes ({shown}); `knockwise phenotype "
            f"{next(iter(genes))}` shows what is known of one."
        )
    for line in lines[:MOST_COMPLAINTS]:
        progress().print(plain(line), style="yellow", markup=False, soft_wrap=True)


def usual(model: GenePhenoModel) -> tuple[Asked, ...]:
    """Return what is shown unless something else is asked for, as far as the model has it."""
    known = tuple(name for name in ABOUT if name in model.collections)
    return tuple(name for name in USUAL if name in known) or known


def queries(path: Path) -> tuple[Query, ...]:
    """Return the sequences of a file that can be predicted, and complain about the others.

    Raises:
        DataError: It cannot be read, or holds none.
    """
    found = read_fasta(path)
    said = [f"{one.identifier} {one.problem}; it is left out." for one in found if one.problem]
    said += [f"{one.identifier}: {note}." for one in found if not one.problem for note in one.notes]
    for line in said[:MOST_COMPLAINTS]:
        progress().print(plain(line), style="yellow", markup=False)
    if (more := len(said) - MOST_COMPLAINTS) > 0:
        progress().print(f"{more:,} more such remarks.", style="yellow")
    return tuple(one for one in found if not one.problem)


class Writer:
    """Writes a row for every sequence and term.

    Args:
        model: Who predicts.
        collections: Which terms; all that the model has if there are none.
        top: How many of each sequence and collection, the likeliest first; all, in the order of
            the vocabulary, if left out.
    """

    def __init__(
        self, model: GenePhenoModel, collections: Sequence[Asked] = (), top: int | None = None
    ) -> None:
        known = tuple(name for name in ABOUT if name in model.collections)
        self._model, self._top = model, top
        self._collections = tuple(collections) or known
        self._tails = {
            name: [_line(name, *pair) for pair in _pairs(model, name)] for name in self._collections
        }

    def write(self, subject: "str | Sequence[Query]", out: Path) -> None:
        """Write a gene, or sequences, to a file whole or not at all; `-` is stdout.

        Raises:
            DataError: It cannot be written.
            UnknownGeneError: Nothing can be predicted of the gene.
        """
        if str(out) == "-":
            self._rows(subject, sys.stdout, lambda what, share: None)
            return
        try:
            with progress_bar() as told, replacing(out) as draft, _opened(draft, out) as file:
                count = self._rows(subject, file, told)
        except OSError as error:
            raise DataError(f"{out} cannot be written ({error}); choose another --out.") from error
        progress().print(f"{count:,} rows written to {out}.", soft_wrap=True)

    def _rows(self, subject: "str | Sequence[Query]", file: TextIO, told: Told) -> int:
        header = ",".join(COLUMNS) + "\n"
        if isinstance(subject, str):
            predicted = predictions_of(self._model, subject, self._collections)
            file.write(header)
            return sum(
                self._write(subject, _name(one), one.probabilities, file) for one in predicted
            )
        file.write(header)
        count = 0
        for start in range(0, len(subject), BATCH):
            told(f"{start:,} of {len(subject):,} sequences", start / len(subject))
            part = subject[start : start + BATCH]
            found = self._model.probabilities([one.sequence for one in part])
            for row, query in enumerate(part):
                for name in self._collections:
                    count += self._write(query.identifier, name, found[name][row], file)
        told("done", 1.0)
        return count

    def _write(
        self, name: str, collection: Asked, probabilities: NDArray[np.float32], file: TextIO
    ) -> int:
        head, tails = _field(name), self._tails[collection]
        values = probabilities.tolist()
        rows: Sequence[int] = range(len(values))
        if self._top is not None:
            rows = np.argsort(-probabilities, kind="stable")[: self._top].tolist()
        file.write("".join(f"{head},{tails[row]}{values[row]:.{DIGITS}g}\n" for row in rows))
        return len(rows)


def _opened(draft: Path, out: Path) -> Any:  # noqa: ANN401  # gzip's text wrapper has no own type
    if out.suffix == ".gz":
        return gzip.open(draft, "wt", encoding="utf-8", compresslevel=4)
    return draft.open("w", encoding="utf-8")


def _pairs(model: GenePhenoModel, collection: Asked) -> Iterator[tuple[str, str]]:
    vocabulary = model.vocabulary(collection)
    return zip(vocabulary.terms, vocabulary.names, strict=True)


def _line(*fields: str) -> str:
    return "".join(f"{_field(one)}," for one in fields)


def _field(text: str) -> str:
    """Return one field of a CSV file, quoted where it must be."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([harmless_cell(text)])
    return line.getvalue()


def records(
    model: GenePhenoModel,
    subject: "str | Sequence[Query]",
    collections: Sequence[Asked],
    top: int,
) -> dict[str, Any] | list[dict[str, Any]]:
    """Return a gene, or a list of sequences, as JSON has them: every term, `top` explained."""
    if not isinstance(subject, str):
        return [
            {
                "sequence": query.identifier,
                "notes": list(query.notes),
                "predicted": [
                    _record(model, model.predict(query.sequence, name), top) for name in collections
                ],
                "model": model.version,
            }
            for query in subject
        ]
    known = observed(model, subject, collections)
    found, problem = _found(model, subject, collections)
    return {
        "gene": subject,
        "known": [
            {
                "collection": name,
                "phenotypes": [
                    {"term": term, "name": label}
                    for term, label in _pairs(model, name)
                    if term in terms
                ],
            }
            for name, terms in known.items()
        ],
        "predicted": [_record(model, one, top) for one in found],
        "notes": [*problem, *remarks(subject, known, found)],
        "model": model.version,
    }


def _record(model: GenePhenoModel, prediction: PhenotypePrediction, top: int) -> dict[str, Any]:
    order = np.argsort(-prediction.probabilities, kind="stable")
    return {
        "collection": prediction.collection,
        "basis": prediction.basis,
        "phenotypes": [
            {
                "term": prediction.terms[row],
                "name": prediction.names[row],
                "probability": _short(prediction.probabilities[row]),
                "share_of_genes": _short(prediction.priors[row]),
            }
            for row in order
        ],
        "explained": [
            {
                "term": prediction.terms[row],
                "functions": [
                    {
                        "go": one.go,
                        "name": one.name,
                        "activation": _short(one.activation),
                        "weight": _short(one.weight),
                    }
                    for one in prediction.functions(row, FUNCTIONS)
                ],
            }
            for row in telling(prediction, model.vocabulary(prediction.collection), top)
        ],
        "similar_sequences": [
            {"gene": one.gene, "species": one.species, "identity": _short(one.identity)}
            for one in prediction.neighbours
        ],
    }


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{value:.{DIGITS}g}")


def _found(
    model: GenePhenoModel, gene: str, collections: Sequence[Asked]
) -> tuple[tuple[PhenotypePrediction, ...], list[str]]:
    """Return the predictions, or why there are none."""
    from models.inputs.genes import UnknownGeneError

    try:
        return predictions_of(model, gene, collections), []
    except UnknownGeneError as error:
        return (), [f"Nothing is predicted: {error}"]


def show(model: GenePhenoModel, gene: str, collections: Sequence[Asked], top: int) -> None:
    """Print what is known of a gene, and apart from it what is predicted.

    Raises:
        KnockwiseError: There is neither.
    """
    known = observed(model, gene, collections)
    found, problem = _found(model, gene, collections)
    if not known and not found:
        raise KnockwiseError(problem[0])
    for name in collections:
        _show_known(model, name, known.get(name))
    for one in found:
        _show_predicted(model, one, gene, top)
    _show_behind(found)
    for note in (*problem, *remarks(gene, known, found), *_looks(gene), RESEARCH):
        results().print(Text(plain(note), style="dim"))


def _looks(gene: str) -> tuple[str, ...]:
    """Return how cells look without a gene, where it was photographed and something changed."""
    try:
        found = shipped_morphology().of(gene)
    except KnockwiseError:
        return ()
    if not found.hit:
        return ()
    return (f"{summary(found)} `knockwise morphology {gene}` tells more.",)


def shown_queries(
    model: GenePhenoModel, found: Sequence[Query], collections: Sequence[Asked], top: int
) -> None:
    """Print what is predicted of each of a few sequences.

    Raises:
        QuestionError: They are too many for a screen.
    """
    if len(found) > MOST_SHOWN:
        raise QuestionError(
            f"{len(found):,} sequences are too many for a screen; give a file with --out FILE.csv."
        )
    for query in found:
        predictions = [model.predict(query.sequence, name) for name in collections]
        for one in predictions:
            _show_predicted(model, one, query.identifier, top)
        _show_behind(predictions)
    results().print(Text(RESEARCH, style="dim"))


def _show_known(model: GenePhenoModel, name: Asked, terms: tuple[str, ...] | None) -> None:
    out = results()
    if terms is None:
        out.print(Text(f"Nothing is known in {ABOUT[name]}.", style="bold"))
        out.print()
        return
    out.print(Text(f"Known in {ABOUT[name]}: {len(terms):,}", style="bold"))
    names = dict(_pairs(model, name))
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=36)
    table.add_column(justify="right")
    table.add_column()
    for system, members in by_system(model.vocabulary(name), terms).items():
        more = ", ..." if len(members) > NAMED else ""
        said = ", ".join(names[term] for term in members[:NAMED])
        table.add_row(plain(system) or "other", f"{len(members):,}", Text(plain(said) + more))
    out.print(table)
    out.print()


def _show_predicted(
    model: GenePhenoModel, prediction: PhenotypePrediction, subject: str, top: int
) -> None:
    out = results()
    where = ABOUT[_name(prediction)]
    title = f"Predicted for {plain(subject)} from its {prediction.basis}, in {where}"
    out.print(Text(title, style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("Phenotype")
    table.add_column("P", justify="right", no_wrap=True)
    table.add_column("All genes", justify="right", no_wrap=True)
    table.add_column("Through")
    for row in telling(prediction, model.vocabulary(prediction.collection), top):
        carried = "; ".join(one.name for one in prediction.functions(row, FUNCTIONS))
        table.add_row(
            Text(plain(f"{prediction.names[row]} ({prediction.terms[row]})")),
            f"{prediction.probabilities[row]:.2f}",
            share_words(float(prediction.priors[row])),
            Text(plain(carried), style="dim"),
        )
    out.print(table if table.rows else Text("Nothing beyond what most genes cause.", style="dim"))
    out.print()


def _show_behind(predictions: Sequence[PhenotypePrediction]) -> None:
    near = predictions[0].neighbours[:NEIGHBOURS] if predictions else ()
    if near:
        said = ", ".join(f"{one.gene} ({one.species}, {one.identity:.0%})" for one in near)
        results().print(Text(f"Most similar sequences: {plain(said)}"))


def _name(prediction: PhenotypePrediction) -> Asked:
    return next(one for one in ABOUT if one == prediction.collection)
