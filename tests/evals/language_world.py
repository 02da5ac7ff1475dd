"""A small PerturbQA made of the training rows that the shipped weights carry, with their evidence.

from tests.evals.language_world import world  # noqa: F401  # a fixture
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agent.settings import Settings
from evals.language.run import LanguageRun
from evals.rows import KEYS
from models.checkpoint import read_checkpoint
from models.response.checkpoint import FORMAT, SHIPPED
from tests.llm.hostile_server import instance

LINES = ("K562", "RPE1", "HepG2", "Jurkat")
PERTURBATIONS = 60
HGNC = Path(__file__).parents[1] / "knowledge" / "tiny" / "hgnc.txt"


@dataclass(frozen=True)
class World:
    """A mirror with training rows of a few perturbations, and what is known of them.

    Attributes:
        mirror: Folder in the mirror's layout.
        held_out: Held-out evidence of its rows, as `knockwise train response` writes it.
        table: The same table with labels.
    """

    mirror: Path
    held_out: Path
    table: pd.DataFrame

    def run(self, home: Path, **changes) -> LanguageRun:
        """Return a small run in `home / "run"`; stackers are kept in `home / "data"`."""
        given = {
            "data": self.mirror,
            "out": home / "run",
            "settings": Settings(data=home / "data"),
            "held_out": self.held_out,
            "cell_lines": ("K562", "RPE1"),
            "strategy": "direct",
            "limit": 40,
        }
        return LanguageRun(**(given | changes))


def training_rows() -> pd.DataFrame:
    """Return the training rows of the shipped weights: `KEYS`, `label` and held-out `p`."""
    checkpoint = read_checkpoint(SHIPPED, FORMAT)
    arrays, names = checkpoint.arrays, np.array(checkpoint.names["genes"])
    size = arrays["block_size"].astype(int)
    line = np.repeat(arrays["block_line"].astype(int), size)
    outcome = arrays["row_outcome"].astype(int)
    every = pd.DataFrame(
        {
            "cell_line": np.array(LINES)[line],
            "pert": np.repeat(names[arrays["perturbations"][arrays["block_pert"]]], size),
            "gene": names[arrays["readouts"][arrays["row_readout"]]],
        }
    )
    curves = checkpoint.config.calibration
    parts = []
    for task, curve, use, label in (
        ("de", "de", outcome >= 0, outcome > 0),
        ("dir", "up", outcome > 0, outcome > 1),
    ):
        score = arrays["held_out"][int(task == "dir")][use].astype(float)
        p = curves[curve].probability(score, line[use])
        parts.append(every[use].assign(task=task, label=label[use].astype(int), p=p))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    mirror = tmp_path_factory.mktemp("world")
    table = training_rows()
    chosen = np.random.default_rng(0).permutation(sorted(set(table.pert)))
    # Those that are measured in most lines are kept, so that there are rows enough of each.
    count = table.groupby("pert").cell_line.nunique()
    kept = [pert for pert in chosen if count[pert] == len(LINES)][:PERTURBATIONS]
    table = table[table.pert.isin(kept)].reset_index(drop=True)
    (mirror / "perturbqa").mkdir()
    (mirror / "knowledge").mkdir()
    for (line, task), part in table.groupby(["cell_line", "task"]):
        rows = part[["pert", "gene", "label"]].assign(split="train")
        rows.to_csv(mirror / "perturbqa" / f"{line.lower()}-{task}.csv", index=False)
    hgnc = mirror / "knowledge" / "hgnc_complete_set_2024-11.txt.gz"
    hgnc.write_bytes(gzip.compress(HGNC.read_bytes()))
    table[[*KEYS, "label", "p"]].to_parquet(mirror / "held_out.parquet")
    return World(mirror, mirror / "held_out.parquet", table)


def noise(messages, schema, options):
    """Answer at random, the same question always alike: what a random model does."""
    if not options:
        return json.dumps(instance(schema.model_json_schema(), {})) if schema else "A word."
    rng = np.random.default_rng(zlib.crc32(repr([m.content for m in messages]).encode()))
    p = float(rng.uniform(0.02, 0.98))
    return {options[0]: p, options[1]: 1 - p}
