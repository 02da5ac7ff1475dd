"""`knockwise eval expression`: how far predicted responses of expression are from measured ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.jobs.own_predictions import PANEL as PREDICTIONS
from app.jobs.own_predictions import Coverage, Strict, brought, compared_with
from app.jobs.own_screen import PANEL as OWN
from app.jobs.own_screen import Controls, Counts, GeneColumn, GuidePattern, Layer, SkipUnknown
from knowledge.errors import KnockwiseError

if TYPE_CHECKING:
    from evals.expression.challenge.run import ChallengeFile

GEARS = "A published opponent"
CHALLENGE = "The Virtual Cell Challenge's measures"
EPILOG = (
    "Example: knockwise eval expression --data ../shared/data --out app. Your own screen: "
    "knockwise eval expression --data ../shared/data --out mine --h5ad FILE --pert-col gene "
    "--control non-targeting. The challenge's file: knockwise eval expression --data "
    "../shared/data --out vcc --virtual-cell --h5ad FILE --pert-col target_gene --control "
    "non-targeting"
)


def expression(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    context: Annotated[
        list[str] | None,
        typer.Option(help="Screen of the mirror to score; repeat for several, all by default."),
    ] = None,
    h5ad: Annotated[
        Path | None, typer.Option(help="Your own screen, scored instead.", rich_help_panel=OWN)
    ] = None,
    pert_col: Annotated[
        str | None, typer.Option(help="Column of the perturbed genes.", rich_help_panel=OWN)
    ] = None,
    control: Controls = None,
    guide_pattern: GuidePattern = None,
    layer: Layer = None,
    gene_col: GeneColumn = None,
    skip_unknown: SkipUnknown = False,
    batch_col: Annotated[
        str | None, typer.Option(help="Column of the batch, if any.", rich_help_panel=OWN)
    ] = None,
    counts: Counts = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds over perturbations.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 2,
    neural: Annotated[
        bool, typer.Option("--neural/--no-neural", help="Train networks, and their ablations.")
    ] = True,
    virtual_cell: Annotated[
        bool,
        typer.Option(
            "--virtual-cell",
            help="Score single cells by cell-eval2's six measures instead, 0 the mean response "
            "and 1 a replicate.",
            rich_help_panel=CHALLENGE,
        ),
    ] = False,
    line_col: Annotated[
        str | None,
        typer.Option(
            help="Column of the cell line in --h5ad; each line is left out too.",
            rich_help_panel=CHALLENGE,
        ),
    ] = None,
    cells: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Cells of a perturbation drawn from --h5ad; 400 by default.",
            rich_help_panel=CHALLENGE,
        ),
    ] = None,
    cell_eval: Annotated[
        Path | None,
        typer.Option(
            help="Python in which cell-eval2 is installed, which checks the values.",
            rich_help_panel=CHALLENGE,
        ),
    ] = None,
    gears: Annotated[
        Path | None,
        typer.Option(
            help="Python in which cell-gears is installed: GEARS joins the baselines.",
            rich_help_panel=GEARS,
        ),
    ] = None,
    gears_epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs of its training; 20 by default.", rich_help_panel=GEARS),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Table of your responses (context, pert, gene, change), scored beside a run's; "
            "nothing is trained.",
            rich_help_panel=PREDICTIONS,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="The finished run to compare with.", rich_help_panel=PREDICTIONS),
    ] = None,
    coverage: Coverage = None,
    strict: Strict = False,
) -> None:
    """Score predicted expression responses beside additive, linear and other baselines.

    Single genes and doubles are held out of each screen. Ctrl-C loses at most the fold at work:
    run the same command again to go on. A finished run is only rendered anew. With --predictions
    your own responses are scored in seconds beside those of a finished run.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    table = brought(predictions, against, coverage, strict)
    if table is not None:
        from evals.expression.own.page import summary as own_summary
        from evals.expression.own.run import OwnExpression
        from evals.expression.own.run import evaluate as own_evaluate

        run_folder = compared_with(against, "responses", "expression")
        mine = OwnExpression(coverage=coverage or 0.0, strict=strict, seed=seed)
        evaluated(
            out, lambda told: own_evaluate(data, table, out, mine, run_folder, told), own_summary
        )
        return
    if h5ad is None and (
        pert_col or control or batch_col or guide_pattern or layer or gene_col or skip_unknown
    ):
        raise KnockwiseError(
            "--pert-col, --control, --batch-col and the other options of a screen are about a "
            "file; add --h5ad."
        )
    if h5ad is not None and (pert_col is None or not control):
        raise KnockwiseError("--h5ad also needs --pert-col and --control.")
    from models.expression.mirror import CONTEXTS, WITH_CELLS

    if virtual_cell:
        from evals.expression.challenge.page import summary as challenge_summary
        from evals.expression.challenge.run import ChallengeEval
        from evals.expression.challenge.run import evaluate as challenge_evaluate

        if lacking := [one for one in context or () if one not in WITH_CELLS]:
            raise KnockwiseError(
                f"{lacking[0]} has no single cells; name {', '.join(WITH_CELLS)} as --context."
            )
        if gears or layer or gene_col or batch_col or guide_pattern or skip_unknown or counts:
            raise KnockwiseError(
                "--virtual-cell reads raw counts in X, labelled with gene symbols; of a file it "
                "takes --pert-col, --control, --line-col and --cells alone."
            )
        challenge = ChallengeEval(
            contexts=tuple(context or (() if h5ad else WITH_CELLS)),
            own=_file(h5ad, pert_col, control, line_col, cells),
            seed=seed,
            folds=folds,
            package=cell_eval,
        )
        evaluated(
            out, lambda told: challenge_evaluate(data, out, challenge, told), challenge_summary
        )
        return
    if line_col or cells or cell_eval:
        raise KnockwiseError("--line-col, --cells and --cell-eval ask for --virtual-cell.")
    from evals.expression.gears import EPOCHS
    from evals.expression.page import summary
    from evals.expression.run import ExpressionEval, GearsSettings, evaluate
    from models.expression.training import UserScreen

    own: UserScreen | None = None
    if h5ad is not None and pert_col is not None:
        own = UserScreen(
            path=h5ad,
            perturbation=pert_col,
            control=tuple(control or ()),
            batch=batch_col,
            counts=counts,
            layer=layer,
            genes=gene_col,
            guide_pattern=guide_pattern,
            skip_unknown=skip_unknown,
        )
    opponent = None
    if gears is not None:
        opponent = GearsSettings(python=gears, epochs=gears_epochs or EPOCHS)
    elif gears_epochs is not None:
        raise KnockwiseError("--gears-epochs is about GEARS; add --gears.")
    run = ExpressionEval(
        contexts=tuple(context or (() if own else CONTEXTS)),
        own=own,
        seed=seed,
        folds=folds,
        neural=neural,
        gears=opponent,
    )
    evaluated(out, lambda told: evaluate(data, out, run, threads, told), summary)


def _file(
    path: Path | None,
    pert_col: str | None,
    control: list[str] | None,
    line_col: str | None,
    cells: int | None,
) -> "ChallengeFile | None":
    from evals.expression.challenge.run import CELLS, ChallengeFile

    if path is None or pert_col is None:
        if line_col or cells:
            raise KnockwiseError("--line-col and --cells are about a file; add --h5ad.")
        return None
    return ChallengeFile(
        path=path,
        perturbation=pert_col,
        control=tuple(control or ()),
        line=line_col,
        cells=cells or CELLS,
    )
