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
APP = "APP, extended"
NO_KEYS = {"role", "value", "low", "high", "n"}
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
def _rows(name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the long table of a benchmark: a row per predictor, measure and place."""
    part = files(f"{__package__.rpartition('.')[0]}.evals" if "." in __package__ else "evals")
    text = (part / "results" / f"{name}.json").read_text(encoding="utf-8")
    scores = json.loads(text)["metrics"]["scores"]
    return tuple(dict(zip(scores["columns"], row, strict=True)) for row in scores["rows"])


def _figure(name: str, predictor: str, measure: str, *, than: str = "", **where: str) -> Figure:
    """Return the one figure of a benchmark that this describes.

    Raises:
        LookupError: None or several are described.
    """
    wanted = {"predictor": predictor, "measure": measure, "than": than, **where}
    found = [
        row
        for row in _rows(name)
        if all(row[key] == wanted.get(key) for key in row.keys() - NO_KEYS)
    ]
    if len(found) != 1:
        raise LookupError(f"{len(found)} figures of {name}.json are {wanted}")
    (row,) = found
    value = row["value"]
    low, high = (value if row.get(end) is None else row[end] for end in ("low", "high"))
    return Figure(value=value, low=low, high=high)


def _fused(setting: str, task: str) -> Figure:
    return _figure("fused", "fused answer", "auroc", setting=setting, task=task, cell_line="mean")


def _off() -> float:
    """Return the largest calibration error of P(changes) over lines and settings."""
    return max(
        float(row["value"])
        for row in _rows("fused")
        if (row["predictor"], row["task"], row["measure"])
        == ("fused answer", "de", "calibration error")
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
    def told(predictor: str, loop: str, measure: str) -> float:
        return _figure(
            "mechanism", predictor, measure, about="direction", cell_line="all", split="test",
            loop=loop, paths="all",
        ).value  # fmt: skip

    reached = told("cascade", "before", "covered") / told("cascade", "before", "changed")
    return (
        "Of the measured changes of the official test rows, a path reaches "
        f"{reached:.0%}; it points the way that was measured in "
        f"{told('cascade', 'before', 'agreement'):.0%} of them "
        f"({told('shuffled', 'before', 'agreement'):.0%} with the signs shuffled), paths that are "
        f"believed in {told('cascade', 'after', 'agreement'):.0%}.",
        "A path is a documented explanation, not a measured one: knowing only which way a gene "
        f"usually goes is right in {told('majority', 'before', 'agreement'):.0%} of the same "
        "pairs.",
    )


def _expression() -> tuple[str, ...]:
    told = []
    names = {
        "norman-latent": "activation in K562 (Norman, in latent space)",
        "morphic-prs": "knockouts in primitive syncytium (MorPhiC)",
        "papalexi": "knockouts in THP-1 (Papalexi)",
    }
    for context, words in names.items():
        share = _figure("expression", APP, "l2 to no change", context=context, task="singles")
        ahead = min(
            (row["low"] for row in _rows("expression")
             if (row["context"], row["task"], row["predictor"], row["measure"])
             == (context, "singles", APP, "l2") and row["than"]),
        )  # fmt: skip
        beyond = "ahead of" if ahead > 0 else "level with"
        told.append(
            f"{words}: {share} of the error of saying no change, {beyond} the best plain baseline"
        )
    return (f"For perturbed genes no screen measured: {'; '.join(told)}.",)


def _phenotypes() -> tuple[str, ...]:
    told = []
    for collection, words in (("mp", "mouse mutants"), ("hpo", "human disease")):
        found = {
            measure: _figure(
                "genepheno", "GenePheno", measure, collection=collection, split="homology"
            )
            for measure in ("f_max", "auroc")
        }
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
