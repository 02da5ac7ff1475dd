"""The page of a gene."""

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.web.genes import (
    essentiality_parts,
    gene_parts,
    gene_symbol,
    morphology_parts,
    phenotype_parts,
    property_parts,
    suggested,
)
from app.web.house import TheHouse, known
from app.web.view import partly
from knowledge.errors import KnockwiseError

router = APIRouter(prefix="/genes", dependencies=[Depends(known)])
EXAMPLES = ("HSPA5", "TP53", "GATA1", "KEAP1", "SCAP", "FGFR3")


@router.get("")
def find(request: Request, house: TheHouse, q: str = "") -> Response:
    """Show the page that looks a gene up, or the gene."""
    word = q.strip()[:60]
    if partly(request):
        found = suggested(house.session, word)
        return house.view.page(request, "gene_found.html.j2", found=found, q=word)
    why, found = "", []
    if word:
        try:
            return RedirectResponse(f"/genes/{gene_symbol(house.session, word)}", 303)
        except KnockwiseError as error:
            why, found = str(error), suggested(house.session, word)
    return house.view.page(
        request, "genes.html.j2", q=word, why=why, found=found, examples=EXAMPLES
    )


@router.get("/{symbol}")
def gene(request: Request, house: TheHouse, symbol: str) -> Response:
    """Show what is known of a gene."""
    found = gene_symbol(house.session, symbol)
    if found != symbol:
        return RedirectResponse(f"/genes/{found}", 303)
    return house.view.page(request, "gene.html.j2", **gene_parts(house.session, symbol))


@router.get("/{symbol}/{part}")
async def of_models(request: Request, house: TheHouse, symbol: str, part: str) -> Response:
    """Show what a model says of a gene; models load when they are first asked."""
    found = await run_in_threadpool(gene_symbol, house.session, symbol)
    async with house.work:
        if part == "properties":
            shown = await run_in_threadpool(property_parts, found)
        elif part == "phenotypes":
            shown = await run_in_threadpool(phenotype_parts, found)
        elif part == "morphology":
            shown = await run_in_threadpool(morphology_parts, found)
        elif part == "essentiality":
            shown = await run_in_threadpool(essentiality_parts, house.session, found)
        else:
            raise KnockwiseError(f"There is no part {part[:40]!r} of a gene's page.")
    name = f"gene_{part}.html.j2"
    if partly(request):
        return house.view.page(request, name, symbol=found, **shown)
    return house.view.page(
        request, "part.html.j2", title=f"{found}: {part}", part=name, symbol=found, **shown
    )
