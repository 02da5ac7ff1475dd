"""Fits the response model in memory to what a setting shows, and predicts whole tables of pairs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.sources.genes import sources_root
from models.inputs.screens import (
    CELL_LINES,
    UNKNOWN,
    BoolArray,
    IntArray,
    Rows,
    Setting,
    tested_perturbations,
)
from models.response.calibration import Calibration, fit_calibration
from models.response.corpus import Corpus, read_corpus
from models.response.ensemble import Ensemble
from models.response.features import FEATURE_FAMILIES, FittedEvidence
from models.response.field import FloatArray
from models.response.held_out import (
    HeldOut,
    Pairs,
    fit_to,
    held_out_features,
    pair_features,
)
from models.response.model import LEAST_SIMILARITY, NO_GENE, NO_READOUT, NO_RELATIVE
from models.response.settings import TrainingSettings
from models.response.similarity import similarity_to
from models.response.trees import fit_task, held_out_scores

__all__ = [
    "CONTROL_FEATURES", "FEATURE_FAMILIES", "Corpus", "FittedModel", "HeldOut", "TrainingSettings",
    "Unit", "fit_model", "read_corpus", "units", "visible_rows",
]  # fmt: skip

CONTROL_FEATURES = (
    "de_prior", "de_strength_elsewhere", "de_exact_elsewhere", "de_vote",
    "up_prior", "up_strength_elsewhere", "up_exact_elsewhere", "up_vote",
)  # fmt: skip
"""Features that are predictors of their own."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What one fit of a setting may be tested on.

    Attributes:
        name: `all`, or the line in `strict`.
        cell_lines: The lines whose test rows the fit may predict.
    """

    name: str
    cell_lines: tuple[str, ...]


def units(setting: Setting, cell_lines: Sequence[str]) -> tuple[Unit, ...]:
    """Return the fits that testing in `cell_lines` needs: one, or one per line in `strict`."""
    if setting == "strict":
        return tuple(Unit(line, (line,)) for line in cell_lines)
    return (Unit("all", tuple(cell_lines)),)


def visible_rows(corpus: Corpus, data: Path, setting: Setting, unit: Unit) -> BoolArray:
    """Return which training rows the fit of `unit` may see.

    `strict` hides the rows of the lines' test perturbations in every line; the other settings show
    all training rows. No test label is read.

    Raises:
        DataError: A label file is missing.
    """
    rows = corpus.screens.rows
    if setting != "strict":
        return np.ones(len(rows), np.bool_)
    root = sources_root(data)
    tested = set[str]().union(
        *(tested_perturbations(root, line, corpus.symbols) for line in unit.cell_lines)
    )
    shown = np.array([pert not in tested for pert in corpus.screens.perturbations])
    return shown[rows.pert]


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model in memory, fitted to what a setting shows.

    Attributes:
        corpus: What it was fitted to.
        run: How.
        rows: The visible training rows.
        held_out: Per row of `rows`: fold, features, raw scores.
        calibrations: Curves of `de` and `up`, fitted to the held-out scores.
        similarity: Between perturbations.
        evidence: What the features of new pairs are made from, fitted to all visible rows.
        trees: Of `de` and `up`, fitted to all held-out features.
    """

    corpus: Corpus
    run: TrainingSettings
    rows: Rows
    held_out: HeldOut
    calibrations: Mapping[str, Calibration]
    similarity: FloatArray
    evidence: FittedEvidence
    trees: Mapping[str, Ensemble]

    def features(self, pairs: pd.DataFrame) -> tuple[FloatArray, tuple[str, ...]]:
        """Return the features of `pairs` and their names; nan for a gene nothing is known of.

        Args:
            pairs: Columns `pert`, `gene` (approved symbols) and `cell_line`.
        """
        asked = self.asked(pairs)
        return self._features(asked), self.held_out.names

    def predict(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Return a prediction per row of `pairs`, under the same index.

        A pair that was trained on is predicted from the fold that did not see it. Where the model
        abstains, the prior of the readout stands in.

        Args:
            pairs: Columns `pert`, `gene` (approved symbols) and `cell_line`.

        Returns:
            `p_de`, `p_up`, their 90 % intervals `p_de_low` ..., `abstained`, `reason`, and a column
            per name in `CONTROL_FEATURES`.

        Raises:
            QuestionError: A cell line is unknown.
        """
        asked = self.asked(pairs)
        features = self._features(asked)
        nearest, seen = self._support(asked)
        read = asked.readout != UNKNOWN
        read[read] = self.evidence.de.count[asked.line[read], asked.readout[read]] > 0
        alone = (asked.gene != UNKNOWN) & (nearest < LEAST_SIMILARITY) & ~seen
        abstained = (asked.gene == UNKNOWN) | alone | ~read
        row = self._trained_row(asked)
        columns: dict[str, NDArray[np.generic]] = {}
        for name, score in (("de", self.held_out.changed), ("up", self.held_out.up)):
            p = self._prior(name, asked, read)
            p[~abstained] = self._probability(name, features, asked.line, ~abstained)
            stored = (row != UNKNOWN) & ~abstained
            stored[stored] = np.isfinite(score[row[stored]])
            p[stored] = self.calibrations[name].probability(score[row[stored]], asked.line[stored])
            low, high = self.calibrations[name].interval(p, nearest)
            columns[f"p_{name}"] = p
            columns[f"p_{name}_low"] = np.where(read, low, 0.0)
            columns[f"p_{name}_high"] = np.where(read, high, 1.0)
        columns["abstained"] = abstained
        out = pd.DataFrame(columns, index=pairs.index)
        out["reason"] = [
            NO_GENE.format(pert)
            if gene == UNKNOWN
            else NO_READOUT.format(readout, line)
            if not known
            else NO_RELATIVE.format(pert)
            if lonely
            else ""
            for pert, readout, line, gene, known, lonely in zip(
                pairs.pert, pairs.gene, pairs.cell_line, asked.gene, read, alone, strict=True
            )
        ]
        for name in CONTROL_FEATURES:
            out[name] = features[:, self.held_out.names.index(name)]
        return out

    def asked(self, pairs: pd.DataFrame) -> Pairs:
        """Return `pairs` as indices into the vocabulary, -1 for what is not in it.

        Raises:
            QuestionError: A cell line is unknown.
        """
        unknown = sorted(set(pairs.cell_line) - set(CELL_LINES))
        if unknown:
            raise QuestionError(
                f"The response model knows no cell line {unknown[0]}; "
                f"choose one of {', '.join(CELL_LINES)}."
            )
        genes, screens = self.corpus.vocabulary.genes, self.corpus.screens
        return Pairs(
            pd.Index(CELL_LINES).get_indexer(pd.Index(pairs.cell_line)).astype(np.int64),
            pd.Index(genes).get_indexer(pd.Index(pairs.pert)).astype(np.int64),
            pd.Index(screens.readouts).get_indexer(pd.Index(pairs.gene)).astype(np.int64),
        )

    def _features(self, asked: Pairs) -> FloatArray:
        known = (asked.gene != UNKNOWN) & (asked.readout != UNKNOWN)
        table = np.full((len(known), len(self.held_out.names)), np.nan, np.float32)
        if known.any():
            part = Pairs(asked.line[known], asked.gene[known], asked.readout[known])
            table[known], _ = pair_features(part, self.evidence, self.corpus, self.similarity)
        return table

    def _support(self, asked: Pairs) -> tuple[NDArray[np.float64], BoolArray]:
        """Return how near the nearest perturbed gene is, and whether the gene itself was perturbed.

        Both per pair; 0 and False for an unknown gene.
        """
        vocabulary = self.corpus.vocabulary
        genes, which = np.unique(asked.gene, return_inverse=True)
        own = np.full(len(vocabulary.genes) + 1, UNKNOWN)
        own[vocabulary.perturbations] = np.arange(len(vocabulary.perturbations))
        own = own[genes]
        nearest = similarity_to(self.corpus.relatives, self.similarity, genes, own).max(
            1, initial=0
        )
        nearest[genes == UNKNOWN] = 0
        seen = (own != UNKNOWN) & (self.evidence.de.n_rows.sum(0)[own] > 0)
        return nearest[which].astype(np.float64), seen[which]

    def _prior(self, name: str, asked: Pairs, read: BoolArray) -> NDArray[np.float64]:
        """Return the readout's prior; without one, the line's mean rate, and either direction."""
        task = self.evidence.de if name == "de" else self.evidence.up
        out = np.full(len(read), 0.5)
        if name == "de":
            measured = self.evidence.de.count > 0
            means = [float(p[m].mean()) for p, m in zip(task.prior, measured, strict=True)]
            out = np.array(means)[asked.line]
        out[read] = task.prior[asked.line[read], asked.readout[read]]
        return out

    def _probability(
        self, name: str, features: FloatArray, line: IntArray, use: BoolArray
    ) -> NDArray[np.float64]:
        if not use.any():
            return np.zeros(0)
        score = self.trees[name].raw_score(features[use], self.run.threads)
        return self.calibrations[name].probability(score, line[use])

    def _trained_row(self, asked: Pairs) -> IntArray:
        """Return the training row of each pair, -1 where it was not trained on."""
        vocabulary = self.corpus.vocabulary
        shape = (len(CELL_LINES), len(vocabulary.genes), len(vocabulary.readouts))
        genes = vocabulary.perturbations[self.rows.pert]
        key = np.ravel_multi_index((self.rows.line, genes, self.rows.readout), shape)
        known = (asked.gene != UNKNOWN) & (asked.readout != UNKNOWN)
        wanted = np.ravel_multi_index(
            (asked.line[known], asked.gene[known], asked.readout[known]), shape
        )
        out = np.full(len(known), UNKNOWN)
        out[known] = pd.Index(key).get_indexer(wanted)
        return out


def fit_model(
    corpus: Corpus,
    run: TrainingSettings,
    cache: Path | None,
    progress: Progress,
    visible: BoolArray | None = None,
) -> FittedModel:
    """Fit the model: held-out features and scores, calibration, final trees and evidence.

    Args:
        corpus: What was read.
        run: Setting, seed, folds and the size of things.
        cache: Folder in which finished folds survive an interruption.
        progress: Told what is being done.
        visible: Which rows of the corpus may be seen; all where it is left out.
    """
    rows = corpus.screens.rows if visible is None else corpus.screens.rows.take(visible)
    folder = None
    if cache:
        folder = cache / run_key(corpus, rows, run)
        folder.mkdir(parents=True, exist_ok=True)
    fold, features, names = held_out_features(corpus, rows, run, folder, progress)
    progress("held-out scores of P(DE)", 0.7)
    changed = held_out_scores(fold, features, rows, "de", names, run, folder)
    progress("held-out scores of P(up | DE)", 0.85)
    up = held_out_scores(fold, features, rows, "up", names, run, folder)
    held = HeldOut(fold, features, names, changed, up)
    progress("final fit", 0.9)
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    trees = {task: fit_task(features, rows, task, names, run) for task in ("de", "up")}
    return FittedModel(
        corpus,
        run,
        rows,
        held,
        calibrations(rows, held, similarity.max(1, initial=0)[rows.pert]),
        similarity,
        fit_to(rows, corpus, similarity, run.rank),
        trees,
    )


def calibrations(rows: Rows, held: HeldOut, nearest: FloatArray) -> dict[str, Calibration]:
    """Fit both calibrations to held-out scores; `nearest` is per row."""
    block = rows.line * (int(rows.pert.max()) + 1) + rows.pert
    out = {}
    for name, score, label in (("de", held.changed, rows.de), ("up", held.up, rows.up)):
        use = np.isfinite(score)
        out[name] = fit_calibration(
            score[use], label[use], rows.line[use], block[use], nearest[use].astype(np.float64)
        )
    return out


def run_key(corpus: Corpus, rows: Rows, run: TrainingSettings) -> str:
    """Return a hash of everything the held-out features depend on."""
    digest = hashlib.sha256()
    digest.update(json.dumps(asdict(run), sort_keys=True).encode())
    for values in (rows.line, rows.pert, rows.readout, rows.de, rows.up):
        digest.update(np.ascontiguousarray(values).tobytes())
    for matrix in corpus.sets.members if corpus.sets else ():
        for values in (matrix.indptr, matrix.indices, matrix.data):
            digest.update(values.tobytes())
    digest.update(corpus.relatives.index.tobytes())
    digest.update(corpus.relatives.level.tobytes())
    for module in ("features.py", "field.py", "held_out.py", "signed_sets.py"):
        digest.update((Path(__file__).parent / module).read_bytes())
    return digest.hexdigest()[:16]
