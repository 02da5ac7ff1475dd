"""What gene-benchmark published of nine models, and which of its tasks cannot be scored here."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from evals.genes.facts import Absent
from evals.genes.probe import over_folds
from evals.genes.tasks import BENCHMARK, DERIVED, table, task_names
from evals.harness.scores import Score
from knowledge.errors import DataError

SCORES = f"{BENCHMARK}/gene_benchmark_preformance_long_form.csv.gz"
DESCRIPTIONS = f"{BENCHMARK}/gene_benchmark_tasks_descriptions.csv"
LISTS = tuple(f"{BENCHMARK}/{name}_tasks.yaml" for name in ("binary", "categorical", "multi_label"))
FILES = (SCORES, DESCRIPTIONS, *LISTS, DERIVED)
"""What is read, relative to the root of the data."""
_ATLAS = "the Human Protein Atlas's full table (proteinatlas.tsv, release 23) is not in the mirror"
_WHY: Mapping[str, str] = {
    "HPA (human protein atlas)": _ATLAS,
    "Genformer": "Genecorpus's NOTCH1 (N1) gene lists are not in the mirror",
    "Gene2Vec": "Gene2vec's labelled gene pairs are not in the mirror",
    "open targets": "Open Targets' association scores are not in the mirror",
    "The Human Transcription Factors": "humantfs' verdicts on non-factors are not in the mirror",
    "UniProt": "UniProt's keywords are not in the mirror, but for three told by sequence features",
}
_METRIC = "roc_auc"
PUBLISHED = "published"
"""The role of models that others scored."""


def published_scores(root: Path) -> Iterator[Score]:
    """Yield the mean AUC over five folds of every model on every task, with its interval.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    columns = ("task_name", "model_name", "fold", "metric", "score", "Model family", "Model")
    rows = table(root / SCORES, columns)
    rows = rows[rows.metric == _METRIC]
    try:
        rows = rows.assign(score=rows.score.astype(float))
    except ValueError as error:
        raise DataError(f"{root / SCORES}: expected numbers; {error}.") from None
    groups = rows.groupby(["task_name", "Model", "Model family"], sort=True)
    for (task, model, family), scores in groups.score:
        value = over_folds(scores.tolist(), (0, 1))
        keys = {"task": str(task), "family": str(family)}
        yield Score(str(model), _METRIC, value, PUBLISHED, **keys)


def absent_tasks(root: Path, found: frozenset[str]) -> tuple[Absent, ...]:
    """Return the tasks of the benchmark that are not among those `found`, and why.

    Raises:
        DataError: A list of tasks is missing or malformed.
    """
    told = table(root / DESCRIPTIONS, ("Task Name", "Family", "Origin"))
    about = {_key(name): (family, origin) for name, family, origin in told.itertuples(index=False)}
    named = [name for path in LISTS for name in task_names(root / path)]
    others = [name for name in told["Task Name"] if _key(name) not in {_key(n) for n in named}]
    derived = task_names(root / DERIVED)
    return tuple(_absent([*named, *others], derived, about, found))


def _absent(
    names: list[str],
    derived: tuple[str, ...],
    about: Mapping[str, tuple[str, str]],
    found: frozenset[str],
) -> Iterator[Absent]:
    have = {_key(name) for name in found}
    for name in dict.fromkeys(names):
        # "Pathology prognostics" stands for the seventeen that the list names one by one.
        if _key(name) in have or any(one.startswith(f"{name} - ") for one in names):
            continue
        family, origin = about.get(_key(name)) or about.get(_key(name.split(" - ")[0]), ("", ""))
        left = [one for one in derived if one.split(";")[0] == name and one not in found]
        why = _WHY.get(origin.strip(), "its labels are not in the mirror")
        yield Absent(task=name, group=family.capitalize(), why=why, derived=len(left))


def _key(name: str) -> str:
    """Return a task's name without what the benchmark's files spell differently."""
    return name.removesuffix(" (HPA)").casefold()
