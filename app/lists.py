"""Lists of genes from Python and from a chat client: explained, sought after, and their causes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.pairs import ground_gene
from knowledge.errors import QuestionError

if TYPE_CHECKING:
    import pandas as pd

    from agent.session import Session
    from knowledge.schema import Direction, Likeness, Perturbation, PerturbationKind
    from tools.lists.design import Plan
    from tools.lists.listed import ResultList
    from tools.lists.ranking import Causes
    from tools.lists.rows import ListExplanation
    from tools.lists.search import SearchResult

DIGITS = 4


def result_of(
    session: "Session",
    changed: "str | Path | Mapping[str, float] | Sequence[str]",
    unchanged: Sequence[str] = (),
) -> "ResultList":
    """Return a result: a file or `"DDIT3+,LDLR-"`, words of that form, or genes with fold changes.

    Raises:
        QuestionError: It is empty, of no genes, or cannot be read.
    """
    from knowledge.user_tables.orthologues import human_of_mouse
    from tools.lists.results import listed, read_result

    symbols = session.knowledge.symbols

    def orthologues() -> Mapping[str, str]:
        return human_of_mouse(session.settings.data)

    if isinstance(changed, str | Path):
        return read_result(str(changed), symbols, orthologues=orthologues)
    words: Iterable[str] = changed
    if isinstance(changed, Mapping):
        words = [f"{gene}{'+' if change > 0 else '-'}" for gene, change in changed.items()]
    return listed(list(words), symbols, unchanged, orthologues)


def explained_list(
    session: "Session", perturbation: "Perturbation", result: "ResultList"
) -> "ListExplanation":
    """Return why the genes of a result changed, beside controls."""
    from tools.lists.explanation import explained

    return explained(session.predictor, perturbation, result)


def causes_of(
    session: "Session", result: "ResultList", cell_line: str, sought: str, top: int
) -> "Causes":
    """Return the losses or gains that would produce a result, the likeliest first."""
    from tools.lists.ranking import causes, library_of

    library = library_of(session.predictor, session.settings.data)
    return causes(session.predictor, library, result, cell_line, sought, top)  # type: ignore[arg-type]  # checked by both front doors


def found_perturbations(
    session: "Session",
    readouts: Sequence[str],
    cell_line: str,
    direction: "Direction | None",
    kind: "PerturbationKind",
    top: int,
) -> "SearchResult":
    """Return the perturbations that move readouts the wanted way, specific ones first."""
    from tools.lists.atlas import atlas_of
    from tools.lists.search import found

    symbols, data = session.knowledge.symbols, session.settings.data
    genes = tuple(dict.fromkeys(ground_gene(symbols, word) for word in readouts))
    atlas = atlas_of(data, session.predictor.response)
    return found(session.predictor, atlas, genes, cell_line, direction, kind, top, data)


def alike_perturbations(
    session: "Session", gene: str, cell_line: str, *, opposite: bool, top: int
) -> "tuple[list[Likeness], int]":
    """Return the losses whose consequences are like a gene's loss, or opposite; and of how many."""
    from knowledge.schema import Perturbation
    from tools.likeness import alike
    from tools.lists.atlas import atlas_of

    predictor = session.predictor
    symbol = ground_gene(session.knowledge.symbols, gene)
    one = Perturbation(genes=(symbol,), kind="knockdown", cell_line=cell_line)
    atlas = atlas_of(session.settings.data, predictor.response)
    return alike(predictor, one, opposite=opposite, limit=top, atlas=atlas)


def alike_words(gene: str, cell_line: str, *, opposite: bool, compared: int) -> str:
    """Return what a search for likenesses looked for, as a heading."""
    word = "opposite" if opposite else "same"
    return (
        f"Losses with the {word} consequences as that of {gene} in {cell_line}, of {compared:,} "
        "compared"
    )


def line_of(session: "Session", cell_line: str | None) -> str:
    """Return the name of a cell line, of the usual one for none."""
    lines = session.knowledge.cell_lines
    return lines.ground(cell_line or lines.default.name).name


def set_named(session: "Session", words: str) -> tuple[str, ...] | None:
    """Return the members of the set that words name, None where they name none."""
    name = " ".join(words.split()).casefold()
    for one in session.knowledge.gene_sets:
        if name in (one.id.casefold(), one.name.casefold(), one.id.partition(":")[2].casefold()):
            return one.members
    return None


def plan_notes(found: "Plan", fold: float, molecules: float) -> list[str]:
    """Return what to be careful of in a plan, its controls, and how many cells it needs.

    Args:
        found: The plan.
        fold: Fold change that is to be seen.
        molecules: Of the readout, per cell.
    """
    from tools.lists.assay import cells_needed

    cells = cells_needed(fold, molecules)
    return [
        *found.notes,
        f"Positive controls (measured): {', '.join(found.positive) or 'none measured'}.",
        f"Negative controls: non-targeting guides, and {', '.join(found.negative) or 'none'} "
        "(knocked down in the screen, and nothing that was read moved).",
        f"{cells:,} cells a perturbation show a {fold:g}-fold change of a readout of {molecules:g} "
        "molecules a cell with a power of 0.8 (Hart 2013; plan more where guides fail).",
    ]


def found_rows(search: "SearchResult") -> list[dict[str, Any]]:
    """Return what a search found as rows."""
    return [
        {
            "perturbation": one.gene,
            "kind": search.kind,
            "cell_line": search.cell_line,
            "gene": "+".join(search.readouts),
            "call": one.call,
            "p_de": _short(one.p_de),
            "p_up": _short(one.p_up),
            "moved": one.moved,
            "measured": one.measured,
            "breadth": _short(one.breadth),
            "essential": _short(one.essential),
            "path": one.path.words if one.path else "",
            "notes": "; ".join(one.notes),
        }
        for one in search.rows
    ]


def alike_rows(found: "Sequence[Likeness]", cell_line: str) -> list[dict[str, Any]]:
    """Return perturbations that are like another as rows."""
    return [
        {
            "perturbation": one.gene,
            "kind": "knockdown",
            "cell_line": cell_line,
            "likeness": one.likeness,
            "same": one.same if one.measured else None,
            "opposite": one.opposite if one.measured else None,
            "readouts": one.readouts,
            "known_by": "measurement" if one.measured else "prediction",
        }
        for one in found
    ]


def cause_rows(found: "Causes") -> list[dict[str, Any]]:
    """Return causes as rows."""
    return [
        {
            "perturbation": one.gene,
            "kind": "knockdown" if one.way == "loss" else "activation",
            "cell_line": found.cell_line,
            "score": _short(one.score),
            "p": one.p,
            "predicted": _short(one.predicted),
            "measured": _short(one.measured),
            "measured_in": "; ".join(one.measured_in),
            "footprint": _short(one.footprint),
            "agreeing": one.agreeing,
            "opposing": one.opposing,
            "complexes": "; ".join(one.complexes),
            "path": "; ".join(path.words for path in one.paths),
        }
        for one in found.rows
    ]


def explain(
    changed: "str | Path | Mapping[str, float] | Sequence[str]",
    perturbation: str | Sequence[str],
    *,
    cell_line: str | None = None,
    kind: "PerturbationKind" = "knockout",
    unchanged: Sequence[str] = (),
    session: "Session | None" = None,
) -> "pd.DataFrame":
    """Return why genes changed: a row per gene with verdict, path and what had been expected.

    `attrs` holds the headline, the controls and notes.

    Args:
        changed: A file of results, `"DDIT3+,LDLR-"`, a list of such words, or gene -> fold change.
        perturbation: What was perturbed.
        cell_line: By default the line that `ask` assumes.
        kind: What was done.
        unchanged: Genes that were tested and did not change, where `changed` is no table.
        session: Instead of the one of the settings.

    Raises:
        QuestionError: It is no result, or no gene.
    """
    import pandas as pd

    from app.api import open_session, perturbation_of
    from app.show.lists import control_rows, explanation_rows, headline

    session = session or open_session()
    one = perturbation_of(perturbation, cell_line, kind, session=session)
    found = explained_list(session, one, result_of(session, changed, unchanged))
    table = pd.DataFrame(explanation_rows(found))
    controls = {what: f"{figure} ({beside})" for what, figure, beside in control_rows(found)}
    table.attrs = {
        "headline": headline(found), "controls": controls, "notes": list(found.notes)
    }  # fmt: skip
    return table


def who(
    changed: "str | Path | Mapping[str, float] | Sequence[str]",
    *,
    cell_line: str | None = None,
    sought: str = "either",
    top: int = 20,
    session: "Session | None" = None,
) -> "pd.DataFrame":
    """Return the perturbations that would produce a list, the likeliest first.

    Raises:
        QuestionError: It is no result, or `sought` is not loss, gain or either.
    """
    import pandas as pd

    from app.api import open_session

    if sought not in ("loss", "gain", "either"):
        raise QuestionError(f"{sought!r} cannot be sought; write loss, gain or either.")
    session = session or open_session()
    line = line_of(session, cell_line)
    found = causes_of(session, result_of(session, changed), line, sought, top)
    table = pd.DataFrame(cause_rows(found))
    table.attrs = {"notes": list(found.notes)}
    return table


def find(
    readouts: str | Sequence[str],
    direction: "Direction | None" = None,
    *,
    cell_line: str | None = None,
    kind: "PerturbationKind" = "knockdown",
    top: int = 20,
    session: "Session | None" = None,
) -> "pd.DataFrame":
    """Return the perturbations that move a gene, or most of several, specific ones first.

    Raises:
        QuestionError: A word is no gene, or the direction is neither up nor down.
    """
    import pandas as pd

    from app.api import open_session

    if direction not in (None, "up", "down"):
        raise QuestionError(f"{direction!r} is no direction; write up, down or None.")
    session = session or open_session()
    genes = [readouts] if isinstance(readouts, str) else list(readouts)
    line = line_of(session, cell_line)
    found = found_perturbations(session, genes, line, direction, kind, top)
    table = pd.DataFrame(found_rows(found))
    table.attrs = {"notes": list(found.notes), "searched": found.searched}
    return table


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
