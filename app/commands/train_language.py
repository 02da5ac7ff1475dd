"""`knockwise train language`: an adapter for a small open language model, from training rows."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = (
    "Example: knockwise train language --data ../shared/data --base ./Qwen2.5-1.5B-Instruct "
    "--out adapter"
)


def language(
    data: Annotated[Path, typer.Option(help="Folder that holds perturbqa/ and knowledge/.")],
    base: Annotated[
        str, typer.Option(help="Folder of the model, or its name in the Hugging Face cache.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the adapter is written to.")],
    called: Annotated[
        str, typer.Option(help="What tables call it; the name of its folder by default.")
    ] = "",
    pairs: Annotated[int, typer.Option(min=1, help="Contrast pairs to learn from.")] = 2000,
    scored: Annotated[
        int, typer.Option(min=2, help="Pairs of held-out perturbations that are scored.")
    ] = 200,
    epochs: Annotated[int, typer.Option(min=1, help="Times that each pair is seen.")] = 1,
    rank: Annotated[int, typer.Option(min=1, help="Rank of the adapter.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Teach a small language model what training rows came to, and score it beside the evidence.

    Uses a GPU where there is one. The adapter is served by vLLM: docs/llm.md. Ctrl-C loses it.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import results, settings
    from models.threads import yield_cores

    yield_cores()
    from evals.language.contrast_page import summary
    from evals.language.lora import Lesson, train

    lesson = Lesson(pairs=pairs, scored=scored, epochs=epochs, rank=rank, seed=seed)
    with progress_bar() as told:
        found = train(data, base, out, lesson, settings(), told, called)
    results().print(summary(found), soft_wrap=True, markup=False, highlight=False)
    typer.echo(out)
