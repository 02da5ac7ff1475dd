"""What is laid side by side: perturbations, lines, doubles and their singles, people's tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.lists import line_of, result_of
from knowledge.errors import QuestionError

if TYPE_CHECKING:
    import pandas as pd

    from agent.session import Session
    from knowledge.schema import Call, Perturbation, PerturbationKind
    from models.expression.model import ExpressionResponse
    from models.expression.screens import FloatArray
    from tools.compared import Comparison, Role, Unit
    from tools.comparison import SideOf
    from tools.lists.listed import ResultList

DIGITS = 4
OWN_CELLS = "A table is of your cells, the prediction beside it of the line that is named."
IN_CONTEXT = "A context of `express`, such as norman, measured some pairs: compare there."


def comparison_of(
    session: "Session",
    words: Sequence[str],
    *,
    cell_lines: Sequence[str] = (),
    kind: "PerturbationKind" = "knockdown",
    tables: Sequence["ResultList"] = (),
    readouts: Sequence[str] = (),
    context: str | None = None,
    top: int = 1000,
) -> "Comparison":
    """Return perturbations, lines and tables laid side by side.

    A double with its singles, or alone, is set beside what independence would give.

    Args:
        session: What is known.
        words: Perturbations: a gene each, or genes perturbed together as `A+B`.
        cell_lines: Each perturbation is predicted in each of them; the usual line by default.
        kind: What is done to the genes.
        tables: Measured results, as further sides.
        readouts: Genes to read; by default whatever some side changes.
        context: A screen of `express`, whose changes are compared instead of probabilities.
        top: How many readouts at most.

    Raises:
        QuestionError: There are not two sides, or too many, or a word is no gene.
    """
    from app.jobs.pairs import ground_gene
    from tools.comparison import MOST_SIDES, PAIR_PREDICTED, compared, predicted_sides

    symbols = session.knowledge.symbols
    read = tuple(dict.fromkeys(ground_gene(symbols, word) for word in readouts))
    if context is not None:
        if tables or cell_lines:
            raise QuestionError("A context is compared by itself: leave lines and tables away.")
        sides, unit, notes = _expressed(session, words, context)
        return compared(sides, unit, read, notes, top)
    ways = ways_of(session, words, cell_lines, kind)
    sides = predicted_sides(session.predictor, ways)
    notes = [PAIR_PREDICTED, IN_CONTEXT] if any(len(one.genes) > 1 for one in ways) else []
    if tables:
        sides += [_table(one) for one in tables]
        notes.append(OWN_CELLS)
        notes += [note for one in tables for note in one.notes]
    if len(sides) < 2:  # two sides make a comparison
        raise QuestionError(
            "Name two things to compare: two perturbations, two --cell-line, a double such as "
            "A+B, or a --table beside a perturbation."
        )
    if len(sides) > MOST_SIDES:
        raise QuestionError(f"{len(sides)} sides are too many to read; compare {MOST_SIDES}.")
    return compared(sides, "P(changes), signed", read, notes, top)


def ways_of(
    session: "Session",
    words: Sequence[str],
    cell_lines: Sequence[str] = (),
    kind: "PerturbationKind" = "knockdown",
) -> "list[Perturbation]":
    """Return every perturbation in every line; of one double alone, its singles before it.

    Raises:
        QuestionError: A word is no gene, or the line is unknown.
    """
    from app.api import perturbation_of
    from tools.comparison import with_singles

    lines = list(dict.fromkeys(line_of(session, word) for word in cell_lines or (None,)))
    named = [perturbation_of(word, lines[0], kind, session=session) for word in words]
    named = list({frozenset(one.genes): one for one in named}.values())
    if len(named) == 1 and len(lines) == 1 and len(named[0].genes) > 1:
        named = with_singles(named[0])
    return [one.model_copy(update={"cell_line": line}) for one in named for line in lines]


def _table(result: "ResultList") -> "SideOf":
    """Return a measured result as a side: 1 up, -1 down, 0 unchanged.

    Raises:
        QuestionError: It says no directions.
    """
    from tools.comparison import SideOf, Told

    if result.kind == "perturbed":
        raise QuestionError(
            f"{result.source} names perturbed genes, not measured ones; `knockwise explain` reads "
            "the hits of a screen."
        )
    told = {}
    for one in result.genes:
        if not one.known or one.state == "between":
            continue
        call: Call = "unchanged"
        if one.state == "changed":
            call = one.direction or "unknown"
        value = {"up": 1.0, "down": -1.0, "unchanged": 0.0}.get(call)
        size = abs(one.effect) if one.effect is not None else 1.0
        told[one.gene] = Told(value=value, call=call, specific=size if value else 0.0)
    if not any(one.value for one in told.values()):
        raise QuestionError(
            f"No gene of {result.source} changed with a direction at this threshold; raise "
            "--alpha, or look at the table."
        )
    return SideOf(label=result.source, role="measured", told=told)


def _expressed(
    session: "Session", words: Sequence[str], context: str
) -> "tuple[list[SideOf], Unit, list[str]]":
    """Return responses of `express` as sides, a double beside the sum of its singles.

    Raises:
        QuestionError: There are not two sides.
        KnockwiseError: The context is unknown, or the model knows nothing of a gene.
    """
    from tools.expression import shipped_expression, sum_words

    model = shipped_expression()
    chosen = model.context(context)
    least = model.large(chosen)
    sides, notes = [], list[str]()
    for one in ways_of(session, words, (), chosen.kind):
        found = model.predict(tuple(sorted(one.genes)), chosen.name)
        name, where = "+".join(found.genes), chosen.cell_line
        label = f"{name}, {'measured' if found.seen else 'predicted'}"
        role: Role = "measured" if found.seen else "predicted"
        sides.append(_response(label, role, found, found.change, least, where))
        if found.additive is not None:
            label = f"{name}, sum of singles"
            sides.append(_response(label, "expected", found, found.additive, least, where))
            notes.append(f"{name}: {sum_words(found)}")
    if len(sides) < 2:
        raise QuestionError("Name two perturbations, or a double such as A+B.")
    notes.append(
        f"{(chosen.description or chosen.name).rstrip('.')}: a change counts from {least:.2g} on, "
        "which one in twenty of its measured ones exceeds. On this scale independence is a sum."
    )
    return sides, "log2 fold change" if chosen.unit == "log2 fold change" else "change", notes


def _response(
    label: str,
    role: "Role",
    found: "ExpressionResponse",
    values: "FloatArray",
    least: float,
    cell_line: str,
) -> "SideOf":
    from tools.comparison import SideOf, Told

    told = {}
    for gene, number in zip(found.readouts, values, strict=True):
        if gene not in found.genes:
            value = float(number)
            call: Call = "unchanged" if abs(value) < least else "up" if value > 0 else "down"
            told[gene] = Told(value=value, call=call, specific=abs(value))
    return SideOf(label=label, role=role, told=told, genes=found.genes, cell_line=cell_line)


def comparison_rows(found: "Comparison") -> list[dict[str, Any]]:
    """Return a row per readout: a value and a call of every side."""
    rows = []
    for row in found.rows:
        cells: dict[str, Any] = {"gene": row.gene, "pattern": row.pattern}
        told = zip(found.columns, row.values, row.calls, row.subtle, strict=True)
        for side, value, call, faint in told:
            cells[side.label] = None if value is None else round(value, DIGITS)
            cells[f"{side.label}: call"] = f"{call}, direction only" if faint else call
        rows.append(cells)
    return rows


def compared_words(found: "Comparison") -> str:
    """Return what a comparison says in a sentence or two."""
    first, second = found.pairs[0].first, found.pairs[0].second
    one = found.pairs[0]
    said = (
        f"{found.changed:,} readouts change on some side. {first} and {second} have {one.common:,} "
        f"in common, {one.same:,} of them the same way"
    )
    like = "" if one.likeness is None else f"; likeness {one.likeness:+.2f}"
    return f"{said}{like}."


def pair_rows(found: "Comparison") -> list[dict[str, str]]:
    """Return every two sides as a row of words."""
    rows = []
    ranked = any(one.ranked is not None for one in found.pairs)
    for one in found.pairs:
        row = {
            "Sides": f"{one.first} | {one.second}",
            "Both known": f"{one.known:,}",
            "Either changes": f"{one.either:,}",
            "Both change": f"{one.common:,}",
            "The same way": f"{one.same:,}",
            "Likeness": "" if one.likeness is None else f"{one.likeness:+.2f}",
        }
        if ranked:
            row["Changed ranked above unchanged"] = (
                "" if one.ranked is None else f"AUROC {one.ranked:.2f}"
            )
        rows.append(row)
    return rows


def compare(
    perturbations: str | Sequence[str],
    *,
    cell_lines: Sequence[str] = (),
    kind: "PerturbationKind" = "knockdown",
    tables: "Sequence[str | Path]" = (),
    readouts: Sequence[str] = (),
    context: str | None = None,
    session: "Session | None" = None,
) -> "pd.DataFrame":
    """Return perturbations, lines or tables side by side: a row per readout, two columns a side.

    `attrs` holds the sides, every two of them beside each other, and notes.

    Args:
        perturbations: A gene, or `"A+B"` for genes perturbed together; or a list of these. A
            double alone is set beside its singles and what independence would give.
        cell_lines: Lines; the one that `ask` assumes by default.
        kind: What is done to the genes.
        tables: Results of a differential test, as further sides.
        readouts: Genes to read; by default whatever some side changes.
        context: A screen of `express`, whose changes are compared instead.
        session: Instead of the one of the settings.

    Raises:
        QuestionError: There are not two sides, or a word is no gene.
    """
    import pandas as pd

    from app.api import open_session

    session = session or open_session()
    words = [perturbations] if isinstance(perturbations, str) else list(perturbations)
    found = comparison_of(
        session,
        words,
        cell_lines=cell_lines,
        kind=kind,
        tables=[result_of(session, one) for one in tables],
        readouts=readouts,
        context=context,
    )
    table = pd.DataFrame(comparison_rows(found))
    table.attrs = {
        "sides": [one.model_dump() for one in found.columns],
        "pairs": [one.model_dump() for one in found.pairs],
        "notes": list(found.notes),
    }
    return table
