"""`knockwise serve`: an open language model on this machine, behind an address to ask."""

import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.show.terminal import plain, progress, results, settings
from knowledge.errors import QuestionError

if TYPE_CHECKING:
    from types import FrameType

    from agent.llm.serving import Plan

EXAMPLE = "knockwise serve qwen3-8b"


def serve(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A preset (see --list), OWNER/NAME on the Hugging Face hub, or a folder.",
            show_default=False,
        ),
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Argument(help="After `--`: flags for vLLM itself.", show_default=False),
    ] = None,
    list_presets: Annotated[
        bool, typer.Option("--list", help="List the presets with what they need, and leave.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    context_length: Annotated[
        int | None,
        typer.Option(
            min=256,
            help="Tokens that fit, prompt and reply together; by default what the model reads, "
            "16,384 at most.",
            show_default=False,
        ),
    ] = None,
    tensor_parallel: Annotated[
        int, typer.Option(min=0, help="GPUs that share the model; 0: as the preset says.")
    ] = 0,
    data_parallel: Annotated[
        int, typer.Option(min=1, help="Copies of the model behind the one address.")
    ] = 1,
    cpu: Annotated[bool, typer.Option("--cpu", help="Run without a GPU (small models).")] = False,
    kv_cache_gib: Annotated[
        int, typer.Option(min=1, help="With --cpu: memory for the key-value cache, GiB.")
    ] = 4,
    name: Annotated[str, typer.Option(help="What requests call the model.")] = "",
    python: Annotated[
        Path | None, typer.Option(help="The Python that has vLLM; this one by default.")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="File for what vLLM says.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command and do not run it.")
    ] = False,
) -> None:
    """Serve an open language model with vLLM, until Ctrl-C."""
    from agent.llm.serving import Plan, command, environment, free_port

    if list_presets:
        _list()
        return
    if not model:
        raise QuestionError(f"There is no model to serve; for example: {EXAMPLE}.")
    chosen = settings()
    key = chosen.llm.api_key
    plan = Plan(
        model=model,
        host=host,
        port=port or free_port(),
        context_length=context_length or 0,
        tensor_parallel=tensor_parallel,
        data_parallel=data_parallel,
        cpu=cpu,
        kv_cache_gib=kv_cache_gib,
        name=name,
        python=python or Path(sys.executable),
        api_key="" if key == "EMPTY" else key,
        more=tuple(more or ()),
    )
    if dry_run:
        hidden = {**environment(plan), **({"VLLM_API_KEY": "..."} if plan.api_key else {})}
        words = [f"{name}={value}" for name, value in hidden.items()]
        results().print(shlex.join([*words, *command(plan)]), soft_wrap=True, markup=False)
        return
    _serve(plan, log or chosen.data / "serve" / f"vllm-{plan.port}.log")


def _serve(plan: "Plan", log: Path) -> None:
    from agent.llm.serving import described, serving

    # A service manager stops us by SIGTERM, a closing terminal by SIGHUP; both as by Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = progress()
    if told := described(plan):
        console.print(told, soft_wrap=True, markup=False)
    try:
        with console.status(f"Starting vLLM with {plan.served_name} ...") as status:
            console.print(f"vLLM's log: {log}", soft_wrap=True, markup=False)
            with serving(
                plan, log, lambda told: status.update(f"Starting vLLM ... {plain(told)}")
            ) as server:
                status.stop()
                _ready(plan)
                console.print("Serving; stop with Ctrl-C.")
                try:
                    server.wait()
                finally:
                    console.print("Stopping vLLM ...")
    except KeyboardInterrupt:
        console.print("Stopped.")


def _ready(plan: "Plan") -> None:
    """Print what to set so that questions go to this server."""
    lines = {"BASE_URL": plan.url, "MODEL": plan.served_name}
    if plan.thinks:
        lines["THINKING"] = "true"
    for name, value in lines.items():
        results().print(
            f"export KNOCKWISE_LLM__{name}={shlex.quote(value)}", soft_wrap=True, markup=False
        )
    sys.stdout.flush()


def _interrupt(number: int, frame: "FrameType | None") -> None:
    raise KeyboardInterrupt


def _list() -> None:
    from rich.table import Table

    from agent.llm.presets import presets

    table = Table(box=None, pad_edge=False)
    for column in ("preset", "model", "weights", "GPUs", "licence", ""):
        table.add_column(
            column,
            justify="right" if column == "weights" else "left",
            no_wrap=column in {"preset", "model"},
        )
    for name, preset in presets().items():
        notes = [preset.note] if preset.note else []
        notes += ["ask for access on the hub first"] if preset.gated else []
        table.add_row(
            name,
            preset.model,
            f"{preset.weights_gb:g} GB",
            preset.gpus.replace("`", ""),
            preset.licence,
            "; ".join(notes),
        )
    results().print(table)
