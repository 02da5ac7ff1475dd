"""`knockwise eval regulators`: whether answers about factors and kinases are right."""

from pathlib import Path
from typing import Annotated

import typer

from app.jobs.own_predictions import PANEL as OWN
from app.jobs.own_predictions import Coverage, Strict, brought, compared_with

Data = Annotated[Path, typer.Option(help="Folder that holds regulators/, perturbseq/, knowledge/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
EPILOG = (
    "Example: knockwise eval regulators --data ../shared/data "
    "--pairs ../shared/data/textbook/regulator_pairs.csv --out regulators"
)


def regulators(
    data: Data,
    out: Out,
    pairs: Annotated[
        Path | None,
        typer.Option(help="CSV of textbook pairs: pert, kind, cell_line, gene, direction."),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(help="Predictions with each regulator held out, from `train fusion`."),
    ] = None,
    least_votes: Annotated[
        int,
        typer.Option(min=1, help="Leave out regulators without a gene of so many net votes."),
    ] = 2,
    tested: Annotated[
        bool, typer.Option("--tested/--no-tested", help="Score data sets with tested negatives.")
    ] = True,
    open_questions: Annotated[
        bool,
        typer.Option("--open-questions/--no-open-questions", help="Score lists of readouts."),
    ] = True,
    seed: Seed = 0,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Table of your directions (regulator, gene, p_up after its loss), scored beside "
            "a run's; nothing is asked.",
            rich_help_panel=OWN,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="The finished run to compare with.", rich_help_panel=OWN),
    ] = None,
    coverage: Coverage = None,
    strict: Strict = False,
) -> None:
    """Score answers about regulators beside their parts and controls.

    The product is asked as `ask` answers, with the knowledge that `knockwise index build` compiled
    and with the starter pack alone. Ctrl-C loses at most the question at work: run the same command
    again to go on. A finished run is only rendered anew. With --predictions your own directions are
    scored in seconds beside those of a finished run.
    """
    from app.jobs.evaluation import evaluated

    table = brought(predictions, against, coverage, strict)
    if table is not None:
        from evals.regulators.own.page import summary as own_summary
        from evals.regulators.own.run import OwnRegulators
        from evals.regulators.own.run import evaluate as own_evaluate

        run_folder = compared_with(against, "regulators", "regulators")
        mine = OwnRegulators(coverage=coverage or 0.0, strict=strict, seed=seed)
        evaluated(
            out, lambda told: own_evaluate(data, table, out, mine, run_folder, told), own_summary
        )
        return
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.regulators.page import summary
    from evals.regulators.run import RegulatorsEval, evaluate

    run = RegulatorsEval(
        pairs=pairs,
        held_out=held_out,
        least_votes=least_votes,
        tested=tested,
        open_questions=open_questions,
        seed=seed,
    )
    own = settings()
    evaluated(out, lambda told: evaluate(data, out, run, own, told), summary)
