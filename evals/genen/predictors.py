"""Everything that is scored, and under which conditions, in one place."""

from collections.abc import Sequence
from typing import NamedTuple

from evals.genen.facts import HEADLINE, PLAIN, WITH_COMPARTMENT, Condition, Role
from evals.genen.rivals.predictor import PropertyPredictor
from models.genen.labels import PropertyTask, TaskName
from models.genen.texts import MASKED

REPEATS, FEWER_REPEATS, ONCE = 5, 2, 1
"""How often genes are dealt into folds: for verdicts, with other graphs, for networks."""
MASKED_TASKS: tuple[TaskName, ...] = ("localisation", "dosage-sensitivity", "solubility")
"""Tasks that are tried with texts hidden."""
GCN, TEXT, OURS = "GCN", "text + logistic regression", "ours"
"""Predictors that tables and plots single out."""
MANY = 5000
"""Genes of a task from which on half the repeats do: its figures hardly differ between them."""


class Entry(NamedTuple):
    """A predictor, what it is in the comparison, and on how many repeats it is tried."""

    predictor: PropertyPredictor
    role: Role
    repeats: int = REPEATS


REWIRED = HEADLINE.model_copy(update={"rewired": True})
TOGETHER = HEADLINE.model_copy(update={"together": True})
VERDICTS = (PLAIN, HEADLINE)
"""Conditions that verdicts are about."""
GRAPHS = (
    Condition(graph="ppi"),
    Condition(graph="go"),
    HEADLINE,
    Condition(graph="go", compartment=True),
    WITH_COMPARTMENT,
)


def conditions(shares: Sequence[float] = MASKED) -> tuple[Condition, ...]:
    """Return every condition, those that share a graph and its texts next to each other."""
    found = [PLAIN, PLAIN.model_copy(update={"together": True})]
    for condition in GRAPHS:
        found.append(condition)
        if condition == HEADLINE:
            found.append(TOGETHER)
        for share in shares:
            if share and not condition.compartment:
                # What needs no graph is handed that of interactions, with the same texts hidden.
                plain = (PLAIN,) if condition.graph == "ppi" else ()
                found += [c.model_copy(update={"hidden": share}) for c in (*plain, condition)]
    return (*found, REWIRED)


def entries(condition: Condition, *, neural: bool = True) -> list[Entry]:
    """Return what is tried under a condition, in the order of the tables.

    Without a graph, predictors that read texts alone; with one, all that read its edges. The
    networks beyond the published ones are tried where verdicts are given, and with edges shuffled
    or texts hidden the GCN alone.

    Args:
        condition: Graph, texts and splits.
        neural: Whether networks are trained.
    """
    from evals.genen.rivals.baselines import BASELINES, LabelPropagation, LinearBaseline
    from evals.genen.rivals.probe import OURS as STACKED

    special = bool(condition.hidden) or condition.together
    shown = condition.model_copy(update={"hidden": 0.0})
    often = REPEATS if shown in VERDICTS else FEWER_REPEATS
    on_edges = [
        one
        for one in BASELINES
        if isinstance(one, LabelPropagation)
        or (isinstance(one, LinearBaseline) and one.reading == "graph")
    ]
    if condition.graph is None:
        on_texts = [one for one in BASELINES if one not in on_edges]
        linear = [one for one in on_texts if isinstance(one, LinearBaseline)]
        return [Entry(one, "baseline", often) for one in (linear if special else on_texts)]
    found = [] if special else [Entry(one, "baseline", often) for one in on_edges]
    if neural:
        from evals.genen.rivals.training import NETWORKS

        count = 1 if special or condition.rewired else 2 if condition != HEADLINE else None
        found += [Entry(one, "network", ONCE) for one in NETWORKS[:count]]
    return [*found, Entry(STACKED, "ours", often)]


def repeats(entry: Entry, task: PropertyTask) -> int:
    """Return how often the genes of a task are dealt into folds for a predictor."""
    return max(1, entry.repeats // 2) if len(task) > MANY else entry.repeats
