"""Fingerprints of structures, which RDKit makes when a model is trained."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from knowledge.drugs import Drug
from models.drugs.features import BITS

RADIUS = 2


def fingerprints(drugs: Iterable[Drug]) -> dict[str, NDArray[np.uint8]]:
    """Return the Morgan fingerprint of each drug with a structure, by name `(BITS,)`.

    A structure that RDKit cannot read is left out.
    """
    from rdkit import Chem, RDLogger
    from rdkit.Chem import rdFingerprintGenerator

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    found = {}
    for drug in drugs:
        molecule = Chem.MolFromSmiles(drug.smiles) if drug.smiles else None
        if molecule is not None:
            found[drug.name] = maker.GetFingerprintAsNumPy(molecule).astype(np.uint8)
    return found
