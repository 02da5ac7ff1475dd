"""Runs the gene-set benchmarks into a folder; a run that was stopped goes on with what it has.

metrics.json          every figure, with hashes of data, seed and commit
predictions.parquet   every official test row of the set tasks
names.tsv             every cluster, what each namer calls it, and what people did
scoreboard.md         the tables
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evals.folder import part
from evals.genesets import labels, naming
from evals.genesets.library import library_files, read_library
from evals.genesets.naming import NameScore, name_clusters, names_as_markdown, read_clusters
from evals.genesets.score import (
    PREDICTIONS,
    SetScore,
    held_out_predictions,
    official_predictions,
    score_sets,
    sets_as_markdown,
)
from evals.genesets.stack import SetSettings, fit_sets
from evals.genesets.wording import HOW
from evals.genesets.world import read_world
from knowledge.files import replace_text
from knowledge.sources.registry import sha256_of
from knowledge.texts.encoder import load_encoder
from models.provenance import code_commit
from models.response import annotations
from models.response.annotations import sources_root
from models.response.screens import SCREEN_FILES, Setting
from models.response.settings import Progress

SETTINGS: tuple[Setting, ...] = ("multi", "strict")


def run(data: Path, out: Path, seed: int, progress: Progress) -> dict[str, Any]:
    """Run both benchmarks and return what `metrics.json` holds.

    Args:
        data: Folder that holds `perturbqa/`, `knowledge/` and `networks/`.
        out: The run folder.
        seed: Of everything that is drawn.
        progress: Told what is being done and how far it is.

    Raises:
        DataError: A file is missing.
    """
    root = sources_root(data)
    library_files(root)
    out.mkdir(parents=True, exist_ok=True)
    k562_set = {**_provenance(_set_files(root), root, seed), **_sets(root, out, seed, progress)}
    gse = {**_provenance(_name_files(root), root, seed), **_names(root, out, seed, progress)}
    metrics = {"k562_set": k562_set, "gse": gse}
    replace_text(out / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    (out / "scoreboard.md").write_text(as_markdown(metrics) + "\n", encoding="utf-8")
    shutil.rmtree(out / "partial", ignore_errors=True)
    progress("done", 1.0)
    return metrics


def as_markdown(metrics: dict[str, Any]) -> str:
    """Return the tables of a run as Markdown."""
    sets = [SetScore.model_validate(one) for one in metrics["k562_set"]["scores"]]
    names = [NameScore.model_validate(one) for one in metrics["gse"]["scores"]]
    encoder = metrics["gse"]["encoder"]["name"]
    how = {name: text.format(encoder=encoder) for name, text in HOW.items()}
    tested = next(score for score in sets if score.split == "test")
    return "\n".join(
        [
            "## Gene sets: which sets a knockdown in K562 changes",
            "",
            f"Macro per-set AUROC over {tested.auroc.n} test perturbations and {tested.sets} sets, "
            "95 % intervals by bootstrap over perturbations. A perturbation that is asked about "
            "has all its K562 rows hidden, those of genes too; `multi` leaves its training rows in "
            "other lines, `strict` hides these as well.",
            "",
            sets_as_markdown(sets),
            "",
            "## Gene-set enrichment: what to call a cluster of genes",
            "",
            names_as_markdown(names, how),
        ]
    )


def _sets(root: Path, out: Path, seed: int, progress: Progress) -> dict[str, Any]:
    """Fit and score both settings."""
    world = read_world(root, part(progress, 0.0, 0.1))
    symbols = annotations.read_symbols(root)
    tested, scores = [], []
    for number, setting in enumerate(SETTINGS):
        told = part(progress, 0.1 + 0.35 * number, 0.35, setting)
        run = SetSettings(setting=setting, seed=seed)
        model = fit_sets(world, run, out / "partial", told)
        told("scoring", 0.95)
        scores += score_sets(held_out_predictions(world, model, setting, seed), "cv", seed)
        tested.append(official_predictions(world, model, setting, seed, root, symbols))
    table = pd.concat(tested, ignore_index=True)
    scores += score_sets(table, "test", seed)
    table[PREDICTIONS].to_parquet(out / "predictions.parquet", index=False)
    return {"scores": [score.model_dump() for score in scores]}


def _names(root: Path, out: Path, seed: int, progress: Progress) -> dict[str, Any]:
    """Name the clusters and score the names."""
    told = part(progress, 0.8, 0.2)
    told("reading named gene sets", 0.0)
    library, encoder = read_library(root), load_encoder()
    clusters = read_clusters(root)
    table = name_clusters(clusters, library, encoder, np.random.default_rng(seed), told)
    table.to_csv(out / "names.tsv", sep="\t", index=False)
    return {
        "scores": [score.model_dump() for score in naming.score_names(table, seed)],
        "encoder": {"name": encoder.name, "fingerprint": encoder.fingerprint},
        "library": {"sets": len(library.sets), "genes": len(library.background)},
        "without_label": sum(cluster.label is None for cluster in clusters),
    }


def _set_files(root: Path) -> list[Path]:
    return [root / name for name in (*labels.FILES, *SCREEN_FILES, *annotations.FILES)]


def _name_files(root: Path) -> list[Path]:
    return [*(root / name for name in naming.FILES.values()), *library_files(root).values()]


def _provenance(files: list[Path], root: Path, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "commit": code_commit(),
        "data": {path.relative_to(root).as_posix(): sha256_of(path) for path in files},
    }
