"""Expression and phenotypes, asked for by a form."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.jobs.expressions import csv_text
from app.jobs.pairs import ground_genes
from app.web.genes import gene_symbol
from app.web.house import House, TheHouse, sworn
from knowledge.errors import KnockwiseError, QuestionError
from models.expression.model import ExpressionResponse
from models.expression.screens import together
from tools.base import ToolError
from tools.expression import change_words, clear, counted, heading, most_changed, shipped_expression
from tools.phenotypes import (
    ABOUT,
    USUAL,
    Outlook,
    outlook,
    sequence_outlook,
    shipped_phenotypes,
    typed_sequence,
)

router = APIRouter(dependencies=[Depends(sworn)])
TOP = 30


@router.get("/express")
async def express(request: Request, house: TheHouse, pert: str = "", context: str = "") -> Response:
    """Show the form, and the response to what it names."""
    pert, context = pert.strip()[:200], context[:60]
    shown: dict[str, Any] = {"rows": [], "heading": "", "neighbours": "", "additive": False}
    why = ""
    model = await run_in_threadpool(shipped_expression)
    if pert:
        try:
            async with house.work:
                answer = await run_in_threadpool(_response, house, pert, context)
            shown = _shown(answer)
        except KnockwiseError as error:
            why = str(error)
    return house.view.page(
        request,
        "express.html.j2",
        pert=pert,
        context=context or model.contexts[0].name,
        contexts=model.contexts,
        why=why,
        **shown,
    )


@router.get("/express.csv")
async def express_csv(house: TheHouse, pert: str = "", context: str = "") -> Response:
    """Give every readout as CSV."""
    async with house.work:
        answer = await run_in_threadpool(_response, house, pert.strip()[:200], context[:60])
    name = f"{'-'.join(answer.genes)}-{answer.context.name}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(csv_text(answer), media_type="text/csv; charset=utf-8", headers=headers)


def _response(house: House, pert: str, context: str) -> ExpressionResponse:
    words = [word for word in pert.replace(",", "+").split("+") if word.strip()]
    if not words:
        raise QuestionError("Name a gene that is perturbed.")
    model, symbols = shipped_expression(), house.session.knowledge.symbols
    genes = together(gene for word in words for gene in _perturbed(symbols, model.genes, word))
    return model.predict(genes, model.context(context).name)


def _perturbed(symbols: Any, learnt: Any, word: str) -> tuple[str, ...]:  # noqa: ANN401
    # A screen may have perturbed genes that the tables of a fresh clone do not hold.
    exact = word.strip().upper()
    return (exact,) if exact in set(learnt) else ground_genes(symbols, word)


def _shown(answer: ExpressionResponse) -> dict[str, Any]:
    sure = clear(answer)
    rows = [
        {
            "gene": answer.readouts[row],
            "change": change_words(answer, row),
            "way": ("up" if answer.change[row] > 0 else "down") if sure[row] else "",
            "additive": f"{answer.additive[row]:+.2f}" if answer.additive is not None else "",
        }
        for row in map(int, most_changed(answer, TOP))
    ]
    return {
        "rows": rows,
        "heading": heading(answer),
        "neighbours": ", ".join(f"{name} {share:.0%}" for name, share in counted(answer)),
        "additive": answer.additive is not None,
    }


@router.get("/phenotypes")
def phenotype_form(request: Request, house: TheHouse) -> Response:
    """Show the form."""
    return _phenotypes(request, house, USUAL)


@router.post("/phenotypes")
async def phenotypes(
    request: Request,
    house: TheHouse,
    gene: Annotated[str, Form(max_length=60)] = "",
    sequence: Annotated[str, Form(max_length=40_000)] = "",
    collection: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Show the phenotypes of a gene's loss, or those predicted of a sequence."""
    chosen = tuple(name for name in ABOUT if name in (collection or ())) or USUAL
    found, why = None, ""
    try:
        if bool(gene.strip()) == bool(sequence.strip()):
            raise QuestionError("Name a gene, or give a sequence; one of the two.")
        async with house.work:
            found = await run_in_threadpool(_outlook, house, gene, sequence, chosen)
    except (KnockwiseError, ToolError) as error:
        why = str(error)
    return _phenotypes(request, house, chosen, gene, sequence, found, why)


def _outlook(house: House, gene: str, sequence: str, chosen: Any) -> Outlook:  # noqa: ANN401
    if gene.strip():
        return outlook(shipped_phenotypes(), gene_symbol(house.session, gene), chosen)
    letters = "".join(line for line in sequence.splitlines() if not line.startswith(">"))
    return sequence_outlook(shipped_phenotypes(), typed_sequence(letters), chosen)


def _phenotypes(
    request: Request,
    house: House,
    chosen: tuple[str, ...],
    gene: str = "",
    sequence: str = "",
    found: Outlook | None = None,
    why: str = "",
) -> Response:
    return house.view.page(
        request,
        "phenotypes.html.j2",
        gene=gene,
        sequence=sequence,
        chosen=chosen,
        about=ABOUT,
        outlook=found,
        why=why,
    )
