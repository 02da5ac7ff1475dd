"""Trains GEARS on exported cells; a script for an environment of its own, not part of the package.

GEARS (`cell-gears` 0.1.2; Roohani, Huang and Leskovec, Nature Biotechnology 2024) needs an older
pandas and scipy. Its environment is made with

    python3.11 -m venv GEARS && GEARS/bin/pip install torch torch-geometric cell-gears "scipy<1.15"

and it runs as `GEARS/bin/python evals/expression/gears_script.py FOLDER`, where FOLDER holds

cells.h5ad   log-normalised cells; `obs["condition"]` in its words: `ctrl`, `A+ctrl`, `A+B`
terms.json   gene -> Gene Ontology terms, of which it makes its graph of perturbations
split.json   `train`, `val` and `test`: conditions; `epochs`, `seed`

What is written there: `predictions.npz` with `conditions`, `readouts` and the predicted `change`
against the mean control cell; nan where a gene has no terms. Nothing is downloaded.
"""

import json
import os
import pickle  # noqa: TID251 - the format that GEARS reads its Gene Ontology and splits from
import sys
from pathlib import Path

import anndata
import numpy as np
import torch
from gears import GEARS, PertData


def main(folder: Path) -> None:
    """Train on the split in `folder` and write what is predicted for its test conditions."""
    folder = folder.resolve()
    split = json.loads((folder / "split.json").read_text())
    terms = json.loads((folder / "terms.json").read_text())
    work = folder / "gears"
    (work / "data").mkdir(parents=True, exist_ok=True)
    os.chdir(work)  # it keeps its graph in ./data
    (work / "gene2go_all.pkl").write_bytes(pickle.dumps({g: set(t) for g, t in terms.items()}))
    parts = {
        name: [one for one in split[name] if all(gene in terms for gene in _genes(one))]
        for name in ("train", "val", "test")
    }
    (work / "split.pkl").write_bytes(pickle.dumps(parts))
    cells = anndata.read_h5ad(folder / "cells.h5ad")
    data = PertData(str(work), default_pert_graph=False)
    data.new_data_process("cells", adata=cells)
    data.load(data_path=str(work / "cells"))
    data.prepare_split(split="custom", seed=split["seed"], split_dict_path=str(work / "split.pkl"))
    data.get_dataloader(batch_size=32, test_batch_size=128)
    torch.manual_seed(split["seed"])
    np.random.seed(split["seed"])  # noqa: NPY002 - it draws control cells from the global state
    model = GEARS(data, device="cpu")
    model.model_initialize(hidden_size=64)
    model.train(epochs=split["epochs"])
    found = model.predict([_genes(one) for one in parts["test"]])
    control = np.asarray(cells[cells.obs["condition"] == "ctrl"].X.mean(0)).ravel()
    change = np.full((len(split["test"]), cells.n_vars), np.nan, np.float32)
    for row, one in enumerate(split["test"]):
        if one in parts["test"]:
            change[row] = found["_".join(_genes(one))] - control
    np.savez_compressed(
        folder / "predictions.npz",
        conditions=np.array(split["test"]),
        readouts=np.array(cells.var["gene_name"], str),
        change=change,
    )


def _genes(condition: str) -> list[str]:
    return [gene for gene in condition.split("+") if gene != "ctrl"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
