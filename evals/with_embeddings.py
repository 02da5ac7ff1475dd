"""Measures what Genen's embeddings add to the expression model, on perturbations held out.

    python -m evals.with_embeddings --data DIR --out FILE.json

The expression model's processes compare genes by families of annotations. Here the cosine of
Genen's embeddings joins them as one more family, or stands in for all; everything else, folds
included, stays. No response and no label of a property is in the embeddings.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from evals.folder import part
from evals.harness.metrics import FloatArray
from evals.harness.resampling import estimate, resamples
from evals.perturbqa.report import Table
from knowledge.files import replace_text
from knowledge.schema import Frozen
from models.expression import mirror
from models.expression.choice import TASKS, Task, distances, folds_of
from models.expression.genes import FAMILIES, GeneFeatures, Similarity, gene_features
from models.expression.kernel import KernelResidual
from models.expression.screens import ExpressionScreen
from models.expression.training import SHIPPED_CONTEXTS
from models.genen.model import SHIPPED, GenenModel, unit
from models.provenance import code_commit
from models.response.settings import Progress

KIND = "with-embeddings"
FOLDS = 5
DRAWS = 2000
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


class Difference(Frozen):
    """How far off held-out perturbations are with embeddings, beside without.

    Attributes:
        context: The screen.
        task: Unseen single genes, or unseen pairs of seen genes.
        similarity: What genes are compared by.
        perturbations: How many were held out.
        distance: Mean distance (L2) of prediction and measurement.
        without: The same with annotations alone.
        gain: Share of `without` that is gained, below zero lost: value and 95 % interval over
            perturbations.
    """

    context: str
    task: Task
    similarity: str
    perturbations: int
    distance: float
    without: float
    gain: tuple[float, float, float]


def measure(
    data: Path, weights: Path, contexts: Sequence[str], progress: Progress, seed: int = 0
) -> dict[str, Any]:
    """Return every difference, and what it was measured with, as a record.

    Args:
        data: A mirror, or a data folder with `sources`.
        weights: A Genen checkpoint.
        contexts: Screens of the mirror.
        progress: Told how far it has come.
        seed: Of folds and resamples.

    Raises:
        DataError: A source or the checkpoint is missing.
    """
    model = GenenModel.load(weights)
    screens = mirror.read_contexts(data, list(contexts))
    features = gene_features(data, sorted({g for screen in screens for g in screen.genes}), seed)
    index = {gene: row for row, gene in enumerate(model.genes)}
    directions = unit(model.embeddings).astype(np.float64)
    similarities: dict[str, Similarity] = {
        WITHOUT: features,
        JOINED: EmbeddedSimilarity(index, directions, features),
        ALONE: EmbeddedSimilarity(index, directions, None),
    }
    found: list[Difference] = []
    for done, screen in enumerate(screens):
        told = part(progress, done / len(screens), 1 / len(screens), screen.context)
        found += differences(screen, similarities, told, seed)
    progress("done", 1.0)
    return {
        "kind": KIND,
        "seed": seed,
        "folds": FOLDS,
        "commit": code_commit(),
        "embeddings": hashlib.sha256(model.embeddings.tobytes()).hexdigest(),
        "differences": [one.model_dump(mode="json") for one in found],
    }


def differences(
    screen: ExpressionScreen,
    similarities: Mapping[str, Similarity],
    progress: Progress,
    seed: int = 0,
) -> list[Difference]:
    """Return what each similarity gains over the first, on the same held-out perturbations."""
    found = []
    for task in TASKS:
        folds = folds_of(screen, task, FOLDS, seed)
        if not folds:
            continue
        off: dict[str, FloatArray] = {}
        for number, (name, one) in enumerate(similarities.items()):
            progress(f"{task}, {name}", number / len(similarities))
            off[name] = distances(KernelResidual(one), screen, folds, seed).astype(np.float64)
        base = next(iter(similarities))
        drawn = resamples(len(off[base]), DRAWS, np.random.default_rng(seed))
        for name, far in off.items():
            if name == base:
                continue
            gained = 1 - (far @ drawn) / (off[base] @ drawn)
            value = 1 - float(far.sum() / off[base].sum())
            interval = estimate(value, gained.astype(np.float64), len(far))
            found.append(
                Difference(
                    context=screen.context,
                    task=task,
                    similarity=name,
                    perturbations=len(far),
                    distance=float(far.mean()),
                    without=float(off[base].mean()),
                    gain=(interval.value, interval.low, interval.high),
                )
            )
    return found


def as_markdown(record: dict[str, Any]) -> str:
    """Return the record as a section of the scoreboard."""
    found = [Difference.model_validate(one) for one in record["differences"]]
    rows = tuple(
        (
            one.context,
            one.task,
            one.similarity,
            f"{one.perturbations:,}",
            f"{one.without:.3f}",
            f"{one.distance:.3f}",
            "{:+.1%} [{:+.1%}, {:+.1%}]".format(*one.gain),
        )
        for one in found
    )
    names = (
        "context", "held out", "genes compared by", "n", "L2 without", "L2 with", "gain",
    )  # fmt: skip
    return "\n\n".join(
        [
            "## Expression responses with Genen's embeddings",
            "The expression model's processes, genes compared by annotations alone, by annotations "
            "with the cosine of Genen's embeddings as a seventh family, or by that cosine alone. "
            f"{record['folds']} folds over genes or pairs, the same for all; distance (L2) over "
            "the readouts that are scored; gain is the share of the distance without embeddings, "
            f"with a 95 % interval over perturbations. {_verdict(found)}",
            Table(names, rows).markdown(),
        ]
    )


def _verdict(found: Sequence[Difference]) -> str:
    """Return in how many comparisons the interval leaves out zero."""
    said = []
    for name in (JOINED, ALONE):
        mine = [one.gain for one in found if one.similarity == name]
        better = sum(low > 0 for _, low, _ in mine)
        worse = sum(high < 0 for _, _, high in mine)
        mean = float(np.mean([value for value, _, _ in mine])) if mine else 0.0
        said.append(
            f"{name}: clearly nearer in {better}, clearly farther in {worse} of {len(mine)} "
            f"comparisons, mean gain {mean:+.1%}."
        )
    return " ".join(said)


def main(
    data: Annotated[Path, typer.Option(help="Mirror, or a data folder with sources.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
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

    record = measure(data, weights, context or SHIPPED_CONTEXTS, told, seed)
    replace_text(out, json.dumps(record, indent=1) + "\n")
    typer.echo(as_markdown(record))


if __name__ == "__main__":
    typer.run(main)
