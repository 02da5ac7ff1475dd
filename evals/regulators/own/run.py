"""Scores a file of directions after the loss of regulators, beside everything that a run asked.

A row of the file is a regulator, a gene, and P(up) after the loss of the regulator as `p_up` (or
any signed number that is positive where the gene should go up). What Knockwise and the controls
say stands in `pairs.parquet` of a finished run of `eval regulators`; all are compared on the pairs
that the file answers.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pydantic import Field

from evals import regulators as benchmark
from evals.harness.brought import Coverage, Words, matched, read_brought, read_kept, spelt
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Gain, Results, Score
from evals.regulator_pairs import PAIR
from evals.regulators.own.page import BENCHMARK, YOURS, Facts
from evals.regulators.predictors import LINES_APART, in_order
from evals.regulators.score import MEASURES, PARTS, sample_of
from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models.inputs.screens import approve

PAIRS = "pairs.parquet"
NAMES: Words = {"regulator": ("pert", "perturbation"), "gene": ("readout", "target")}
NUMBERS: Words = {"p_up": ("p", "score", "direction")}
VOTES = (1, 2, 3)
DRAWS = 300


class OwnRegulators(Frozen):
    """What an evaluation can be told; another value is another run."""

    coverage: float = Field(0.0, ge=0, le=1, description="Least share of pairs answered.")
    strict: bool = Field(False, description="Whether anything amiss in the file is refused.")
    seed: int = Field(0, description="Seed of the resamples.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of regulators.")


def evaluate(
    data: Path,
    predictions: Path,
    out: Path,
    settings: OwnRegulators,
    against: Path,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read.

    Args:
        data: Folder with the gene symbols.
        predictions: The file.
        out: The run folder.
        settings: What is evaluated.
        against: A finished run of `eval regulators`.
        progress: Told what is being done.

    Raises:
        DataError: The run is not there.
        QuestionError: The file cannot be used, or answers too little.
        RunError: `out` holds another run.
    """
    pairs = read_kept(against / PAIRS, (*PAIR, "kind", "votes", "up"))
    pairs = pairs[pairs["kind"] == "both"].reset_index(drop=True)
    symbols = read_symbols(sources_root(data))
    given = read_brought(predictions, NAMES, NUMBERS)
    given = given.assign(
        **{name: spelt(given[name], lambda word: approve(word, symbols)) for name in PAIR}
    )
    number, told = matched(given, "p_up", pairs, PAIR, "pairs of a regulator and a gene")
    progress(str(told), 0.3)
    if not told.answered:
        raise QuestionError(
            f"{predictions} answers no pair of a regulator and a gene; name columns regulator, "
            "gene and p_up, and ask the pairs of the run's pairs.parquet."
        )
    told.check(settings.coverage, strict=settings.strict)
    found = number[number.notna()]
    middle = 0.5 if found.between(0, 1).all() else 0.0
    table = pairs.assign(**{YOURS: number - middle})[number.notna()]
    inputs = Inputs({"predictions": predictions, PAIRS: against / PAIRS}, (benchmark,))

    def work(run: Run) -> Results:
        with run.clock("score"):
            facts = Facts(file=predictions.name, coverage=told)
            return Results.of(BENCHMARK.kind, _scores(table, settings), facts)

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def _scores(table: pd.DataFrame, settings: OwnRegulators) -> Iterator[Score]:
    draw = Resampler(table["regulator"], settings.seed, settings.draws)
    others = {*PAIR, "kind", "votes", "up", *PARTS, *LINES_APART, YOURS}
    names = [YOURS, *in_order([str(name) for name in table if name not in others])]
    for votes in VOTES:
        rows = table[table["votes"] >= votes]
        for measure in MEASURES:
            mine = sample_of(rows, YOURS, measure, draw)
            for name in names if mine is not None else ():
                sample = sample_of(rows, name, measure, draw)
                if sample is None or mine is None:
                    continue
                role = "ours" if name == YOURS else "control"
                yield Score(name, measure, sample, role, votes=votes, pairs=len(rows))
                if name != YOURS:
                    ahead = mine - sample
                    yield Gain(YOURS, name, measure, ahead, "ours", votes=votes, pairs=len(rows))


__all__ = ["Coverage", "OwnRegulators", "evaluate"]
