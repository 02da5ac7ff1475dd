"""Plates of drawn cells: bright discs for nuclei, broader ones for cells."""

import csv

import numpy as np
from PIL import Image

CHANNELS = ("Hoechst", "Tritc")
SIDE = 200


def drawn(cells, radius, rng, top=255):
    """Pictures of nuclei and of cells, with `cells` discs on a grid."""
    y, x = np.mgrid[:SIDE, :SIDE]
    nuclei, bodies = np.zeros((2, SIDE, SIDE))
    places = [(r, c) for r in range(30, SIDE, 47) for c in range(30, SIDE, 47)][:cells]
    for row, column in places:
        away = np.hypot(y - row - rng.normal(), x - column - rng.normal())
        nuclei[away < radius] = 0.7 + 0.1 * rng.random()
        bodies = np.maximum(bodies, 0.6 * (away < 1.8 * radius))
    noise = rng.normal(0.05, 0.005, (2, SIDE, SIDE))
    return (np.clip(np.stack([nuclei, bodies]) + noise, 0, 1) * top).astype(
        np.uint8 if top == 255 else np.uint16
    )


def plate(folder, wells, *, seed=0, plates=("P1",)):
    """Write pictures of `wells` {well: (cells, radius)} for each plate."""
    rng = np.random.default_rng(seed)
    for name in plates:
        for well, (cells, radius) in wells.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for channel, picture in zip(CHANNELS, drawn(cells, radius, rng), strict=True):
                Image.fromarray(picture).save(folder / name / f"{well}_{channel}.png")
    return folder


def well_map(path, wells):
    """Write a map {well: perturbation}."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["well", "perturbation"])
        writer.writerows(wells.items())
    return path
