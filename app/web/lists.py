"""What is asked of lists and sets: what explains them, what would produce them, what acts so."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from agent.session import Session
from app.jobs.pairs import ground_gene, ground_genes
from app.lists import alike_perturbations, alike_words, line_of, set_named
from app.web.uploads import Upload
from knowledge.errors import QuestionError
from knowledge.schema import Direction, Frozen, Perturbation, PerturbationKind
from knowledge.user_tables.orthologues import human_of_mouse
from tools.effects import EffectPredictor
from tools.lists.atlas import atlas_of
from tools.lists.causes import Library
from tools.lists.explanation import explained
from tools.lists.hits import explained_hits
from tools.lists.listed import Reading, ResultList
from tools.lists.ranking import causes, library_of
from tools.lists.results import read_result
from tools.lists.search import found

Side = Literal["high", "low", "either"]
Sought = Literal["alike", "opposite"]
KINDS: tuple[PerturbationKind, ...] = get_args(PerturbationKind)
SIDES: tuple[Side, ...] = get_args(Side)
ALIKE: tuple[Sought, ...] = get_args(Sought)
MOST_SHOWN = 300
TOP = 30
MOST_GENES = 60


class Wanted(Frozen):
    """What is asked of a list.

    Attributes:
        do: `explain`, `who`, or "" for nothing yet.
        pert: What was perturbed, genes joined by `+`; of a screen, what it was sorted by.
        kind: How.
        cell_line: Where.
        sorted_for: In which cells of a screen enriched guides were found.
        alpha: The adjusted p-value up to which a gene changed.
    """

    do: str = ""
    pert: str = ""
    kind: str = ""
    cell_line: str = ""
    sorted_for: str = "high"
    alpha: float = 0.05


class Ranked(Frozen):
    """A ranking as a table: the first cell of each row is a gene."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def answered(session: Session, upload: Upload, source: str, wanted: Wanted) -> dict[str, Any]:
    """Return what the page shows of a list.

    Raises:
        QuestionError: The list or what is asked of it cannot be read.
    """
    if wanted.do == "explain":
        return {"explanation": _explained(session, upload, source, wanted), "most": MOST_SHOWN}
    if wanted.do == "who":
        return {"ranked": _who(session, upload, source, wanted)}
    raise QuestionError(f"There is nothing called {wanted.do[:40]!r} to do with a list.")


def read_list(session: Session, upload: Upload, source: str, wanted: Wanted) -> ResultList:
    """Return the genes of a list, named as the person named it.

    Raises:
        QuestionError: They cannot be read.
    """
    if not 0 < wanted.alpha <= 1:
        raise QuestionError("The adjusted p-value must lie between 0 and 1.")
    result = read_result(
        source,
        session.knowledge.symbols,
        Reading(alpha=wanted.alpha),
        orthologues=lambda: human_of_mouse(session.settings.data),
        pert=wanted.pert.strip(),
    )
    return result.model_copy(update={"source": upload.name or "the list"})


def _explained(session: Session, upload: Upload, source: str, wanted: Wanted) -> Any:  # noqa: ANN401
    result, line = read_list(session, upload, source, wanted), line_of(session, wanted.cell_line)
    if result.kind == "perturbed":
        if not wanted.pert.strip():
            raise QuestionError("Name the gene whose level the cells of the screen were sorted by.")
        target = ground_gene(session.knowledge.symbols, wanted.pert)
        side: Side = next((one for one in SIDES if one == wanted.sorted_for), "high")
        return explained_hits(session.predictor, target, line, result, side)
    kind = next((one for one in KINDS if one == wanted.kind), None)
    if kind is None:
        raise QuestionError("Say whether the gene was knocked out, knocked down or activated.")
    genes = _genes(session, wanted.pert)
    perturbation = Perturbation(genes=genes, kind=kind, cell_line=line)
    return explained(session.predictor, perturbation, result)


def _who(session: Session, upload: Upload, source: str, wanted: Wanted) -> Ranked:
    result, line = read_list(session, upload, source, wanted), line_of(session, wanted.cell_line)
    ranked = causes(
        session.predictor, _library(session.predictor, session.settings.data), result, line, top=TOP
    )
    rows = (
        (
            one.gene,
            one.way,
            f"{one.score:.1f}",
            f"{one.p:.3f}",
            "" if one.measured is None else f"{one.measured:.2f}",
            ", ".join(one.measured_in),
            f"{one.agreeing} of {one.agreeing + one.opposing}",
            "; ".join(one.complexes[:2]),
            "; ".join(path.words for path in one.paths[:2]),
        )
        for one in ranked.rows
    )
    return Ranked(
        title=f"What would produce {ranked.source}",
        lead=f"{ranked.used:,} of {ranked.listed:,} genes with a direction, compared with "
        f"{ranked.candidates:,} candidates in {line}.",
        columns=("Perturbed", "As", "Score", "Permuted lists that score as well",
                 "Measured likeness", "Its own screen in", "Paths agree", "Complex", "Paths"),
        rows=tuple(rows),
        notes=ranked.notes,
    )  # fmt: skip


def searched(session: Session, words: str, sought: str, kind: str, cell_line: str) -> Ranked:
    """Return the perturbations that move genes or a set, or that act like one gene's loss.

    Args:
        session: What is known.
        words: Genes, or the name of a set.
        sought: `up`, `down` or `either` of what moves them; `alike` or `opposite` to a gene's loss.
        kind: How the genes found are perturbed.
        cell_line: Where.

    Raises:
        QuestionError: The words mean no gene and no set, or nothing like it is sought.
    """
    line = line_of(session, cell_line)
    like = next((one for one in ALIKE if one == sought), None)
    if like is not None:
        return _alike(session, words, like, line)
    direction: Direction | None = next((one for one in ("up", "down") if one == sought), None)
    how: PerturbationKind = next((one for one in KINDS if one == kind), "knockdown")
    readouts = readouts_of(session, words)
    data, predictor = session.settings.data, session.predictor
    atlas = atlas_of(data, predictor.response)
    search = found(predictor, atlas, readouts, line, direction, how, TOP, data)
    verb = {"up": "raises", "down": "lowers", None: "changes"}[direction]
    named = ", ".join(readouts[:6]) + (" ..." if len(readouts) > 6 else "")
    rows = (
        (
            one.gene,
            one.call,
            "not known" if one.p_de is None else f"{one.p_de:.2f}",
            f"{one.moved} of {len(readouts)}",
            one.measured or "",
            "" if one.breadth is None else f"{100 * one.breadth:.0f} %",
            one.path.words if one.path else "",
            "; ".join(one.notes),
        )
        for one in search.rows
    )
    return Ranked(
        title=f"What {verb} {named} in {line}",
        lead=f"{search.searched:,} perturbations searched, {search.measured:,} of them measured.",
        columns=("Perturbed", "It goes", "P(changes)", "Members moved", "Measured",
                 "Also changes", "Path", "Notes"),
        rows=tuple(rows),
        notes=search.notes,
    )  # fmt: skip


def _alike(session: Session, words: str, sought: Sought, line: str) -> Ranked:
    gene, against = ground_gene(session.knowledge.symbols, words.strip()), sought == "opposite"
    like, compared = alike_perturbations(session, gene, line, opposite=against, top=TOP)
    rows = (
        (
            one.gene,
            f"{one.likeness:+.2f}",
            f"{one.same} of {one.same + one.opposite}" if one.measured else "",
            "measurement" if one.measured else "prediction",
        )
        for one in like
    )
    return Ranked(
        title=alike_words(gene, line, opposite=against, compared=compared),
        lead="Cosine of what each does, without what the line's readouts do anyway.",
        columns=("Perturbed", "Likeness", "Measured changes the same way", "Known by"),
        rows=tuple(rows),
    )


@lru_cache(maxsize=1)
def _library(predictor: EffectPredictor, data: Path) -> Library:
    """Return what lists are laid beside, made when it is first needed."""
    return library_of(predictor, data)


def _genes(session: Session, words: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[,;+]", words) if part.strip()]
    if not parts:
        raise QuestionError("Name the gene that was perturbed; several are joined by +.")
    symbols = session.knowledge.symbols
    named = (gene for part in parts for gene in ground_genes(symbols, part))
    return tuple(dict.fromkeys(named))


def readouts_of(session: Session, words: str) -> tuple[str, ...]:
    """Return the members of the set that the words name, or the genes.

    Raises:
        QuestionError: They name neither.
    """
    if not words.strip():
        raise QuestionError("Name a gene or a set whose change is wanted.")
    if (members := set_named(session, words)) is not None:
        return members
    parts = re.split(r"[\s,;+]+", words.strip())[:MOST_GENES]
    return tuple(dict.fromkeys(ground_gene(session.knowledge.symbols, part) for part in parts))
