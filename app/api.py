"""Knockwise from Python: what `import knockwise` offers beside `Session` and `Settings`.

Every function opens the data folder of the settings once and keeps it. They work in a script, in a
running event loop and in a notebook; `ask_async` is for code that is asynchronous itself.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent.session import Session
from agent.settings import Settings
from app.answer import Answer, effect_frame
from app.jobs.pairs import ground_gene, ground_genes
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation, PerturbationKind, Question
from tools.effect_rows import DIGITS, EffectRow

if TYPE_CHECKING:
    import pandas as pd

    from agent.langchain_tools import StructuredTool
    from tools.base import Toolbox
    from tools.phenotypes import Outlook

PHENOTYPE_COLUMNS = ("term", "name", "collection", "known", "probability", "through")
Listener = Callable[[dict[str, Any]], None]
ResultT = TypeVar("ResultT")


def open_session(data: Path | str | None = None, **changes: Any) -> Session:  # noqa: ANN401  # a setting of any type
    """Return the session that the functions of this module use, opened once for its settings.

    Args:
        data: The data folder; by default what the settings say (`KNOCKWISE_DATA`).
        changes: Other fields of `Settings`.

    Raises:
        KnockwiseError: Data or weights are damaged.
    """
    if data is not None:
        changes["data"] = Path(data)
    return _opened(Settings(**changes))


@lru_cache(maxsize=2)
def _opened(settings: Settings) -> Session:
    return Session.open(settings)


def ask(
    question: str,
    cell_line: str | None = None,
    *,
    follow: str | Path | None = None,
    session: Session | None = None,
    on_event: Listener | None = None,
) -> Answer:
    """Return the answer to a question in words; the run is kept, as that of `knockwise ask`.

    Args:
        question: For example "Knock out HSPA5 in K562: what happens to DDIT3?"
        cell_line: Where the question names none.
        follow: The run, by name, folder or `latest`, that the question follows on.
        session: Instead of the one of the settings.
        on_event: Told each step as it happens: a dict with `node` and `message`.

    Raises:
        QuestionError: The question cannot be understood, or has no answer.
        RunError: The run cannot be kept.
    """
    return _waited(
        ask_async(question, cell_line, follow=follow, session=session, on_event=on_event)
    )


async def ask_async(
    question: str,
    cell_line: str | None = None,
    *,
    follow: str | Path | None = None,
    session: Session | None = None,
    on_event: Listener | None = None,
) -> Answer:
    """Return what `ask` returns, for code that runs in an event loop already."""
    if session is None:
        session = await asyncio.to_thread(open_session)
    if follow is not None:
        from agent.run import find_run

        question = session.follow_up(question, find_run(session.settings.runs, str(follow)))
    return Answer.of(await session.ask(question, cell_line, on_event=on_event))


def load_answer(run: str | Path = "latest", *, session: Session | None = None) -> Answer:
    """Return the answer of a finished run, by its name, folder or `latest`.

    Raises:
        RunError: There is no such run, or it is not finished.
    """
    from agent.run import find_run
    from agent.run import load_answer as read_answer

    settings = session.settings if session else Settings()
    return Answer.of(read_answer(find_run(settings.runs, str(run))))


def read_question(
    question: str, cell_line: str | None = None, *, session: Session | None = None
) -> Question:
    """Return how a question is read, without answering it.

    Raises:
        QuestionError: It cannot be understood.
    """
    from agent.question.reading import parse_question

    session = session or open_session()
    return parse_question(question, session.knowledge, cell_line=cell_line)


def perturbation_of(
    genes: str | Sequence[str],
    cell_line: str | None = None,
    kind: PerturbationKind = "knockdown",
    *,
    session: Session | None = None,
) -> Perturbation:
    """Return a perturbation of genes by any of their names: `"HSPA5"`, `"A+B"` or a list.

    Raises:
        QuestionError: A word is no gene, or means several; the line or the kind is unknown.
    """
    knowledge = (session or open_session()).knowledge
    words = genes.replace(",", "+").split("+") if isinstance(genes, str) else list(genes)
    if not any(word.strip() for word in words):
        raise QuestionError("Name a gene to perturb, for example 'HSPA5'.")
    if kind not in ("knockout", "knockdown", "activation"):
        raise QuestionError(f"{kind!r} is no kind; write knockout, knockdown or activation.")
    found = [gene for word in words for gene in ground_genes(knowledge.symbols, word)]
    line = knowledge.cell_lines.ground(cell_line or knowledge.cell_lines.default.name)
    return Perturbation(genes=tuple(dict.fromkeys(found)), kind=kind, cell_line=line.name)


def predict(
    perturbations: str | Sequence[str],
    readouts: Sequence[str] | str | None = None,
    *,
    cell_line: str | None = None,
    kind: PerturbationKind = "knockdown",
    session: Session | None = None,
) -> "pd.DataFrame":
    """Return a row per perturbation and readout gene: whether it changes, and which way.

    Args:
        perturbations: A gene, or `"A+B"` for genes perturbed together; or a list of these.
        readouts: Genes to read; by default every gene that can be predicted, likeliest first.
        cell_line: By default the line that `ask` assumes.
        kind: What is done to the genes. The screens are knockdowns, so a knockout is predicted as
            one, and an activation as its mirror.
        session: Instead of the one of the settings.

    Raises:
        QuestionError: A word is no gene, or the line is unknown.
    """
    session = session or open_session()
    asked = [perturbations] if isinstance(perturbations, str) else list(perturbations)
    read = [readouts] if isinstance(readouts, str) else readouts
    symbols = session.knowledge.symbols
    genes = None if read is None else [ground_gene(symbols, word) for word in read]
    return effect_frame(
        row
        for one in asked
        for row in predicted_rows(
            session, perturbation_of(one, cell_line, kind, session=session), genes
        )
    )


def predicted_rows(
    session: Session, perturbation: Perturbation, readouts: Sequence[str] | None = None
) -> list[EffectRow]:
    """Return the predicted effects as rows: in the order asked, or the likeliest change first."""
    rows = list(session.rows(perturbation, readouts))
    if readouts is None:
        rows.sort(key=lambda row: (row.abstained, -(row.p_de or 0), row.gene))
    return rows


def express(
    perturbation: str | Sequence[str], context: str, *, session: Session | None = None
) -> "pd.DataFrame":
    """Return how far every gene's expression moves, with 90 % intervals `low` and `high`.

    The index is the readout gene; `attrs` says the unit and whether it was measured.

    Args:
        perturbation: A gene, or genes perturbed together: `"A+B"` or a list.
        context: A screen by name; `expression_contexts()` lists them.
        session: Instead of the one of the settings.

    Raises:
        KnockwiseError: The context is unknown, or the model knows nothing of a gene.
    """
    import pandas as pd

    from tools.expression import shipped_expression

    model = shipped_expression()
    chosen = model.context(context)
    genes = perturbation_of(perturbation, session=session).genes
    found = model.predict(tuple(sorted(genes)), chosen.name)
    columns = {"change": found.change, "low": found.low, "high": found.high}
    if found.additive is not None:
        columns["sum_of_singles"] = found.additive
    table = pd.DataFrame(columns, index=pd.Index(found.readouts, name="gene"))
    table.attrs = {"unit": chosen.unit, "measured": found.seen, "context": chosen.name}
    return table


def expression_contexts() -> "pd.DataFrame":
    """Return the screens that `express` answers for: kind, cell line, unit, readouts."""
    import pandas as pd

    from tools.expression import shipped_expression

    names = ["name", "kind", "cell_line", "unit", "readouts", "description"]
    rows = [one.model_dump(include={*names}) for one in shipped_expression().contexts]
    return pd.DataFrame(rows, columns=names).set_index("name")


def phenotypes(
    gene: str,
    collections: Sequence[str] = ("mp", "hpo"),
    *,
    top: int = 10,
    session: Session | None = None,
) -> "pd.DataFrame":
    """Return the phenotypes of losing a gene: known ones, then predicted ones with a probability.

    Args:
        gene: By any of its names.
        collections: `mp` (mouse mutants), `hpo` (human disease), `komp` (standardised mouse
            screens), `gwas` (common variants).
        top: How many predicted ones of each collection.
        session: Instead of the one of the settings.

    Raises:
        QuestionError: It is no gene, or there is no such collection.
    """
    import pandas as pd

    session = session or open_session()
    found = phenotype_outlook(session, gene, collections, top)
    table = pd.DataFrame(phenotype_rows(found), columns=[*PHENOTYPE_COLUMNS])
    table.attrs = {"gene": found.subject, "notes": list(found.notes)}
    return table


def phenotype_outlook(
    session: Session, gene: str, collections: Sequence[str], top: int
) -> "Outlook":
    """Return what is known and predicted of a gene's loss.

    Raises:
        QuestionError: It is no gene, or there is no such collection.
    """
    from tools.phenotypes import ABOUT, outlook, shipped_phenotypes

    if unknown := [name for name in collections if name not in ABOUT]:
        raise QuestionError(
            f"{unknown[0]!r} is no collection of phenotypes; choose among {', '.join(ABOUT)}."
        )
    chosen = [name for name in ABOUT if name in collections]
    symbol = ground_gene(session.knowledge.symbols, gene)
    return outlook(shipped_phenotypes(), symbol, chosen, top)


def phenotype_rows(found: "Outlook") -> list[dict[str, Any]]:
    """Return the known phenotypes of an outlook as rows, then the predicted ones."""
    known = [
        {"term": one.term, "name": one.name, "collection": one.collection, "known": True}
        for one in found.known
    ]
    predicted = [
        {
            "term": one.term,
            "name": one.name,
            "collection": one.collection,
            "known": False,
            "probability": round(one.probability, DIGITS),
            "through": "; ".join(one.through),
        }
        for one in found.predicted
    ]
    return [*known, *predicted]


def embeddings(genes: Sequence[str], *, session: Session | None = None) -> "pd.DataFrame":
    """Return a vector per gene, made from texts, partners and GO terms, and from no label.

    The index is the approved symbol, one row per word in `genes`, and the columns are numbered.

    Raises:
        KnockwiseError: A word is no gene, or nothing is known of one.
    """
    import numpy as np
    import pandas as pd

    from tools.properties import shipped_properties

    model = shipped_properties()
    symbols = (session or open_session()).knowledge.symbols
    names = [ground_gene(symbols, word) for word in genes]
    rows = [model.embedding(name) for name in names]
    values = np.stack(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)
    return pd.DataFrame(values, index=pd.Index(names, name="gene"))


def toolbox(session: Session | None = None) -> "Toolbox":
    """Return the tools that a reasoner has, ours and those of other packages."""
    return (session or open_session()).context.toolbox


def langchain_tools(session: Session | None = None) -> "list[StructuredTool]":
    """Return the same tools in LangChain's shape, for an agent of your own."""
    from agent.langchain_tools import structured_tools

    return structured_tools(toolbox(session))


def _waited(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1, "knockwise") as pool:
        return pool.submit(asyncio.run, coroutine).result()
