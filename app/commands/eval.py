"""`knockwise eval`: how good the predictions are, on published benchmarks, with controls."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.commands import (
    eval_analyse,
    eval_campaign,
    eval_drugs,
    eval_fused,
    eval_genen,
    eval_genepheno,
    eval_genes,
    eval_images,
    eval_language,
    eval_lists,
    eval_mechanism,
    eval_pairs,
    eval_perturbqa,
    eval_product,
    eval_programmes,
    eval_regulators,
    eval_retrieval,
    eval_roles,
    eval_sams,
    eval_subtypes,
    eval_unseen,
    eval_variants,
)
from app.jobs.outputs import Careful
from app.jobs.own_screen import PANEL as OWN
from app.jobs.own_screen import Controls, Counts, GeneColumn, GuidePattern, Layer, SkipUnknown
from knowledge.errors import KnockwiseError
from knowledge.plugins import plugins


class Benchmarks(TyperGroup):
    """The benchmarks; `perturbqa --reasoner llm` is the old name of `language`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  # typer's own
        """Return the command that is meant, its name and its arguments.

        Raises:
            KnockwiseError: Options of the one are given to the other, which would not heed them.
        """
        if args[0] == "perturbqa":
            reasoner, args = _without_reasoner(args)
            meant, other = ("language", args[0]) if reasoner == "llm" else (args[0], "language")
            for option in _options(self, other) - _options(self, meant):
                if any(word.split("=")[0] == option for word in args):
                    about = {"language": "a language model", "perturbqa": "the response model"}
                    raise KnockwiseError(
                        f"{option} is about {about[other]}; use `knockwise eval {other}`, or leave "
                        "it out."
                    )
            args = [meant, *args[1:]]
        return super().resolve_command(ctx, args)


def _without_reasoner(args: list[str]) -> tuple[str, list[str]]:
    """Return what `--reasoner` says, and the other words."""
    words = [part for word in args for part in
             (word.split("=", 1) if word.startswith("--reasoner=") else [word])]  # fmt: skip
    if "--reasoner" not in words[:-1]:
        return "evidence", args
    at = words.index("--reasoner")
    if words[at + 1] not in ("evidence", "llm"):
        raise KnockwiseError(f"--reasoner is evidence or llm, not {words[at + 1]}.")
    return words[at + 1], [*words[:at], *words[at + 2 :]]


def _options(group: TyperGroup, name: str) -> set[str]:
    parameters = group.commands[name].params
    return {word for one in parameters for word in (*one.opts, *one.secondary_opts)}


app = typer.Typer(
    cls=Benchmarks,
    add_completion=False,
    help="Score the predictions on a benchmark.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Data = Annotated[Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
GEARS = "A published opponent"


@app.callback()
def main() -> None:
    """Score the predictions on a benchmark."""


app.command(cls=Careful, epilog=eval_perturbqa.EPILOG)(eval_perturbqa.perturbqa)


@app.command(
    cls=Careful, epilog="Example: knockwise eval genesets --data ../shared/data --out sets"
)
def genesets(data: Data, out: Out, seed: Seed = 0) -> None:
    """Score the gene-set tasks: what happens to a cluster of genes, and what a cluster is."""
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.genesets.page import summary
    from evals.genesets.run import GenesetsEval, evaluate

    run = GenesetsEval(seed=seed)
    evaluated(out, lambda told: evaluate(data, out, run, told), summary)


@app.command("app", cls=Careful, hidden=True)
@app.command(
    "expression",
    cls=Careful,
    epilog="Example: knockwise eval expression --data ../shared/data --out app. Your own screen: "
    "knockwise eval expression --data ../shared/data --out mine --h5ad FILE --pert-col gene "
    "--control non-targeting",
)
def expression(
    data: Data,
    out: Out,
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
    seed: Seed = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds over perturbations.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 2,
    neural: Annotated[
        bool, typer.Option("--neural/--no-neural", help="Train networks, and their ablations.")
    ] = True,
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
) -> None:
    """Score predicted expression responses beside additive, linear and other baselines.

    Single genes and doubles are held out of each screen. Ctrl-C loses at most the fold at work:
    run the same command again to go on. A finished run is only rendered anew.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.expression.gears import EPOCHS
    from evals.expression.page import summary
    from evals.expression.run import ExpressionEval, GearsSettings, evaluate
    from models.expression.mirror import CONTEXTS
    from models.expression.training import UserScreen

    own = None
    if h5ad is not None:
        if pert_col is None or not control:
            raise KnockwiseError("--h5ad also needs --pert-col and --control.")
        own = UserScreen(
            path=h5ad,
            perturbation=pert_col,
            control=tuple(control),
            batch=batch_col,
            counts=counts,
            layer=layer,
            genes=gene_col,
            guide_pattern=guide_pattern,
            skip_unknown=skip_unknown,
        )
    elif pert_col or control or batch_col or guide_pattern or layer or gene_col or skip_unknown:
        raise KnockwiseError(
            "--pert-col, --control, --batch-col and the other options of a screen are about a "
            "file; add --h5ad."
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


app.command(cls=Careful, epilog=eval_analyse.EPILOG)(eval_analyse.analyse)
app.command(cls=Careful, epilog=eval_drugs.EPILOG)(eval_drugs.drugs)
app.command(cls=Careful, epilog=eval_fused.EPILOG)(eval_fused.fused)
app.command(cls=Careful, epilog=eval_genen.EPILOG)(eval_genen.genen)
app.command(cls=Careful, epilog=eval_genes.EPILOG)(eval_genes.genes)
app.command(cls=Careful, epilog=eval_genepheno.EPILOG)(eval_genepheno.genepheno)
app.command(cls=Careful, epilog=eval_images.EPILOG)(eval_images.images)
app.command(cls=Careful, epilog=eval_language.EPILOG)(eval_language.language)
app.command(cls=Careful, epilog=eval_mechanism.EPILOG)(eval_mechanism.mechanism)
app.command(cls=Careful, epilog=eval_programmes.EPILOG)(eval_programmes.programmes)
app.command(cls=Careful, epilog=eval_regulators.EPILOG)(eval_regulators.regulators)
app.command(cls=Careful, epilog=eval_retrieval.EPILOG)(eval_retrieval.retrieval)
app.command(cls=Careful, epilog=eval_sams.EPILOG)(eval_sams.sams)
app.command(cls=Careful, epilog=eval_lists.EPILOG)(eval_lists.lists)
app.command(cls=Careful, epilog=eval_subtypes.EPILOG)(eval_subtypes.subtypes)
app.command(cls=Careful, epilog=eval_product.EPILOG)(eval_product.product)
app.command(cls=Careful, epilog=eval_unseen.EPILOG)(eval_unseen.unseen)
app.command(cls=Careful, epilog=eval_variants.EPILOG)(eval_variants.variants)
for _name, _benchmark in plugins("benchmarks"):
    app.command(_name, cls=Careful)(_benchmark)
app.command(cls=Careful, epilog=eval_pairs.EPILOG)(eval_pairs.pairs)
app.command(cls=Careful, epilog=eval_campaign.EPILOG)(eval_campaign.campaign)
app.command(cls=Careful, epilog=eval_roles.EPILOG)(eval_roles.roles)
