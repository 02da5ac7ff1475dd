"""A UniRep so small that tests of anything that reads proteins can have one."""

from pathlib import Path

import numpy as np

UNITS = 6


def tiny_unirep(path: Path) -> Path:
    """Write a UniRep of two layers of six units, its weights drawn at random; return the path."""
    rng = np.random.default_rng(0)
    arrays = {"embedding": rng.normal(size=(26, 10))}
    for layer, below in enumerate((10, UNITS)):
        shapes = {
            "wx": (below, 4 * UNITS), "wh": (UNITS, 4 * UNITS), "wmx": (below, UNITS),
            "wmh": (UNITS, UNITS), "gx": 4 * UNITS, "gh": 4 * UNITS, "gmx": UNITS, "gmh": UNITS,
            "b": 4 * UNITS,
        }  # fmt: skip
        arrays |= {f"mlstm.{layer}.{name}": rng.normal(size=s) for name, s in shapes.items()}
    arrays |= {"dense.w": rng.normal(size=(UNITS, 25)), "dense.b": rng.normal(size=25)}
    np.savez(path, **{name: one.astype(np.float32) for name, one in arrays.items()})
    return path
