"""Measures what a user waits for: `make bench` prints it and writes `evals/bench.json`.

python -m evals.bench                # what ships
python -m evals.bench --data DIR     # and how training and prediction grow with the data
python -m evals.bench --peers ENV    # us and other models on the same rows instead
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from knowledge.schema import Frozen, Perturbation
from models.threads import yield_cores

QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?"
RESULT = Path(__file__).parent / "bench.json"
PEERS_RESULT = RESULT.with_name("bench-peers.json")
HELP_RUNS = 5
ASK_RUNS = 3
PREDICT_GENES = ("HSPA5", "AARS1", "KEAP1", "VHL", "SCAP", "GATA1", "UPF1", "PSMD1")
CELL_LINE = "K562"
MIB = 1024**2


class Measurement(Frozen):
    """One number, its unit, and what it must not exceed."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def verdict(self) -> str:
        """Return `ok` or `over`, nothing where there is no limit."""
        if self.limit is None:
            return ""
        return "ok" if self.value <= self.limit else "over"


def main(
    data: Annotated[
        Path | None, typer.Option(help="Data folder or mirror; measures training too.")
    ] = None,
    peers: Annotated[
        Path | None, typer.Option(help="Environment of other models, run on the same rows.")
    ] = None,
) -> None:
    """Measure, print a table and write the numbers."""
    yield_cores()
    console = Console(highlight=False)
    if peers is not None:
        from agent.settings import Settings
        from evals.bench_peers import compared

        _write(PEERS_RESULT, compared(data or Settings().data, peers, console), console)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KNOCKWISE_RUNS"] = folder
        # Subprocesses first: a child's peak memory counts what its parent held when it forked.
        measurements = [*_commands(), *_in_process(Path(folder)), *_genome_wide()]
        from evals.bench_lists import searched

        measurements += searched(Path(folder))
    from evals.bench_expression import predicted, trained

    measurements += predicted()
    if data is not None:
        from evals.bench_training import measured

        measurements += [*trained(data), *measured(data)]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("Measurement", "Value", "Limit", ""):
        table.add_column(name, justify="left" if name in ("Measurement", "") else "right")
    for one in measurements:
        limit = "" if one.limit is None else f"{one.limit:g} {one.unit}"
        table.add_row(one.name, f"{one.value:,.2f} {one.unit}", limit, one.verdict)
    console.print(table)
    _write(RESULT, [one.model_dump() for one in measurements], console)


def _write(path: Path, measurements: Sequence[Mapping[str, object]], console: Console) -> None:
    """Write numbers with when and where they were measured."""
    record = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": len(os.sched_getaffinity(0)),
        "python": sys.version.split()[0],
        "measurements": list(measurements),
    }
    path.write_text(json.dumps(record, indent=2) + "\n")
    console.print(f"written to {path}", style="dim")


def _commands() -> list[Measurement]:
    """Measure what starts a process of its own."""
    helps = [_timed("--help")[0] for _ in range(HELP_RUNS)]
    asks = [_timed("ask", "--quiet", QUESTION) for _ in range(ASK_RUNS)]
    return [
        Measurement(
            name="knockwise --help, median", value=statistics.median(helps), unit="s", limit=0.5
        ),
        Measurement(name="knockwise ask, first", value=asks[0][0], unit="s"),
        Measurement(
            name="knockwise ask, warm, slowest",
            value=max(s for s, _ in asks[1:]),
            unit="s",
            limit=10,
        ),
        Measurement(
            name="knockwise ask, peak memory",
            value=max(peak for _, peak in asks) / MIB,
            unit="MiB",
            limit=2048,
        ),
    ]


def _timed(*arguments: str) -> tuple[float, int]:
    """Run `knockwise` and return its wall time in seconds and its peak memory in bytes."""
    command = [str(Path(sys.executable).with_name("knockwise")), *arguments]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return wall, usage.ru_maxrss * 1024


def _in_process(folder: Path) -> list[Measurement]:
    began = time.perf_counter()
    from agent.settings import Settings
    from evals.harness.session import benchmark_session

    imported = time.perf_counter()
    session = benchmark_session(Settings())
    opened = time.perf_counter()
    asyncio.run(session.ask(QUESTION, run_dir=folder / "first"))
    asked = time.perf_counter()
    asyncio.run(session.ask(QUESTION, run_dir=folder / "second"))
    again = time.perf_counter()
    readouts = [effect.gene for effect in session.effects(_knockdown(PREDICT_GENES[0]))]
    began_predicting = time.perf_counter()
    pairs = [(_knockdown(gene), readout) for gene in PREDICT_GENES for readout in readouts]
    count = sum(1 for _ in session.predict(pairs))
    rate = count / (time.perf_counter() - began_predicting)
    return [
        Measurement(name="import", value=imported - began, unit="s"),
        Measurement(name="open knowledge and models", value=opened - imported, unit="s"),
        Measurement(name="first question of a session", value=asked - opened, unit="s"),
        Measurement(name="second question of a session", value=again - asked, unit="s"),
        Measurement(name="predict throughput", value=rate, unit="pairs/s"),
    ]


def _genome_wide() -> list[Measurement]:
    """Measure one perturbation against every readout, unseen genes each time, and growth."""
    from models.response import ResponseModel

    model = ResponseModel.load()
    readouts = model.readouts(CELL_LINE)
    model.predict([PREDICT_GENES[0]], None, CELL_LINE)
    walls = []
    for gene in PREDICT_GENES[1:]:
        began = time.perf_counter()
        model.predict([gene], None, CELL_LINE)
        walls.append(time.perf_counter() - began)
    median = statistics.median(walls)
    out = [
        Measurement(
            name=f"one perturbation, all {len(readouts):,} readouts, warm",
            value=median,
            unit="s",
            limit=0.5,
        ),
        Measurement(name="response model, warm", value=len(readouts) / median, unit="readouts/s"),
    ]
    for share in (0.1, 0.5):
        some = readouts[: int(len(readouts) * share)]
        # A gene not asked about before: predictions of a perturbation are kept.
        began = time.perf_counter()
        model.predict(["TP53" if share < 0.5 else "MYC"], some, CELL_LINE)
        wall = time.perf_counter() - began
        out.append(Measurement(name=f"... {len(some):,} readouts of them", value=wall, unit="s"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*out, Measurement(name="peak memory of this process", value=peak, unit="MiB")]


def _knockdown(gene: str) -> Perturbation:
    return Perturbation(genes=(gene,), kind="knockdown", cell_line=CELL_LINE)


if __name__ == "__main__":
    typer.run(main)
