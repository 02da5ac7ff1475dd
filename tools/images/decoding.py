"""Moves control cells towards a perturbation, decodes them, and checks what the pictures say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.schema import Frozen
from tools.images.profiles import COUNT
from tools.images.wording import family, words_of

STEPS = (0.0, 0.5, 1.0, 1.5)
"""How far cells are moved: 1 is the mean of the perturbed cells, 1.5 goes beyond what was seen."""
NOTICED = 0.05
"""Relative change of a decoded picture that is told."""
LEAST_EFFECT = 0.2
"""In spreads of control cells: what a measurement must show to bear a sentence out."""
TOLD_EFFECT = 0.4
MOST_TOLD = 7
EXAMPLES = 3
Array = NDArray[np.float32]
Decoder = Callable[[NDArray[np.floating]], Array]
"""Makes pictures `(n, channels, side, side)` of phenotypes `(n, k)`."""


class Saying(Frozen):
    """One sentence about a perturbation, and what the measurements say of it.

    Attributes:
        text: Such as `larger nuclei`.
        source: Whether cells were measured, or a decoded picture.
        effect: Of the measurement, in spreads of control cells, the mean over plates.
        low: On the plate where it is lowest.
        high: On the plate where it is highest.
        p: From exchanging wells; None where nothing was tested.
        borne_out: Whether the measurement has that sign on every plate, and is no trifle.
    """

    text: str
    source: str
    effect: float
    low: float
    high: float
    p: float | None
    borne_out: bool


@dataclass(frozen=True)
class Decoded:
    """Pictures of a perturbation.

    Attributes:
        perturbation: Which.
        made: Control cells moved by `STEPS` `(steps, channels, side, side)`, 0 to 1.
        controls: Real control cells nearest to their mean `(examples, channels, side, side)`.
        perturbed: Real perturbed cells nearest to theirs.
        shares: Channel -> its share of the change between the first picture and the one at 1.
    """

    perturbation: str
    made: Array
    controls: Array
    perturbed: Array
    shares: dict[str, float]


def decoded(
    name: str,
    cells: pd.DataFrame,
    phenotypes: NDArray[np.floating],
    crops: NDArray[np.uint8],
    channels: Sequence[str],
    decode: Decoder,
) -> Decoded:
    """Return pictures of a perturbation; wells weigh alike, however many cells they have.

    Args:
        name: The perturbation.
        cells: plate, well, perturbation and role of each cell.
        phenotypes: As encoded `(cells, phenotypes)`.
        crops: Their pictures.
        channels: Names of the channels.
        decode: From phenotypes to pictures.
    """
    control = (cells["role"] == "control").to_numpy()
    mine = (cells["perturbation"] == name).to_numpy()
    start, end = (_centre(cells, phenotypes, rows) for rows in (control, mine))
    made = decode(np.stack([start + step * (end - start) for step in STEPS]))
    change = np.abs(made[STEPS.index(1.0)] - made[0]).sum(axis=(1, 2))
    return Decoded(
        perturbation=name,
        made=made,
        controls=_nearest(crops, phenotypes, control, start),
        perturbed=_nearest(crops, phenotypes, mine, end),
        shares={
            one: float(value) for one, value in zip(channels, change / change.sum(), strict=True)
        },
    )


def moved(
    cells: pd.DataFrame, phenotypes: NDArray[np.floating], name: str, frames: int, reach: float
) -> NDArray[np.floating]:
    """Return phenotypes from control to a perturbation and `reach` times as far `(frames, k)`."""
    start = _centre(cells, phenotypes, (cells["role"] == "control").to_numpy())
    end = _centre(cells, phenotypes, (cells["perturbation"] == name).to_numpy())
    there = 0.5 * (1 - np.cos(np.linspace(0, np.pi, frames)))
    return np.asarray(start + reach * there[:, None] * (end - start))


def _centre(
    cells: pd.DataFrame, phenotypes: NDArray[np.floating], rows: NDArray[np.bool_]
) -> NDArray[np.floating]:
    wells = cells.loc[rows].groupby(["plate", "well"], sort=True).ngroup().to_numpy()
    own = phenotypes[rows]
    means = [own[wells == well].mean(axis=0) for well in range(wells.max() + 1)]
    return np.asarray(np.mean(means, axis=0))


def _nearest(
    crops: NDArray[np.uint8],
    phenotypes: NDArray[np.floating],
    rows: NDArray[np.bool_],
    centre: NDArray[np.floating],
) -> Array:
    at = np.flatnonzero(rows)
    spread = phenotypes[rows].std(axis=0) + 1e-6
    order = np.argsort((((phenotypes[at] - centre) / spread) ** 2).sum(axis=1), kind="stable")
    return np.asarray(crops[at[order[:EXAMPLES]]], np.float32) / np.float32(255)


def sayings(
    found: Decoded | None,
    rows: pd.DataFrame,
    channels: tuple[str, ...],
) -> list[Saying]:
    """Return what is to be said of a perturbation, each sentence checked against measurements.

    Args:
        found: Its decoded pictures, if there are any.
        rows: Its associations with measurements.
        channels: Names of the channels, the nuclei first.
    """
    told = list(_measured(rows, channels))
    if found is not None:
        told += _seen(found, rows, channels)
    return told


def _measured(rows: pd.DataFrame, channels: tuple[str, ...]) -> list[Saying]:
    agreeing = rows[rows["plates_agree"]]
    strength = agreeing["effect"].abs().where(agreeing["phenotype"] != COUNT, np.inf)
    told: list[Saying] = []
    families: set[str] = set()
    for _, row in agreeing.loc[
        strength.sort_values(ascending=False, kind="stable").index
    ].iterrows():
        kind = family(row["phenotype"], channels)
        if kind in families or abs(row["effect"]) < LEAST_EFFECT:
            continue
        if row["phenotype"] != COUNT and abs(row["effect"]) < TOLD_EFFECT:
            break
        families.add(kind)
        told.append(_saying(row, channels, "measured", more=row["effect"] > 0))
        if len(told) == MOST_TOLD:
            break
    return told


def _saying(row: pd.Series, channels: tuple[str, ...], source: str, *, more: bool) -> Saying:
    same = (row["effect"] > 0) == more
    return Saying(
        text=words_of(row["phenotype"], channels, more=more),
        source=source,
        effect=float(row["effect"]),
        low=float(row["low_plate"]),
        high=float(row["high_plate"]),
        p=None if np.isnan(row["p"]) else float(row["p"]),
        borne_out=bool(same and row["plates_agree"] and abs(row["effect"]) >= LEAST_EFFECT),
    )


def _seen(found: Decoded, rows: pd.DataFrame, channels: tuple[str, ...]) -> list[Saying]:
    """Return what the decoded pictures show, whether measurements bear it out or not."""
    before, after = (_looks(found.made[STEPS.index(step)], channels) for step in (0.0, 1.0))
    by_name = {row["phenotype"]: row for _, row in rows.iterrows()}
    told = []
    for name, value in before.items():
        change = (after[name] - value) / max(value, 1e-6)
        if abs(change) >= NOTICED and name in by_name:
            told.append(_saying(by_name[name], channels, "decoded", more=change > 0))
    return told


def _looks(picture: Array, channels: tuple[str, ...]) -> dict[str, float]:
    """Return what a decoded picture measures, by the names of the measurements of cells."""
    light = picture.astype(float) ** 2  # pictures hold square roots
    nuclear = light[0]
    nucleus = nuclear > 0.5 * np.percentile(nuclear, 99.5)
    body = light.mean(axis=0)
    cell = (body > 0.15 * np.percentile(body, 99.5)) | nucleus
    found = {"nucleus_area": float(nucleus.sum()), "cell_area": float(cell.sum())}
    found[f"nucleus_{channels[0]}_mean"] = float(nuclear[nucleus].mean())
    for number, name in enumerate(channels[1:], start=1):
        found[f"cell_{name}_mean"] = float(light[number][cell].mean())
    return found
