"""What is asked of a list: explain it from what was done."""

from typing import Any, get_args

from agent.session import Session
from app.jobs.pairs import ground_genes
from app.web.uploads import Upload
from knowledge.errors import QuestionError
from knowledge.schema import Frozen, Perturbation, PerturbationKind
from tools.lists.explanation import explained
from tools.lists.results import Reading, ResultList, read_result

KINDS: tuple[PerturbationKind, ...] = get_args(PerturbationKind)
MOST_SHOWN = 300


class Wanted(Frozen):
    """What is asked of a list.

    Attributes:
        do: What to do; "" for nothing yet.
        pert: What was perturbed, genes joined by `+`.
        kind: How.
        cell_line: Where.
        alpha: The adjusted p-value up to which a gene changed.
    """

    do: str = ""
    pert: str = ""
    kind: str = ""
    cell_line: str = ""
    alpha: float = 0.05


def answered(session: Session, upload: Upload, source: str, wanted: Wanted) -> dict[str, Any]:
    """Return what the page shows of a list.

    Raises:
        QuestionError: The list or what is asked of it cannot be read.
    """
    if wanted.do == "explain":
        return _explained(session, upload, source, wanted)
    raise QuestionError(f"There is nothing called {wanted.do[:40]!r} to do with a list.")


def read_list(session: Session, upload: Upload, source: str, wanted: Wanted) -> ResultList:
    """Return the genes of a list, named as the person named it.

    Raises:
        QuestionError: They cannot be read.
    """
    if not 0 < wanted.alpha <= 1:
        raise QuestionError("The adjusted p-value must lie between 0 and 1.")
    reading = Reading(alpha=wanted.alpha)
    found = read_result(source, session.knowledge.symbols, reading, pert=wanted.pert.strip())
    return found.model_copy(update={"source": upload.name or "the list"})


def _explained(session: Session, upload: Upload, source: str, wanted: Wanted) -> dict[str, Any]:
    genes = _genes(session, wanted.pert)
    if wanted.kind not in KINDS:
        raise QuestionError("Say whether the gene was knocked out, knocked down or activated.")
    perturbation = Perturbation(
        genes=genes,
        kind=wanted.kind,
        cell_line=session.knowledge.cell_lines.ground(wanted.cell_line).name,
    )
    result = read_list(session, upload, source, wanted)
    found = explained(session.predictor, perturbation, result)
    return {"explanation": found, "most": MOST_SHOWN}


def _genes(session: Session, words: str) -> tuple[str, ...]:
    parts = [part for part in words.replace(",", "+").split("+") if part.strip()]
    if not parts:
        raise QuestionError("Name the gene that was perturbed; several are joined by +.")
    symbols = session.knowledge.symbols
    found = (gene for part in parts for gene in ground_genes(symbols, part))
    return tuple(dict.fromkeys(found))
