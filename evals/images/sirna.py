"""Learns from the cells of one replicate plate and tells those of the other apart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.harness.run import part
from knowledge.progress import Progress
from models.images.model import PhenotypeModel
from models.images.training import trained
from tools.images.analysis import CellTable, cells_of
from tools.images.plate import open_plates
from tools.images.profiles import Aligner
from tools.images.schema import Plates, Well

FOLDER = "images/image_sirna_hela"
ANNOTATION = f"{FOLDER}/conf/annotation.txt"
CONTROL = "RLUC"
NAMES = {"tritc": "actin", "fitc": "tubulin", "hoechst": "DNA"}
PENALTY = 0.02
COMPONENTS = 24
PERMUTATIONS = 20
SHOWN = 10
GENERATED = 400
Array = NDArray[np.float64]


def plates_of(root: Path) -> Plates:
    """Return the two replicate plates as the annotation has them."""
    table = pd.read_csv(root / ANNOTATION, sep="\t", dtype=str).dropna(subset="GeneID")
    wells = tuple(
        Well(plate="", well=well, perturbation=gene,
             role="control" if gene == CONTROL else "perturbed")
        for well, gene in zip(table["Well"], table["GeneID"], strict=True)
    )  # fmt: skip
    return open_plates(root / FOLDER / "source", wells, names=NAMES)


def cells(root: Path, out: Path, progress: Progress) -> CellTable:
    """Return the cells of both plates; kept in `out`."""
    return cells_of(plates_of(root), out, progress)


def scored(
    table: CellTable, channels: tuple[str, ...], seed: int, steps: int, kept: Path,
    progress: Progress,
) -> pd.DataFrame:  # fmt: skip
    """Return scores of the cells of each plate by what was learnt from the other.

    Networks are kept in `kept`, a folder for each plate.

    Rows are cells: plate, well, perturbation, against (which knockdown is told from the control),
    label, predictor, score.
    """
    rows: list[pd.DataFrame] = []
    for number, (learn, test, model) in enumerate(
        _turns(table, channels, seed, steps, kept, progress)
    ):
        linear = _learnt(table, learn, channels, seed, 0, progress)
        features = _features(table, learn, model, linear)
        perturbed = sorted(set(table.cells.loc[table.cells["role"] == "perturbed", "perturbation"]))
        for name in perturbed:
            rows += list(_told(table, features, learn, test, name, seed + number))
    return pd.concat(rows, ignore_index=True)


def _turns(
    table: CellTable,
    channels: tuple[str, ...],
    seed: int,
    steps: int,
    kept: Path,
    progress: Progress,
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_], PhenotypeModel]]:
    """Yield each plate to learn from, the other, and the model of the first."""
    plate = table.cells["plate"].to_numpy()
    for number, name in enumerate(sorted(set(plate))):
        learn = plate == name
        folder = kept / str(number)
        if not folder.is_dir():
            told = part(progress, number / 2, 0.5)
            _learnt(table, learn, channels, seed, steps, told).save(folder)
        yield learn, ~learn, PhenotypeModel.load(folder)


def _learnt(
    table: CellTable,
    learn: NDArray[np.bool_],
    channels: tuple[str, ...],
    seed: int,
    steps: int,
    progress: Progress,
) -> PhenotypeModel:
    control = (table.cells["role"] == "control").to_numpy()[learn]
    numbers = np.zeros(int(learn.sum()), np.int64)
    return trained(table.crops[learn], numbers, control, channels, progress, seed=seed, steps=steps)


def _features(
    table: CellTable, learn: NDArray[np.bool_], model: PhenotypeModel, linear: PhenotypeModel
) -> dict[str, Array]:
    """Return the features of all cells, aligned plate by plate on its control cells.

    Principal components are of all planes that the network sees, as it began with.
    """
    on = list(table.cells["plate"])
    control = (table.cells["role"] == "control").to_numpy()
    raw = {
        "learnt": model.embed(table.crops).astype(float),
        "classical": table.values(),
        "PCA of pictures": linear.embed(table.crops).astype(float),
    }
    return {name: Aligner.of(values, on, control)(values, on) for name, values in raw.items()}


def _components(pictures: Array) -> tuple[Array, Array, Array]:
    """Return the mean picture, what makes channels count alike, and principal components."""
    mean = pictures.mean(axis=0)
    spread = np.sqrt(((pictures - mean) ** 2).mean(axis=(0, 2, 3)))
    scale = np.broadcast_to(1 / np.maximum(spread, 1e-6)[:, None, None], mean.shape)
    flat = ((pictures - mean) * scale).reshape(len(pictures), -1)
    _, _, axes = np.linalg.svd(flat, full_matrices=False)
    return mean, scale, axes[:COMPONENTS]


def _told(
    table: CellTable,
    features: dict[str, Array],
    learn: NDArray[np.bool_],
    test: NDArray[np.bool_],
    name: str,
    seed: int,
) -> Iterator[pd.DataFrame]:
    from sklearn.linear_model import LogisticRegression

    who = table.cells["perturbation"].to_numpy()
    used = (who == name) | (table.cells["role"] == "control").to_numpy()
    train, held = np.flatnonzero(used & learn), np.flatnonzero(used & test)
    label = who == name
    rng = np.random.default_rng(seed)

    def fit(values: Array, labels: NDArray[np.bool_]) -> Array:
        model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=2000)
        return np.asarray(model.fit(values[train], labels).decision_function(values[held]))

    found = {one: fit(values, label[train]) for one, values in features.items()}
    for predictor, score in found.items():
        yield _rows(table, held, name, label, predictor, score)
    for number in range(PERMUTATIONS):
        mixed = fit(features["learnt"], rng.permutation(label[train]))
        yield _rows(table, held, name, label, f"permuted labels {number}", mixed)


def _rows(
    table: CellTable,
    held: NDArray[np.int64],
    name: str,
    label: NDArray[np.bool_],
    predictor: str,
    score: Array,
) -> pd.DataFrame:
    found = table.cells.iloc[held][["plate", "well", "perturbation"]].reset_index(drop=True)
    return found.assign(
        cell=held, against=name, label=label[held], predictor=predictor, score=score
    )


def rebuilt(
    table: CellTable,
    channels: tuple[str, ...],
    seed: int,
    steps: int,
    kept: Path,
    progress: Progress,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return errors of pictures rebuilt and generated for the plate not learnt from, and pictures.

    The first table: plate, cell, predictor, channel, error (mean squared error of a picture over
    the mean variance of the pictures about their mean), and of whole sets `frechet`. The second:
    plate, kind, number, pixels.
    """
    errors, shown = [], []
    rng = np.random.default_rng(seed)
    for learn, test, model in _turns(table, channels, seed, steps, kept, progress):
        plate = str(table.cells["plate"].to_numpy()[test][0])
        pictures = table.pictures.astype(np.float64) / 255
        mean, scale, axes = _components(pictures[learn])
        codes = model.embed(table.crops).astype(float)
        linear = ((pictures - mean) * scale).reshape(len(pictures), -1) @ axes.T
        real = pictures[test]

        def back(
            scores: Array, mean: Array = mean, scale: Array = scale, axes: Array = axes
        ) -> Array:
            return np.clip(mean + (scores @ axes).reshape(-1, *mean.shape) / scale, 0, 1)

        made = {
            "learnt": model.decode(codes[test]).astype(float),
            "PCA of pictures": back(linear[test]),
        }
        spread = ((real - mean) ** 2).mean(axis=(0, 2, 3))
        for predictor, one in made.items():
            for number, channel in enumerate(channels):
                off = ((one[:, number] - real[:, number]) ** 2).mean(axis=(1, 2)) / spread[number]
                errors.append(pd.DataFrame({
                    "plate": plate, "cell": np.flatnonzero(test), "predictor": predictor,
                    "channel": channel, "measure": "error", "value": off,
                }))  # fmt: skip
        drawn = {
            "learnt": model.decode(_drawn(codes[learn], rng)).astype(float),
            "PCA of pictures": back(_drawn(linear[learn], rng)),
            "cells of the other plate": pictures[learn],
        }
        centre, scale = descriptor(real).mean(axis=0), descriptor(real).std(axis=0) + 1e-9
        target = (descriptor(real) - centre) / scale
        for predictor, one in drawn.items():
            far = frechet((descriptor(one) - centre) / scale, target)
            errors.append(pd.DataFrame({
                "plate": [plate], "cell": [-1], "predictor": [predictor], "channel": ["all"],
                "measure": ["frechet"], "value": [far],
            }))  # fmt: skip
        chosen = rng.permutation(len(real))[:SHOWN]
        kinds = {"real": real[chosen], "learnt": made["learnt"][chosen],
                 "PCA of pictures": made["PCA of pictures"][chosen],
                 "generated, learnt": drawn["learnt"][:SHOWN],
                 "generated, PCA": drawn["PCA of pictures"][:SHOWN]}  # fmt: skip
        for kind, several in kinds.items():
            shown += [
                {"plate": plate, "kind": kind, "number": n,
                 "pixels": (one * 255).astype(np.uint8).tobytes()}
                for n, one in enumerate(several)
            ]  # fmt: skip
    return pd.concat(errors, ignore_index=True), pd.DataFrame(shown)


def _drawn(codes: Array, rng: np.random.Generator) -> Array:
    """Return codes of cells that do not exist, with the mean and covariance of real ones."""
    return rng.multivariate_normal(codes.mean(axis=0), np.cov(codes, rowvar=False), GENERATED)


def descriptor(pictures: Array) -> Array:
    """Return what pictures are like in numbers that no network chose `(cells, 6 x channels)`."""
    parts = []
    for channel in range(pictures.shape[1]):
        one = pictures[:, channel]
        down, across = np.gradient(one, axis=(1, 2))
        y, x = np.mgrid[: one.shape[1], : one.shape[2]]
        total = one.sum(axis=(1, 2)) + 1e-6
        wide = (one * (x - one.shape[2] / 2) ** 2).sum(axis=(1, 2)) / total
        high = (one * (y - one.shape[1] / 2) ** 2).sum(axis=(1, 2)) / total
        top = np.percentile(one, 97, axis=(1, 2))
        edges = np.hypot(down, across).mean(axis=(1, 2))
        parts += [one.mean(axis=(1, 2)), one.std(axis=(1, 2)), top, edges]
        parts += [np.sqrt(wide), np.sqrt(high)]
    return np.stack(parts, axis=1)


def frechet(one: Array, other: Array) -> float:
    """Return the Fréchet distance of two sets as normal distributions (Heusel et al., 2017)."""
    from scipy.linalg import sqrtm

    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = np.real(sqrtm(a @ b))
    apart = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    return float(apart + np.trace(a + b - 2 * root))
