"""A benchmark: what it reads, how it is worked out, and what is told of it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from evals.harness.page import Page, Record
from evals.harness.plots import Plot, written
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results
from knowledge.progress import Progress


def no_plots(results: Results, out: Path) -> Iterable[Plot]:
    """Return no plot."""
    return ()


class Benchmark(NamedTuple):
    """What is told of the runs of a benchmark.

    Attributes:
        kind: What its figures are kept as in `evals/results/`.
        page: Makes the page of a run.
        summary: Makes what a terminal shows.
        plots: Draws what the page shows besides; given the run folder too.
    """

    kind: str
    page: Callable[[Record], Page]
    summary: Callable[[Results], str]
    plots: Callable[[Results, Path], Iterable[Plot]] = no_plots

    def evaluate(
        self,
        out: Path,
        settings: BaseModel,
        inputs: Inputs,
        work: Callable[[Run], Results],
        progress: Progress,
    ) -> Results:
        """Return the results of a run and write its page.

        A finished run is read, an interrupted one gone on with.

        Args:
            out: The run folder.
            settings: What is evaluated; another value is another run.
            inputs: What the figures rest on.
            work: Works the results out; each of its units is kept once.
            progress: Told what is being done.

        Raises:
            DataError: A file is missing or cannot be used.
            RunError: `out` holds another run.
        """
        run = Run.claim(out, settings, inputs, progress)
        results = run.finished(lambda: work(run))
        progress("drawing", 0.99)
        self.render(results, out)
        progress("done", 1.0)
        return results

    def render(self, results: Results, out: Path) -> tuple[Path, Path]:
        """Write `scoreboard.md`, `report.html` and the plots of a finished run."""
        captions = written(self.plots(results, out), out / "plots")
        return self.page(Record.read(out)).write(out, captions)
