"""Trains GEARS on exported cells; a script for an environment of its own, not part of the package.

GEARS (`cell-gears` 0.1.2; Roohani, Huang and Leskovec, Nature Biotechnology 2024) needs an older
scipy. `docs/expression.md` says how its environment is made; there, `gears.py` runs it as
`python -P gears_script.py FOLDER` (`-P`: or it would import `gears.py` beside it). FOLDER holds

cells.h5ad   log-normalised cells of `train` and `val`; `obs["condition"]` in its words: `ctrl`,
             `A+ctrl`, `A+B`
terms.json   gene -> Gene Ontology terms, of which it makes its graph of perturbations; every
             perturbed gene has some
split.json   `train`, `val` and `test`: conditions; `epochs`, `seed`; `decay`, by which the rate of
             learning is multiplied after each epoch; `minutes` of processor time at most

What is written there: `predictions.npz` with `conditions`, `readouts` and the predicted `change`
of each test condition; `curve.json` with the squared error on training and validation conditions
after each epoch, and what no change and the training mean reach on the validation conditions.
Nothing is downloaded.
"""

import json
import os
import pickle  # noqa: TID251 - the format that GEARS reads its Gene Ontology and splits from
import sys
import time
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import torch
from gears import GEARS, PertData
from gears import gears as training


def main(folder: Path) -> None:
    """Train on the split in `folder` and write what is predicted for its test conditions."""
    folder = folder.resolve()
    split = json.loads((folder / "split.json").read_text())
    terms = json.loads((folder / "terms.json").read_text())
    work = folder / "work"
    (work / "data").mkdir(parents=True, exist_ok=True)
    os.chdir(work)  # it keeps its graph in ./data
    held = {
        "gene2go_all.pkl": {gene: set(found) for gene, found in terms.items()},
        # Without its own list of nodes it would leave out genes that are perturbed in no cell.
        "genes.pkl": sorted(terms),
        # Nothing is known of test conditions, so it gets none to test itself on.
        "split.pkl": {"train": split["train"], "val": split["val"], "test": []},
    }
    for name, value in held.items():
        (work / name).write_bytes(pickle.dumps(value))
    cells = anndata.read_h5ad(folder / "cells.h5ad")
    _seed(split["seed"])
    data = PertData(str(work), gene_set_path=str(work / "genes.pkl"), default_pert_graph=False)
    data.new_data_process("cells", adata=cells)
    data.load(data_path=str(work / "cells"))
    data.prepare_split(split="custom", seed=split["seed"], split_dict_path=str(work / "split.pkl"))
    data.split = "no_test"
    data.get_dataloader(batch_size=32, test_batch_size=128)
    model = GEARS(data, device="cpu")
    model.model_initialize(hidden_size=64)
    plain = _plain(cells, split["train"], split["val"])
    _watch(split["decay"], 60 * split["minutes"], plain, folder / "curve.json")
    model.train(epochs=split["epochs"])
    change = [_change(model, one, split["seed"]) for one in split["test"]]
    np.savez_compressed(
        folder / "predictions.npz",
        conditions=np.array(split["test"]),
        readouts=np.array(data.gene_names, str),
        change=np.array(change, np.float32),
    )


def _watch(decay: float, limit_s: float, plain: dict[str, float], path: Path) -> None:
    """Have the errors written after each epoch, and set how the rate of learning decays.

    After `limit_s` seconds of processor time the script ends without predictions.
    """
    asked, rate = training.compute_metrics, training.StepLR
    seen: list[float] = []

    def watched(results: dict[str, Any]) -> tuple[Any, ...]:
        """Note the error on training conditions, then on validation ones, as it is asked."""
        metrics, each = asked(results)
        seen.append(float(metrics["mse"]))
        told = {"training": seen[::2], "validation": seen[1::2], **plain}
        path.write_text(json.dumps(told))
        if len(seen) % 2 == 0 and time.process_time() > limit_s:
            sys.exit(0)
        return metrics, each

    training.compute_metrics = watched
    training.StepLR = lambda optimizer, step_size, gamma: rate(optimizer, step_size, decay)


def _plain(cells: anndata.AnnData, train: list[str], validation: list[str]) -> dict[str, float]:
    """Return the validation error of no change, and of the mean change of training conditions."""
    labels = cells.obs["condition"].to_numpy()
    mean = {
        one: np.asarray(cells.X[labels == one].mean(0)).ravel()
        for one in {"ctrl", *train, *validation}
    }
    control = mean["ctrl"]
    shared = np.mean([mean[one] - control for one in train if one != "ctrl"], axis=0)
    truth = [mean[one] - control for one in validation]
    said = {"no change": 0.0, "training mean": shared}
    return {name: float(np.mean([((one - t) ** 2).mean() for t in truth]))
            for name, one in said.items()}  # fmt: skip


def _change(model: GEARS, condition: str, seed: int) -> np.ndarray:
    """Return the change from the very control cells that GEARS draws to predict from.

    It predicts 300 drawn control cells after the perturbation; against the mean of all controls
    the draw would be counted as an error of the prediction.
    """
    genes = [gene for gene in condition.split("+") if gene != "ctrl"]
    _seed(seed)
    after = model.predict([genes])["_".join(genes)]
    _seed(seed)
    control = model.ctrl_adata
    before = control.X[np.random.randint(0, len(control), 300)].mean(0)  # noqa: NPY002 - as it does
    change: np.ndarray = after - np.asarray(before).ravel()
    return change


def _seed(seed: int) -> None:
    """Seed what GEARS draws from: the states that a process has one of."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002


if __name__ == "__main__":
    main(Path(sys.argv[1]))
