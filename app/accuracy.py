"""How often answers are right, in sentences: every figure is read from `evals/results`.

The tools of the MCP server, the README and the documentation tell these sentences, so that no
figure stands in two places by hand.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from knowledge.schema import Frozen

SOURCE = "evals/SCOREBOARD.md"
SUBJECTS = ("effects", "cascade", "expression", "phenotypes", "properties")


class Figure(Frozen):
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return for example `0.78 [0.77, 0.79]`."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def accuracy(subject: str) -> tuple[str, ...]:
    """Return sentences on how often answers about a subject are right, the plainest first.

    Raises:
        KeyError: The subject is none of `SUBJECTS`.
    """
    return _TELL[subject]()


def all_accuracy() -> dict[str, tuple[str, ...]]:
    """Return the sentences on every subject."""
    return {subject: accuracy(subject) for subject in SUBJECTS}


@cache
def _results(name: str) -> Mapping[str, Any]:
    part = files(f"{__package__.rpartition('.')[0]}.evals" if "." in __package__ else "evals")
    text = (part / "results" / f"{name}.json").read_text(encoding="utf-8")
    metrics: Mapping[str, Any] = json.loads(text)["metrics"]
    return metrics


def _row(name: str, part: str, **wanted: object) -> Mapping[str, Any]:
    """Return the one row of a table of results in which these columns have these values."""
    rows = [
        row
        for row in _results(name)[part]
        if all(row[column] == value for column, value in wanted.items())
    ]
    if len(rows) != 1:
        raise LookupError(f"{len(rows)} rows of {name}.json have {wanted}")
    found: Mapping[str, Any] = rows[0]
    return found


def _figure(cell: Mapping[str, Any]) -> Figure:
    return Figure(value=cell["value"], low=cell["low"], high=cell["high"])


def _fused(setting: str, task: str) -> Figure:
    return _figure(
        _row("fused", "scores", setting=setting, task=task, predictor="fused answer",
             cell_line="mean")["auroc"]
    )  # fmt: skip


def _off() -> float:
    """Return the largest calibration error of P(changes) over the four lines."""
    return max(
        float(row["calibration_error"])
        for row in _results("fused")["scores"]
        if row["predictor"] == "fused answer" and row["task"] == "de" and row["calibration_error"]
    )


def _effects() -> tuple[str, ...]:
    return (
        "Which genes change: of a gene's perturbations, one that changes it is ranked above one "
        f"that does not in {_fused('multi', 'de').value:.0%} of pairs, "
        f"{_fused('strict', 'de').value:.0%} where no screen of any line measured the "
        "perturbation (a coin: 50 %).",
        "Which way, of those that change: ranked right in "
        f"{_fused('multi', 'dir').value:.0%} of pairs, {_fused('strict', 'dir').value:.0%} where "
        "the perturbation was never measured.",
        "Probabilities mean what they say: on held-out rows P(changes) is off by at most "
        f"{_off():.3f} on average.",
        "Measured on CRISPR interference screens of K562, RPE1, HepG2 and Jurkat, held-out "
        "perturbations; a knockout or an activation is predicted from knockdowns.",
    )


def _cascade() -> tuple[str, ...]:
    every = _row("mechanism", "agreement", cell_line="all", split="test", loop="before",
                 slice="all")  # fmt: skip
    kept = _row("mechanism", "agreement", cell_line="all", split="test", loop="after",
                slice="all")  # fmt: skip
    reached = every["covered"] / every["changed"]
    return (
        "Of the measured changes of the official test rows, a path reaches "
        f"{reached:.0%}; it points the way that was measured in "
        f"{every['cascade']['value']:.0%} of them ({every['shuffled']['value']:.0%} with the "
        f"signs shuffled), paths that are believed in {kept['cascade']['value']:.0%}.",
        "A path is a documented explanation, not a measured one: knowing only which way a gene "
        f"usually goes is right in {every['majority']['value']:.0%} of the same pairs.",
    )


def _expression() -> tuple[str, ...]:
    told = []
    names = {
        "norman-latent": "activation in K562 (Norman, in latent space)",
        "morphic-prs": "knockouts in primitive syncytium (MorPhiC)",
        "papalexi": "knockouts in THP-1 (Papalexi)",
    }
    for context, words in names.items():
        row = _row("expression", "scores", context=context, task="singles",
                   predictor="APP, extended", measure="l2")  # fmt: skip
        ahead = _figure(row["ahead"])
        beyond = "ahead of" if ahead.low > 0 else "level with"
        told.append(
            f"{words}: {_figure(row['to_no_change'])} of the error of saying no change, "
            f"{beyond} the best plain baseline"
        )
    return (f"For perturbed genes no screen measured: {'; '.join(told)}.",)


def _phenotypes() -> tuple[str, ...]:
    told = []
    for collection, words in (("mp", "mouse mutants"), ("hpo", "human disease")):
        found = {
            measure: _figure(
                _row("genepheno", "scores", collection=collection, split="homology",
                     predictor="GenePheno", measure=measure)["value"]
            )
            for measure in ("f_max", "auroc")
        }  # fmt: skip
        told.append(f"{words} F_max {found['f_max']}, AUROC {found['auroc']}")
    return (
        f"From sequences of gene families never seen: {'; '.join(told)}. Better than plain "
        "baselines, and still mostly wrong about rare terms.",
    )


def _properties() -> tuple[str, ...]:
    return (
        "Each property says how well genes outside its training were predicted; one that was not "
        "told apart from chance there is left unsaid.",
    )


_TELL = {
    "effects": _effects,
    "cascade": _cascade,
    "expression": _expression,
    "phenotypes": _phenotypes,
    "properties": _properties,
}
