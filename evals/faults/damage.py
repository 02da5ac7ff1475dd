"""Five ways in which a file comes to harm, each drawn from a seed."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

SHARE = 0.01
MOST_FLIPPED = 200
Damage = Callable[[Path, np.random.Generator], None]


def cut(path: Path, rng: np.random.Generator) -> None:
    """Keep a beginning, as a full disk or a broken transfer does."""
    raw = path.read_bytes()
    path.write_bytes(raw[: int(rng.integers(0, max(1, len(raw))))])


def emptied(path: Path, rng: np.random.Generator) -> None:
    """Leave nothing, as a file system does that lost power."""
    path.write_bytes(b"")


def flipped(path: Path, rng: np.random.Generator) -> None:
    """Change some bytes, as a failing disk does."""
    raw = bytearray(path.read_bytes())
    count = min(MOST_FLIPPED, max(1, int(len(raw) * SHARE)))
    for at in rng.integers(0, len(raw), count) if raw else ():
        raw[at] ^= int(rng.integers(1, 256))
    path.write_bytes(raw)


def replaced(path: Path, rng: np.random.Generator) -> None:
    """Put something else in its place, as a download of an error page does."""
    path.write_bytes(b"<html><body>502 Bad Gateway</body></html>\n")


def made_a_folder(path: Path, rng: np.random.Generator) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


DAMAGES: Mapping[str, Damage] = {
    "cut": cut,
    "emptied": emptied,
    "flipped": flipped,
    "replaced": replaced,
    "a folder": made_a_folder,
}
