"""Everything that is scored, in one place: the baselines, the reference, ours and its ablations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evals.phenotypes.facts import Role
from evals.phenotypes.splits import GeneSplit, SplitName
from models.genepheno.baselines import (
    Aligner,
    CompositionLogistic,
    DenseNetwork,
    FloatArray,
    HomologyTransfer,
    NearestSequence,
    PhenotypePredictor,
    TermFrequency,
    TrueFunctions,
)
from models.genepheno.ontology import GeneFunctions, IntArray
from models.genepheno.phenotypes import Collection, PhenotypeLabels
from models.genepheno.predictor import GenePheno, PhenotypeSettings, Workbench
from models.genepheno.sequences import Protein

OURS = "GenePheno"
ABLATED: tuple[Collection, ...] = ("mp", "hpo")
"""Collections in which ours is also trained without each of its parts."""
REQUIRED = (TermFrequency.name, NearestSequence.name, CompositionLogistic.name)
"""The baselines that the model has to beat."""


@dataclass(frozen=True, eq=False)
class Task:
    """One collection under one split.

    Attributes:
        collection: Whose terms.
        split: How genes are held out.
        labels: A row per gene.
        proteins: The protein of each row.
        folds: Those that are scored.
    """

    collection: Collection
    split: SplitName
    labels: PhenotypeLabels
    proteins: tuple[Protein, ...]
    folds: tuple[GeneSplit, ...]


@dataclass(eq=False)
class World:
    """What predictors may know besides the labels.

    Attributes:
        data: Root of the data.
        align: Looks up the alignments that splits and baselines use.
        bench: Functions, vectors and alignments that fits of ours share.
        proteins: The protein of every gene that has one, labelled or not.
        family: Of each of them; relatives by any chain share theirs `(proteins,)`.
        background: By collection, labels of genes without a sequence, with the same terms.
        labelled: Genes of any collection; of others, which may be withheld, nothing is learnt.
        language: Compares proteins by a protein language model too, where one is named.
    """

    data: Path
    align: Aligner
    bench: Workbench
    proteins: tuple[Protein, ...]
    family: IntArray
    background: dict[Collection, PhenotypeLabels]
    labelled: frozenset[str]
    language: Workbench | None = None
    _functions: dict[tuple[str, ...], GeneFunctions] = field(default_factory=dict)

    def functions(self, task: Task, fold: GeneSplit) -> GeneFunctions:
        """Return what GO says of genes; training genes decide which terms count."""
        counted = tuple(task.labels.genes[row] for row in fold.train)
        if counted not in self._functions:
            # Of the last fold only: each holds tens of megabytes.
            self._functions.clear()
            self._functions[counted] = self.bench.functions.common(counted)
        return self._functions[counted]

    def reference(self, task: Task, fold: GeneSplit) -> tuple[Protein, ...]:
        """Return proteins that may be learnt from besides those of a fold, by their functions.

        None is of a tested gene; where families are held out, none is of a tested family.
        """
        tested = {task.labels.genes[row] for row in fold.test}
        held = [number for number, one in enumerate(self.proteins) if one.gene in tested]
        families = set(self.family[held].tolist()) if task.split == "homology" else set()
        allowed = self.labelled - tested
        return tuple(
            one
            for one, family in zip(self.proteins, self.family.tolist(), strict=True)
            if one.gene in allowed and family not in families
        )


class Entry(NamedTuple):
    """A predictor, made when its turn comes, and what it is in the comparison.

    Attributes:
        name: What tables call it.
        role: What it is.
        make: Makes it; not asked of a mean.
        mean_of: Names of the entries whose probabilities it is the mean of.
    """

    name: str
    role: Role
    make: Callable[[World, Task, GeneSplit], PhenotypePredictor]
    mean_of: tuple[str, ...] = ()


BASELINES = (
    Entry(TermFrequency.name, "baseline", lambda world, task, fold: TermFrequency()),
    Entry(NearestSequence.name, "baseline", lambda world, task, fold: NearestSequence(world.align)),
    Entry(
        HomologyTransfer.name, "baseline", lambda world, task, fold: HomologyTransfer(world.align)
    ),
    Entry(
        CompositionLogistic.name,
        "baseline",
        lambda world, task, fold: CompositionLogistic(fold.seed),
    ),
    Entry(
        DenseNetwork.name,
        "baseline",
        lambda world, task, fold: DenseNetwork(world.functions(task, fold), world.align, fold.seed),
    ),
    Entry(
        TrueFunctions.name,
        "reference",
        lambda world, task, fold: TrueFunctions(world.functions(task, fold), fold.seed),
    ),
)


PARTS = ("contrastive", "exclusivity", "bottleneck")
"""What ours is also trained without."""


def _ours(
    part: str, world: World, task: Task, fold: GeneSplit, bench: Workbench | None = None
) -> PhenotypePredictor:
    """Return ours, without a part if one is named; `bench` compares proteins in another way."""
    settings = PhenotypeSettings().without(part) if part else PhenotypeSettings()
    return GenePheno(
        bench or world.bench,
        settings,
        fold.seed,
        world.reference(task, fold),
        world.background[task.collection],
        f"no {part}" if part else OURS,
    )


def _ours_read(world: World, task: Task, fold: GeneSplit) -> PhenotypePredictor:
    """Return ours, which compares proteins by the language model too."""
    return _ours("", world, task, fold, world.language)


def _no_one(world: World, task: Task, fold: GeneSplit) -> PhenotypePredictor:
    raise ValueError("a mean is made of what its members predict")


READ, BOTH = f"{OURS} with UniRep", f"{OURS} and {DenseNetwork.name}"
BOTH_READ = f"{READ}, and {DenseNetwork.name}"
WITH_LANGUAGE = (
    BASELINES[0],
    next(one for one in BASELINES if one.name == DenseNetwork.name),
    Entry(OURS, "baseline", partial(_ours, "")),
    Entry(READ, "ours", _ours_read),
    Entry(BOTH, "ours", _no_one, (OURS, DenseNetwork.name)),
    Entry(BOTH_READ, "ours", _no_one, (READ, DenseNetwork.name)),
)
"""What is compared where a protein language model is named."""


def entries(task: Task, *, ablation: bool, language: bool = False) -> tuple[Entry, ...]:
    """Return what is scored on a task, in the order of the tables.

    Args:
        task: Its collection decides whether ours is taken apart.
        ablation: Whether ours is also trained without each of its parts.
        language: Whether what a protein language model adds is compared instead.
    """
    if language:
        return WITH_LANGUAGE
    apart = PARTS if ablation and task.collection in ABLATED else ()
    return (
        *BASELINES,
        Entry(OURS, "ours", partial(_ours, "")),
        *(Entry(f"no {part}", "ablation", partial(_ours, part)) for part in apart),
    )


def fitted(entry: Entry, world: World, task: Task, fold: GeneSplit) -> PhenotypePredictor:
    """Return a predictor that learnt from all genes of a fold but the tested ones."""
    learnt = np.sort(np.concatenate([fold.train, fold.validation]))
    predictor = entry.make(world, task, fold)
    return predictor.fit(_picked(task.proteins, learnt), task.labels.taking(learnt))


def predicted(predictor: PhenotypePredictor, task: Task, fold: GeneSplit) -> FloatArray:
    """Return the probabilities of the tested genes of a fold `(genes, terms)`."""
    return predictor.predict(_picked(task.proteins, fold.test))


def _picked(proteins: tuple[Protein, ...], rows: IntArray) -> tuple[Protein, ...]:
    return tuple(proteins[row] for row in rows)
