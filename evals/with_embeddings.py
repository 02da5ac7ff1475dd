"""Measures what Genen's embeddings add to the expression model, on perturbations held out.

    python -m evals.with_embeddings --data DIR --out FOLDER

The expression model's processes compare genes by families of annotations. Here the cosine of
Genen's embeddings joins them as one more family, or stands in for all; everything else, folds
included, stays. No response and no label of a property is in the embeddings.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import Field

from evals.harness.benchmark import Benchmark
from evals.harness.metrics import FloatArray
from evals.harness.page import Page, Record, Section
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, part
from evals.harness.scores import Gain, Measure, Results, Score, Scores
from evals.harness.tables import percent, table
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models import expression
from models.expression import mirror
from models.expression.choice import TASKS, distances, folds_of
from models.expression.genes import FAMILIES, GeneFeatures, Similarity, gene_features
from models.expression.kernel import KernelResidual
from models.expression.screens import ExpressionScreen
from models.expression.training import SHIPPED_CONTEXTS
from models.genen.model import SHIPPED, GenenModel, unit
from models.inputs import annotations

KIND = "with-embeddings"
FOLDS = 5
DRAWS = 2000
DISTANCE = Measure(name="L2", better="less", relative=True)
WITHOUT, JOINED, ALONE = "annotations", "annotations and Genen", "Genen alone"


@dataclass(frozen=True, eq=False)
class EmbeddedSimilarity:
    """Similarity of genes by Genen's embeddings, and by annotations besides.

    Attributes:
        index: Row of each gene in `directions`.
        directions: Embeddings of unit length `(genes, d)`.
        features: Annotations, of which each family counts as much as the embeddings; `None`: the
            embeddings alone.
    """

    index: Mapping[str, int]
    directions: FloatArray
    features: GeneFeatures | None

    def between(self, genes: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
        """Return the similarity `(genes, others)`; of a gene without embedding, by annotations.

        Raises:
            UnknownGeneError: Nothing is known of one of them in the annotations.
        """
        found = np.clip(self._vectors(genes) @ self._vectors(others).T, 0, 1)
        if self.features is not None:
            families = len(FAMILIES)
            known = self.features.between(genes, others)
            found = (families * known + found) / (families + 1)
        same = np.array([[gene == other for other in others] for gene in genes])
        return np.where(same, 1, found).astype(np.float32)

    def _vectors(self, genes: Sequence[str]) -> FloatArray:
        out = np.zeros((len(genes), self.directions.shape[1]))
        for row, gene in enumerate(genes):
            if gene in self.index:
                out[row] = self.directions[self.index[gene]]
        return out


class EmbeddingsEval(Frozen):
    """What is measured; another value is another run."""

    contexts: tuple[str, ...] = Field(SHIPPED_CONTEXTS, description="Screens of the mirror.")
    seed: int = Field(0, description="Of folds and resamples.")
    folds: int = Field(FOLDS, description="Of the cross-validation.")


def evaluate(
    data: Path, weights: Path, out: Path, settings: EmbeddingsEval, progress: Progress
) -> Results:
    """Return how far off held-out perturbations are with embeddings, beside without.

    Args:
        data: A mirror, or a data folder with `sources`.
        weights: A Genen checkpoint.
        out: The run folder.
        settings: What is measured.
        progress: Told how far it has come.

    Raises:
        DataError: A source or the checkpoint is missing.
        RunError: `out` holds another run.
    """
    model = GenenModel.load(weights)
    root = sources_root(data)
    names = [*mirror.files(settings.contexts), *annotations.FILES]
    version = hashlib.sha256(model.embeddings.tobytes()).hexdigest()
    modules = (expression, sys.modules[__name__])
    inputs = Inputs({name: root / name for name in names}, modules, {"embeddings": version})
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(data, model, run, settings), progress
    )


def _evaluated(data: Path, model: GenenModel, run: Run, settings: EmbeddingsEval) -> Results:
    screens = mirror.read_contexts(data, list(settings.contexts))
    known = sorted({g for screen in screens for g in screen.genes})
    features = gene_features(data, known, settings.seed)
    index = {gene: row for row, gene in enumerate(model.genes)}
    directions = unit(model.embeddings).astype(np.float64)
    similarities: dict[str, Similarity] = {
        WITHOUT: features,
        JOINED: EmbeddedSimilarity(index, directions, features),
        ALONE: EmbeddedSimilarity(index, directions, None),
    }
    found: list[Score] = []
    for done, screen in enumerate(screens):
        told = part(run.progress, done / len(screens), 1 / len(screens), screen.context)
        found += run.scores(
            screen.context,
            partial(differences, screen, similarities, told, settings.seed, settings.folds),
        )
    return Results.of(KIND, found)


def differences(
    screen: ExpressionScreen,
    similarities: Mapping[str, Similarity],
    progress: Progress,
    seed: int = 0,
    folds: int = FOLDS,
) -> Iterator[Score]:
    """Yield distances, and what each similarity gains over the first on the same perturbations."""
    for task in TASKS:
        parts = folds_of(screen, task, folds, seed)
        if not parts:
            continue
        off: dict[str, FloatArray] = {}
        for number, (name, one) in enumerate(similarities.items()):
            progress(f"{task}, {name}", number / len(similarities))
            off[name] = distances(KernelResidual(one), screen, parts, seed).astype(np.float64)
        base = next(iter(similarities))
        rows = range(len(off[base]))
        draw = Resampler(rows, seed, DRAWS)
        means = {name: draw.mean(rows, far) for name, far in off.items()}
        for name, mean in means.items():
            yield Score(name, "distance", mean, context=screen.context, task=task)
            if name != base:
                gain = DISTANCE.ahead(mean, means[base])
                yield Gain(name, base, "distance", gain, context=screen.context, task=task)


def page(record: Record) -> Page:
    """Return the page of a run."""
    scores = record.results.scores
    found = scores.plain.by("context", "task", "predictor")
    rows = [
        (
            gain["context"],
            gain["task"],
            gain.predictor,
            f"{gain.value.n:,}",
            f"{found[gain['context'], gain['task'], gain.than].value.value:.3f}",
            f"{found[gain['context'], gain['task'], gain.predictor].value.value:.3f}",
            percent(gain, "+"),
        )
        for gain in scores.gains
    ]
    header = ("context", "held out", "genes compared by", "n", "L2 without", "L2 with", "gain")
    how = (
        "The expression model's processes, genes compared by annotations alone, by annotations "
        "with the cosine of Genen's embeddings as a seventh family, or by that cosine alone. "
        f"{record.settings['folds']} folds over genes or pairs, the same for all; distance (L2) "
        "over the readouts that are scored; gain is the share of the distance without embeddings, "
        f"with a 95 % interval over perturbations. {_verdict(scores)}"
    )
    sections = (Section("", "", (table(header, rows),)),)
    title = "Expression responses with Genen's embeddings"
    return Page(title, (how,), record.made(), sections)


def _verdict(scores: Scores) -> str:
    """Return in how many comparisons the interval leaves out zero."""
    said = []
    for name in (JOINED, ALONE):
        mine = [gain.value for gain in scores.where(predictor=name).gains]
        better, worse = (sum(one.low > 0 for one in mine), sum(one.high < 0 for one in mine))
        mean = float(np.mean([one.value for one in mine])) if mine else 0.0
        said.append(
            f"{name}: clearly nearer in {better}, clearly farther in {worse} of {len(mine)} "
            f"comparisons, mean gain {mean:+.1%}."
        )
    return " ".join(said)


BENCHMARK = Benchmark(KIND, page, lambda results: _verdict(results.scores))


def main(
    data: Annotated[Path, typer.Option(help="Mirror, or a data folder with sources.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    weights: Annotated[Path, typer.Option(help="Genen checkpoint.")] = SHIPPED,
    context: Annotated[
        list[str] | None,
        typer.Option(help="Context of the mirror, repeatable; those of the shipped model."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds and resamples.")] = 0,
) -> None:
    """Write what Genen's embeddings add to the expression model."""

    def told(what: str, done: float) -> None:
        typer.echo(f"{done:4.0%} {what}", err=True)

    settings = EmbeddingsEval(contexts=tuple(context or SHIPPED_CONTEXTS), seed=seed)
    evaluate(data, weights, out, settings, told)
    typer.echo((out / "scoreboard.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
