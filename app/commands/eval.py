"""`knockwise eval`: how good the predictions are, on published benchmarks, with controls."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.commands import (
    eval_analyse,
    eval_campaign,
    eval_drugs,
    eval_expression,
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


app.command("app", cls=Careful, hidden=True)(eval_expression.expression)
app.command(cls=Careful, epilog=eval_expression.EPILOG)(eval_expression.expression)
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
