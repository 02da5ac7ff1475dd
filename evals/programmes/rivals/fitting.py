"""Fits a model to cells and measures it."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import roc_auc_score

from evals.programmes.rivals.cells import Cells
from evals.programmes.rivals.models import CellModel, Kind

BATCH, RATE, PATIENCE = 512, 3e-3, 6
PARTICLES, CHUNK = 50, 2048


class Measured(NamedTuple):
    """What one fitted model reaches.

    Attributes:
        validation: Importance-weighted bound per validation cell.
        test: The same per test cell.
        effects: Correlation of predicted and measured average treatment effects of test cells.
        masks: AUROC of the masks of a simulation, nan elsewhere.
        on: Share of masks that are on, nan without masks.
        epochs: Until it was best.
    """

    validation: float
    test: float
    effects: float
    masks: float
    on: float
    epochs: int


def fitted(
    kind: Kind, cells: Cells, seed: int, epochs: int, latent: int = 20, hidden: int = 96
) -> CellModel:
    """Return a model trained until the validation bound no longer rises."""
    count, dose = cells.of(0)
    held, held_dose = cells.of(1)
    model = CellModel(kind, count.shape[1], dose.shape[1], latent, hidden, seed)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    best, state, since, at = -np.inf, model.state_dict(), 0, 0
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(count), generator=generator)
        for start in range(0, len(order), BATCH):
            here = order[start : start + BATCH]
            optimiser.zero_grad()
            loss = -model.elbo(count[here], dose[here], len(count), generator)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 50.0)
            optimiser.step()
        model.eval()
        with torch.no_grad():
            now = float(model.elbo(held, held_dose, len(count), generator))
        if now > best:
            best, state, since, at = now, copy.deepcopy(model.state_dict()), 0, epoch + 1
        else:
            since += 1
            if since >= PATIENCE:
                break
    model.load_state_dict(state)
    model.eval()
    model.epochs = at
    return model


def measured(model: CellModel, cells: Cells, seed: int) -> Measured:
    """Return what a fitted model reaches."""
    generator = torch.Generator().manual_seed(seed)
    bounds = []
    for part in (1, 2):
        count, dose = cells.of(part)
        found = [
            model.iwelbo(count[i : i + CHUNK], dose[i : i + CHUNK], PARTICLES, generator)
            for i in range(0, len(count), CHUNK)
        ]
        bounds.append(float(torch.cat(found).mean()))
    masks = on = float("nan")
    if model.masked:
        on = float(model.on.detach().mean())
        if cells.mask is not None:
            masks = mask_auroc(model.on.detach().numpy(), cells.mask)
    return Measured(bounds[0], bounds[1], effect_correlation(model, cells, generator), masks, on,
                    model.epochs)  # fmt: skip


def mask_auroc(on: np.ndarray, truth: np.ndarray) -> float:
    """Return how well masks tell the planted ones, latents matched one to one."""
    alike = np.nan_to_num(np.corrcoef(on.T, truth.T.astype(float))[: on.shape[1], on.shape[1] :])
    ours, theirs = linear_sum_assignment(-alike)
    return float(roc_auc_score(truth[:, theirs].ravel(), on[:, ours].ravel()))


def effect_correlation(model: CellModel, cells: Cells, generator: torch.Generator) -> float:
    """Return the correlation over perturbations and genes of predicted and measured effects.

    An effect is the difference of the mean log share from control cells.
    """
    count, dose = cells.of(2)
    share = torch.log1p(1e4 * count / count.sum(1, keepdim=True).clamp(min=1))
    control = share[dose.sum(1) == 0].mean(0)
    before = torch.log1p(1e4 * model.mean_shares(None, 20, generator))
    found, truth = [], []
    for k in range(dose.shape[1]):
        here = dose[:, k] == 1
        if not here.any():
            continue
        after = torch.log1p(1e4 * model.mean_shares(k, 20, generator))
        found.append((after - before).numpy())
        truth.append((share[here].mean(0) - control).numpy())
    return float(np.corrcoef(np.concatenate(found), np.concatenate(truth))[0, 1])
