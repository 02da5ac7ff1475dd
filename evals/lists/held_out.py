"""Atlases of models that never saw a fold's perturbations in any line, made once and kept.

FittedEvidence is fitted without the fold, and the trees are fitted to the other folds alone, whose
features were each made without their own fold.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from knowledge.files import replacing
from knowledge.progress import Progress
from knowledge.symbols import SymbolTable
from models.inputs.screens import IntArray, Rows, Screens, folds
from models.response import ResponseModel
from models.response.batch import BatchPredictor, Parts
from models.response.corpus import Corpus, GeneVocabulary
from models.response.features import FittedEvidence
from models.response.field import FloatArray
from models.response.held_out import fit_to, pair_features, pairs_of
from models.response.settings import TrainingSettings
from models.response.trees import fit_task
from tools.lists.atlas import Atlas, Builder, open_atlas


class HeldOutAtlases:
    """The atlas of each fold, over the perturbations of the screens.

    Args:
        model: The shipped model; its rows and its knowledge of genes are what is fitted to.
        folder: Where features and atlases are kept.
        n_folds: Into how many the perturbations are parted.
        seed: Of the parting and of the trees.
        progress: Told what is being done.
    """

    def __init__(
        self, model: ResponseModel, folder: Path, n_folds: int, seed: int, progress: Progress
    ) -> None:
        self._model, self._folder, self._progress = model, folder, progress
        self.n_folds = n_folds
        self._run = TrainingSettings(setting="strict", seed=seed, folds=n_folds, threads=1)
        self._evidence = lru_cache(maxsize=1)(self._fit)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def perturbations(self) -> tuple[str, ...]:
        """Return the perturbations of the screens."""
        return self._corpus.screens.perturbations

    @cached_property
    def fold_of(self) -> dict[str, int]:
        """Return the fold of every perturbation."""
        rows = self._rows
        return {
            self.perturbations[pert]: int(fold)
            for pert, fold in zip(rows.pert, self._fold, strict=True)
        }

    def atlas(self, fold: int, lines: Sequence[str]) -> Atlas:
        """Return the atlas of the model that never saw `fold`; makes what is missing of it."""
        version = f"fold-{fold}-of-{self.n_folds}-{self._run.seed}"
        folder = self._folder / version
        predictor: BatchPredictor | None = None
        for line in lines:
            found = open_atlas(folder, version)
            if len(found.perturbations(line)) == len(self.perturbations):
                continue
            predictor = predictor or BatchPredictor(self._parts(fold))
            builder = Builder(folder, predictor, version)
            for part in builder.missing([line], self.perturbations):
                self._progress(f"fold {fold + 1}: predicting {line}, part {part[1] + 1}", 0.5)
                builder.build(*part)
        return open_atlas(folder, version)

    @property
    def _rows(self) -> Rows:
        return self._corpus.screens.rows

    @cached_property
    def _fold(self) -> IntArray:
        rng = np.random.default_rng(self._run.seed)
        return folds(self._rows, "strict", self.n_folds, rng)

    @cached_property
    def _corpus(self) -> Corpus:
        model = self._model
        symbols = tuple(model._gene)
        perturbations = tuple(symbols[i] for i in model._pert_gene)
        readouts = tuple(symbols[i] for i in model._readout_gene)
        return Corpus(
            Screens(model._rows, perturbations, readouts, {}),
            SymbolTable(model.genes()),
            GeneVocabulary(symbols, model._pert_gene, model._readout_gene),
            model._facts,
            model._relatives,
        )

    def _fit(self, fold: int) -> FittedEvidence:
        self._progress(f"fold {fold + 1}: fitting without it", 0.1)
        seen = self._rows.take(self._fold != fold)
        return fit_to(seen, self._corpus, self._model._between, self._run.rank)

    def _features(self, fold: int) -> tuple[FloatArray, tuple[str, ...]]:
        """Return what a fold's rows look like to a model that never saw it."""
        path = self._folder / f"features-{fold}-of-{self.n_folds}-{self._run.seed}.npz"
        if not path.is_file():
            asked = pairs_of(self._rows.take(self._fold == fold), self._corpus)
            evidence = self._evidence(fold)
            table, names = pair_features(asked, evidence, self._corpus, self._model._between)
            with replacing(path) as draft, draft.open("wb") as file:
                np.savez(file, features=table, names=np.array(names))
        with np.load(path, allow_pickle=False) as stored:
            return stored["features"], tuple(stored["names"].tolist())

    def _parts(self, fold: int) -> Parts:
        others = [other for other in range(self.n_folds) if other != fold]
        found = [self._features(other) for other in others]
        names = found[0][1]
        features = np.vstack([table for table, _ in found])
        del found
        seen = [self._rows.take(self._fold == other) for other in others]
        rows = Rows(
            *(np.concatenate([getattr(part, name) for part in seen])
              for name in ("line", "pert", "readout", "de", "up"))
        )  # fmt: skip
        self._progress(f"fold {fold + 1}: fitting trees", 0.3)
        trees = tuple(fit_task(features, rows, task, names, self._run) for task in ("de", "up"))
        model = self._model
        return Parts(
            genes=model._gene,
            own=model._own,
            relatives=model._relatives,
            between=model._between,
            evidence=self._evidence(fold),
            facts=model._facts,
            readout_genes=model._readout_gene,
            names=names,
            trees=(trees[0], trees[1]),
            calibration=model._calibration,
        )
