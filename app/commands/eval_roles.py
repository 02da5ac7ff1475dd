"""`knockwise eval roles`: what a language model is for, beside what answers without it."""

from pathlib import Path
from typing import Annotated

import typer

from knowledge.errors import KnockwiseError

EPILOG = (
    "Example: knockwise eval roles --data ../shared/data --base-url http://localhost:8000/v1 "
    "--out roles"
)


def roles(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and textbook/.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="reading, branches, steps or stories; repeat for several, all by default."
        ),
    ] = None,
    branches: Annotated[int, typer.Option(min=1, help="Branches per built-in pathway.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="Genes whose targets are sought.")] = 30,
    stories: Annotated[int, typer.Option(min=1, max=10, help="Stories to tell.")] = 10,
    base_url: Annotated[str, typer.Option(help="Address of an OpenAI-compatible server.")] = "",
    model: Annotated[str, typer.Option(help="Model id; the one that the server serves.")] = "",
    called: Annotated[str, typer.Option(help="What tables call it; its id by default.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Replay kept replies; no server is needed."),
    ] = False,
) -> None:
    """Score what a language model does here: read, choose branches, propose steps, tell.

    Each role stands beside the rules or the evidence on the same cases. Some 200 questions; the
    full data (`knockwise data pull`) gives the branches and more steps. Ctrl-C loses at most the
    questions at work; replies stay in the folder.
    """
    import asyncio

    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from agent.llm.probe import look
    from evals.roles.page import BENCHMARK
    from evals.roles.run import ROLES, RolesEval, evaluate

    if unknown := [one for one in role or () if one not in ROLES]:
        raise KnockwiseError(f"There is no role {unknown[0]}; choose among {', '.join(ROLES)}.")
    given = {"base_url": base_url, "model": model}
    told = settings(llm={name: value for name, value in given.items() if value})
    served = told.llm.model
    if not served and not offline:
        served = asyncio.run(look(told.llm)).model
    chosen = tuple(one for one in ROLES if one in (role or ROLES))
    run = RolesEval(
        model=served,
        called=called,
        roles=chosen,
        branches=branches,
        steps=steps,
        stories=stories,
        seed=seed,
    )
    evaluated(
        out,
        lambda progress: evaluate(data, out, run, told, progress, offline=offline),
        BENCHMARK.summary,
    )
