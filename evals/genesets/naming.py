"""Scores names of gene clusters against the human labels of PerturbQA's enrichment task."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genesets.enrichment import Hit, enriched
from evals.genesets.library import Library
from evals.genesets.namer import DEFAULT, Rules, name_hits
from evals.genesets.wording import MEASURES, Remembering, compare
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.texts.encoder import Encoder

FILES = {
    "perturbation clusters": "perturbqa/k562_pert-gse.json",
    "gene clusters": "perturbqa/k562_gene-gse.json",
}
NAMERS = {
    "knockwise": "our namer; three parameters of its taste chosen on all other clusters (leave "
    "one out), its rules written with every label in view",
    "knockwise, default": "our namer as shipped; these clusters were seen while it was written",
    "top term": "over-representation by gseapy: the term of least P, as its database writes it",
    "random term": "the name of a set drawn from the library",
}
BASELINE = "top term"
TASTES = tuple(
    Rules(most, complexes, regulation)
    for most, complexes, regulation in product((1, 2, 3), (1.0, 1.15, 1.3), (0.5, 0.7, 1.0))
)
CHOSEN_BY = ("rouge_f1", "similarity")
"""The mean of these chooses the taste: recall alone would choose the longest names."""
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of genes with the name that people gave it; None where they gave none."""

    kind: str
    number: int
    genes: tuple[str, ...]
    label: str | None


def read_clusters(root: Path) -> list[Cluster]:
    """Return the clusters of both kinds, unnamed ones too.

    Raises:
        DataError: A file is missing.
    """
    out = []
    for kind, name in FILES.items():
        try:
            found = json.loads((root / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{root / name} is missing; run `knockwise data pull`.") from None
        out += [Cluster(kind, i, tuple(c["genes"]), c["label"]) for i, c in enumerate(found)]
    return out


def name_clusters(
    clusters: Sequence[Cluster],
    library: Library,
    encoder: Encoder,
    rng: np.random.Generator,
    progress: Progress,
) -> pd.DataFrame:
    """Return a row per namer and cluster: name, label, genes, terms, rules and the measures.

    The measures are nan where people gave no name; such a cluster chooses nothing either.
    """
    hits = []
    for i, cluster in enumerate(clusters):
        progress(f"naming cluster {i + 1} of {len(clusters)}", 0.1 + 0.7 * i / len(clusters))
        hits.append(enriched(cluster.genes, library))
    memory = Remembering(encoder)
    labelled = np.array([cluster.label is not None for cluster in clusters])
    labels = [cluster.label or "" for cluster in clusters]
    progress("comparing names", 0.8)
    names = {
        rules: [
            name_hits(library.approved(cluster.genes), found, rules).name
            for cluster, found in zip(clusters, hits, strict=True)
        ]
        for rules in TASTES
    }
    measured = {rules: compare(found, labels, memory) for rules, found in names.items()}
    worth = np.array([np.mean([measured[rules][m] for m in CHOSEN_BY], axis=0) for rules in TASTES])
    picked = leave_one_out(worth, labelled)
    drawn = rng.integers(len(library.sets), size=len(clusters))
    proposed = {
        "knockwise": [names[TASTES[taste]][i] for i, taste in enumerate(picked)],
        "knockwise, default": names[DEFAULT],
        "top term": [found[0].term.name if found else "" for found in hits],
        "random term": [library.sets[i].name for i in drawn],
    }
    tables = []
    for namer, found in proposed.items():
        scores = compare(found, labels, memory)
        table = pd.DataFrame(
            {
                "kind": [c.kind for c in clusters],
                "cluster": [c.number for c in clusters],
                "namer": namer,
                "name": found,
                "label": [c.label for c in clusters],
                "genes": [" ".join(c.genes) for c in clusters],
                "terms": [_first(found) for found in hits],
                "rules": [
                    json.dumps(asdict(TASTES[t])) if namer == "knockwise" else "" for t in picked
                ],
            }
        )
        for measure in MEASURES:
            table[measure] = np.where(labelled, scores[measure], np.nan)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def leave_one_out(worth: FloatArray, labelled: NDArray[np.bool_]) -> list[int]:
    """Return, per cluster, the taste of most worth on all other labelled clusters.

    Args:
        worth: Of each taste on each cluster `(tastes, clusters)`.
        labelled: Which clusters have a label.
    """
    known = np.where(labelled, worth, 0.0)
    rest = known.sum(1, keepdims=True) - known
    return [int(best) for best in rest.argmax(0)]


def score_names(table: pd.DataFrame, seed: int, draws: int = 1000) -> Iterator[Score]:
    """Yield the mean of each measure over labelled clusters, and gains over the top term."""
    labelled = table.dropna(subset="label")
    for kind, part in labelled.groupby("kind", sort=False):
        keys = {"about": "names", "kind": str(kind)}
        base = part[part.namer == BASELINE].set_index("cluster")
        for namer, mine in part.groupby("namer", sort=False):
            found, name = mine.set_index("cluster"), str(namer)
            draw = Resampler(range(len(found)), seed, draws)
            words = float(np.mean([len(one.split()) for one in found.name]))
            yield Score(name, "words", words, **keys)
            for measure in MEASURES:
                values = found[measure].to_numpy(np.float64)
                theirs = base[measure].loc[found.index].to_numpy(np.float64)
                rows = range(len(found))
                yield Score(name, measure, draw.mean(rows, values), **keys)
                ahead = draw.mean(rows, values - theirs)
                yield Gain(name, BASELINE, measure, ahead, **keys)


def _first(hits: Sequence[Hit]) -> str:
    return "; ".join(f"{h.term.name} ({h.term.source}, P {h.p:.1e})" for h in hits[:3])
