"""A tiny PerturbQA with a finished run to compare with, and files of predictions."""

import numpy as np
import pandas as pd

from evals.harness.brought import KEPT, write_kept
from evals.rows import KEYS
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.inputs.screens import CELL_LINES

PERTS = tuple(f"P{i}" for i in range(16))
READOUTS = tuple(f"R{i}" for i in range(12))
TESTED = ("K562", "RPE1")


def symbols(_root=None):
    """P0 was once called OLD0."""
    genes = [Gene(symbol=name) for name in (*PERTS[1:], *READOUTS)]
    return SymbolTable([Gene(symbol="P0", previous_symbols=("OLD0",)), *genes])


def rows():
    """Every labelled row, those of HepG2 and Jurkat with folds; a third changes, half of it up."""
    rng = np.random.default_rng(0)
    parts = []
    for line in CELL_LINES:
        pairs = [(line, p, g) for p in PERTS for g in READOUTS]
        table = pd.DataFrame(pairs, columns=KEYS[:3])
        de = (rng.random(len(table)) < 0.35).astype(float)
        up = (rng.random(len(table)) < 0.5).astype(float)
        fold = -1 if line in TESTED else np.array([int(p[1:]) % 2 for p in table.pert])
        table = table.assign(fold=fold)
        parts += [table.assign(task="de", label=de), table.assign(task="dir", label=up)[de > 0]]
    return pd.concat(parts, ignore_index=True)


def write_world(root):
    """Write the benchmark's files and a finished run, and return the run's folder."""
    table, rng = rows(), np.random.default_rng(1)
    folder = root / "perturbqa"
    folder.mkdir(parents=True)
    for line in CELL_LINES:
        for task in ("de", "dir"):
            part = table[(table.cell_line == line) & (table.task == task)]
            labels = part.label.astype(int).astype(str)
            split = "test" if line in TESTED else "train"
            out = part[["pert", "gene"]].assign(label=labels, split=split)
            if line not in TESTED:
                hidden = out.assign(label="", split="test", pert="P0").drop_duplicates("gene")
                out = pd.concat([out, hidden.assign(gene=[f"R9{g}" for g in hidden.gene])])
            else:
                train = out.head(2).assign(split="train", gene=["R90", "R91"])
                out = pd.concat([out, train])
            out.to_csv(folder / f"{line.lower()}-{task}.csv", index=False)
    noise = rng.random(len(table))
    kept = table.drop(columns="label").assign(p=0.4 * table.label + 0.6 * noise, abstained=False)
    kept["gene prior"] = 0.3
    kept["cross-line transfer"] = noise
    run = root / "run"
    write_kept(kept, run / KEPT)
    return run


def answers(lines=TESTED):
    """A model that is right twice as often as Knockwise's is here, in the wide form."""
    table = rows()
    table = table[table.cell_line.isin(lines)]
    rng = np.random.default_rng(2)
    table["p"] = 0.8 * table.label + 0.2 * rng.random(len(table))
    wide = table.pivot_table(index=["pert", "gene", "cell_line"], columns="task", values="p")
    return wide.rename(columns={"de": "p", "dir": "p_up"}).reset_index()
