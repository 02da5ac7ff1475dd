"""Trains the drug model on published screens: settings by held-out drugs, then calibration."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.drugs import Drug, Drugs
from knowledge.progress import Progress
from knowledge.sources.genes import HGNC, read_symbols, sources_root
from knowledge.sources.registry import sha256_of
from models.checkpoint import write_checkpoint
from models.drugs import checkpoint as stored
from models.drugs.checkpoint import FORMAT, TABLE, Checkpoint, Config, Line, ScreenConfig
from models.drugs.features import Described, by_mode, has_relative, parents
from models.drugs.held_out import agreement, folds, held_out, within_gene
from models.drugs.levels import DOWN, UNRANKED, UP, packed
from models.drugs.model import rates, spellings
from models.drugs.ridge import Learner, Ridge
from models.drugs.screens import FILES, OP3, Screen, drug_root, read_screens
from models.drugs.structures import fingerprints
from models.provenance import code_commit

CANDIDATES = (
    Ridge(penalty=10.0, direction_rank=20, change_rank=5),
    Ridge(penalty=3.0, direction_rank=20, change_rank=5),
    Ridge(penalty=30.0, direction_rank=20, change_rank=5),
    Ridge(penalty=10.0, direction_rank=10, change_rank=20),
    Ridge(penalty=10.0, direction_rank=1000, change_rank=1000),
)
"""Settings to choose among, by held-out drugs of OP3 alone."""
# Rows that a calibration is fitted to, of each screen.
_ROWS = 400_000
Bits = Mapping[str, NDArray[np.uint8]]


def known_drug(drugs: Drugs, written: str) -> Drug | None:
    """Return the drug that a screen writes so; None where no table has it."""
    return next((drug for word in spellings(written) if (drug := drugs.known(word))), None)


def described(screen: Screen, drugs: Drugs, bits: Bits) -> tuple[Described, ...]:
    """Return what is known of a screen's drugs."""
    found = [known_drug(drugs, name) for name in screen.drugs]
    return tuple(Described.of(one, None if one is None else bits.get(one.name)) for one in found)


def groups(
    screen: Screen, drugs: Drugs, known: tuple[Described, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each drug's parent, and of its mode of action."""
    found = [known_drug(drugs, name) for name in screen.drugs]
    names = [
        written.strip() if one is None else one.name
        for written, one in zip(screen.drugs, found, strict=True)
    ]
    return parents(known, names), by_mode(known, names)


def screens_of(data: Path) -> tuple[tuple[Screen, ...], Drugs, Bits]:
    """Return the screens of a data folder, the drugs of its tables and their structures.

    Raises:
        DataError: A file is missing.
    """
    symbols = read_symbols(sources_root(data))
    drugs = Drugs.opened(data, symbols)
    bits = fingerprints(drugs)
    raw = read_screens(data, symbols, {}, correct=False)
    inert = {
        one.name: [
            name
            for name, what in zip(one.drugs, described(one, drugs, bits), strict=True)
            if not what.targets
        ]
        for one in raw
    }
    return read_screens(data, symbols, inert), drugs, bits


def train(data: Path, out: Path, progress: Progress, seed: int = 0) -> dict[str, Any]:
    """Train from a data folder, write a checkpoint to `out` and return its record.

    Args:
        data: Mirror or data folder with `drugs` and HGNC.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        seed: Of the folds.

    Raises:
        DataError: A file is missing.
    """
    progress("reading the screens", 0.0)
    screens, drugs, bits = screens_of(data)
    root = drug_root(data)
    primary = next(one for one in screens if one.name == OP3)
    ridge, choice = _chosen(primary, drugs, bits, seed, progress)
    configs = []
    for number, screen in enumerate(screens):
        progress(f"calibrating on {screen.name}", 0.5 + 0.15 * number)
        configs.append(_calibrated(screen, drugs, bits, ridge, seed))
    progress("writing", 0.95)
    made = Checkpoint(
        Config(ridge=ridge, screens=tuple(configs)),
        _names(screens, drugs, bits),
        _arrays(screens, bits),
        {TABLE: stored.drug_lines(drugs)},
    )
    record = {
        "trained": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": seed,
        "commit": code_commit(),
        "sources": {name: sha256_of(root / name) for name in FILES}
        | {HGNC: sha256_of(sources_root(data) / HGNC)},
        "drugs": len(drugs),
        "choice": choice,
        "metrics": {one.name: one.held_out for one in configs},
    }
    write_checkpoint(out, FORMAT, made, record)
    progress("done", 1.0)
    return record


def _chosen(
    screen: Screen, drugs: Drugs, bits: Bits, seed: int, progress: Progress
) -> tuple[Ridge, list[dict[str, Any]]]:
    known = described(screen, drugs, bits)
    parent, _ = groups(screen, drugs, known)
    split = folds(parent, seed)
    tried = []
    for number, ridge in enumerate(CANDIDATES):
        progress(f"settings {number + 1} of {len(CANDIDATES)}", 0.05 + 0.09 * number)
        direction, change = within_gene(screen, held_out(Learner(screen, known, ridge), split))
        tried.append({**ridge.model_dump(), "direction": direction, "change": change})
    best = max(range(len(tried)), key=lambda at: tried[at]["direction"] + tried[at]["change"])
    return CANDIDATES[best], tried


def _calibrated(screen: Screen, drugs: Drugs, bits: Bits, ridge: Ridge, seed: int) -> ScreenConfig:
    known = described(screen, drugs, bits)
    parent, _ = groups(screen, drugs, known)
    learner, split = Learner(screen, known, ridge), folds(parent, seed + 1)
    predicted = list(held_out(learner, split))
    direction, change = within_gene(screen, iter(predicted))
    rows = list(_rows(screen, predicted))
    table = np.concatenate(rows)
    rng = np.random.default_rng(seed)
    if len(table) > _ROWS:
        table = table[rng.choice(len(table), _ROWS, replace=False)]
    moved = table[:, 0] != 0
    related = has_relative(known)
    told = (
        [one.direction[related[one.held]].var() for one in predicted],
        [one.change[related[one.held]].var() for one in predicted],
    )
    spread = [float(np.sqrt(np.mean(one))) for one in told]
    strength = agreement(screen)
    return ScreenConfig(
        name=screen.name,
        contexts=tuple(context.name for context in screen.contexts),
        plates=screen.plates,
        up=_line(table[moved][:, [1, 3]], table[moved][:, 0] > 0, spread[0]),
        change=_line(table[:, [2, 4]], moved, spread[1]),
        held_out={
            "direction": direction,
            "change": change,
            "drugs": len(screen.drugs),
            "with a relative": int(related.sum()),
            "median agreement between kinds of cells": float(np.median(strength)),
        },
    )


def _rows(screen: Screen, predicted: list[Any]) -> Iterator[NDArray[np.float32]]:
    """Yield rows of outcome (1, -1, 0), direction, change, and both rates as logits."""
    for one in predicted:
        level = screen.contexts[one.context].levels
        rate, up = rates(level[one.train])
        mine = level[one.held]
        outcome = np.isin(mine, UP).astype(np.float32) - np.isin(mine, DOWN)
        wide = [np.broadcast_to(np.log(r / (1 - r)), mine.shape) for r in (up, rate)]
        whole = np.stack([outcome, one.direction, one.change, *wide], axis=-1)
        yield whole[mine != UNRANKED].astype(np.float32)


def _line(features: NDArray[np.float32], label: NDArray[np.bool_], spread: float) -> Line:
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(features.std(0), 1e-6)
    fitted = LogisticRegression(C=1e4).fit(features / scale, label)
    slope, prior = (fitted.coef_[0] / scale).tolist()
    bias = float(fitted.intercept_[0])
    return Line(bias=bias, slope=max(0.0, float(slope)), prior=float(prior), spread=spread)


def _names(screens: tuple[Screen, ...], drugs: Drugs, bits: Bits) -> dict[str, tuple[str, ...]]:
    older = {old: new for screen in screens for old, new in screen.older.items()}
    names: dict[str, tuple[str, ...]] = {
        stored.STRUCTURES: tuple(bits),
        stored.OLDER: tuple(f"{old}>{new}" for old, new in sorted(older.items())),
    }
    for screen in screens:
        names[stored.drugs_of(screen.name)] = tuple(name.strip() for name in screen.drugs)
        known = [known_drug(drugs, name) for name in screen.drugs]
        names[stored.known_of(screen.name)] = tuple("" if d is None else d.name for d in known)
        for context in screen.contexts:
            names[stored.genes_of(context.name)] = context.genes
    return names


def _arrays(screens: tuple[Screen, ...], bits: Bits) -> dict[str, NDArray[np.uint8]]:
    arrays = {stored.STRUCTURES: np.packbits(np.array(list(bits.values())), axis=1)}
    for screen in screens:
        for context in screen.contexts:
            arrays[stored.levels_of(context.name)] = packed(context.levels)
    return arrays
