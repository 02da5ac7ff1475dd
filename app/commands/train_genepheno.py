"""`knockwise train genepheno`: train the phenotype model from pulled data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from models.genepheno.phenotypes import Collection

EPILOG = "Example: knockwise train genepheno --data ../shared/data --out my-genepheno"


def genepheno(
    data: Annotated[
        Path, typer.Option(help="Data folder or mirror: phenotypes, sequences and functions.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the trained model is written to.")],
    collection: Annotated[
        list[str] | None,
        typer.Option(
            help="Labels to learn: mp, hpo, hpo-2014, komp, hmd (systems alone), gwas; repeat for "
            "several. All but hpo-2014 and hmd by default."
        ),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="Encoder of sequences: profile, UniRep's weights (.npz, non-commercial), or a "
            "protein language model by its Hugging Face name, such as facebook/esm2_t6_8M_UR50D, "
            "or its folder."
        ),
    ] = "profile",
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Train the model that predicts phenotypes from sequences, through functions.

    Aligning seven thousand proteins takes three minutes of one core, the rest one more. How well
    unseen genes are predicted is measured by `knockwise eval genepheno`.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import progress
    from models.threads import yield_cores

    yield_cores()
    from models.genepheno.training import SHIPPED_COLLECTIONS, train

    with progress_bar() as told:
        record = train(data, out, told, _collections(collection) or SHIPPED_COLLECTIONS, seed,
                       encoder)  # fmt: skip
    _show(record)
    progress().print(f"Ask it with `knockwise phenotype --model {out}`.", soft_wrap=True)


def _collections(words: list[str] | None) -> "tuple[Collection, ...]":
    """Return the collections that were named.

    Raises:
        QuestionError: One is unknown.
    """
    from knowledge.errors import QuestionError
    from models.genepheno.phenotypes import COLLECTIONS

    unknown = [word for word in words or () if word not in COLLECTIONS]
    if unknown:
        raise QuestionError(f"No collection {unknown[0]!r}; choose among {', '.join(COLLECTIONS)}.")
    return tuple(dict.fromkeys(one for one in COLLECTIONS if one in (words or ())))


def _show(record: dict[str, Any]) -> None:
    """Print what was learnt from."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from app.show.terminal import results

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("Collection", "Genes with a sequence", "Genes without"):
        table.add_column(name, overflow="fold")
    for one in record["collections"]:
        table.add_row(one["collection"], f"{one['genes']:,}", f"{one['background']:,}")
    results().print(
        f"{record['functions']:,} functions were learnt from {record['reference']:,} proteins."
    )
    results().print(table)
