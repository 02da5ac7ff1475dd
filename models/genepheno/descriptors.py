"""What can be read off a protein sequence without relatives: composition, patterns, motifs."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.genepheno.sequences import RESIDUES

Array: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]
CODE = np.full(256, len(RESIDUES), np.int64)
"""Byte of a residue -> its number; 20 for anything else."""
CODE[np.frombuffer(RESIDUES.encode(), np.uint8)] = np.arange(len(RESIDUES))
CLASSES = ("A", "C", "DE", "FYW", "G", "H", "ILMV", "KR", "NQ", "P", "ST")
"""Residues that replace one another in evolution (Murphy et al. 2000, ten classes and proline)."""


def classes(groups: tuple[str, ...]) -> Codes:
    """Return the class of each residue number, the last for X."""
    found = np.full(len(RESIDUES) + 1, len(groups), np.int64)
    for number, members in enumerate(groups):
        found[CODE[np.frombuffer(members.encode(), np.uint8)]] = number
    return found


REDUCED = classes(CLASSES)
# Composition, transition, distribution (Dubchak et al. 1995): hydrophobicity, volume, polarity,
# polarisability, charge, secondary structure, solvent accessibility.
_PROPERTIES = tuple(
    classes(tuple(groups.split()))
    for groups in (
        "RKEDQN GASTPHY CLVIMFW",
        "GASTPD NVEQIL MHKFRYW",
        "LIFWCMVY PATGS HQRKNED",
        "GASDT CPNVEQIL KMHFRYW",
        "KR ANCQGHILMFPSTWYV DE",
        "EALMQKRH VIYCWFT GNPSD",
        "ALFCGIVW RKQEND MSPTHY",
    )
)


def _scale(values: str) -> Array:
    """Return a scale of the twenty residues in their order, standardised, 0 for X."""
    found = np.array([float(value) for value in values.split()])
    return np.append((found - found.mean()) / found.std(), 0.0)


# In the order of RESIDUES. Hydropathy (Kyte and Doolittle 1982), volume (Zamyatnin 1972), charge at
# pH 7, propensity for helix and for sheet (Chou and Fasman 1978).
_HYDROPATHY = _scale(
    "1.8 2.5 -3.5 -3.5 2.8 -.4 -3.2 4.5 -3.9 3.8 1.9 -3.5 -1.6 -3.5 -4.5 -.8 -.7 4.2 -.9 -1.3"
)
_VOLUME = _scale(
    "88.6 108.5 111.1 138.4 189.9 60.1 153.2 166.7 168.6 166.7 162.9 114.1 112.7 143.8 173.4 89 "
    "116.1 140 227.8 193.6"
)
_CHARGE = _scale("0 0 -1 -1 0 0 0 0 1 0 0 0 0 0 1 0 0 0 0 0")
_HELIX = _scale(
    "1.42 .7 1.01 1.51 1.13 .57 1 1.08 1.16 1.21 1.45 .67 .57 1.11 .98 .77 .83 1.06 1.08 .69"
)
_SHEET = _scale(
    ".83 1.19 .54 .37 1.38 .75 .87 1.6 .74 1.3 1.05 .89 .55 1.1 .93 .75 1.19 1.7 1.37 1.47"
)
_SCALES = np.stack([_HYDROPATHY, _VOLUME, _CHARGE, _HELIX, _SHEET])
_LAGS = (1, 2, 3, 4, 5, 7, 11)
_GAPS = (1, 2, 4)
"""Distances of the two residues of a spaced pair."""
_TERMINUS = 30
_MEMBRANE_WIDTH = 19
_MEMBRANE = 0.8  # of the standardised scale: mean hydropathy of some 1.9
# Sites, repeats and signatures of families in the manner of PROSITE and ELM, short forms.
MOTIFS = tuple(
    re.compile(pattern)
    for pattern in (
        r"N[^P][ST][^P]", r"C.{2,4}C.{12}H.{3,5}H", r"H.{3,5}H[TS]GE[KR]P", r"RGG|RG.RG",
        r"[KHR]DEL$", r"K[KR].[KR]", r"KRK|RKR|KKK", r"RGD", r"G[^P]{4}GK[ST]", r"DE[AHC]D",
        r"[HY]RD", r"DFG", r"APE", r"D.[DN].[DG]", r"W[FIV].N.R", r"(?:G[^G]{2}){5}",
        r"(?:G[PA].){3}", r"L.{6}L.{6}L.{6}L", r"P..P", r"P.P.P", r"[ST]P", r"R..[ST]", r"[ST]Q",
        r"[ST]..[DE]", r"C..C", r"C..C.{10,25}C..C", r"C.C.{5,8}C", r"C[VILA]{2}.$", r"^MG",
        r"S[KR]L$", r"[ST].[VIL]$", r"L..LL", r"[FWY].[VIL]..[DE]", r"Q{4,}", r"A{5,}", r"E{4,}",
        r"S{5,}", r"P{4,}", r"G{4,}", r"H{4,}", r"L{4,}", r"K{4,}", r"(?:[SR][RS]){3}",
        r"W.{20,60}W", r"GH.{20,45}[WF]D", r"[DE]R[YFW]", r"NP..Y", r"Y..[LIVM]", r"[DE]...L[LI]",
        r"K.?K..$", r"FG", r"[FILV]G.G..[AG]", r"(?:C[^C]{1,8}){3}C", r"[ILV].C.{3,5}C", r"W..W",
        r"YG", r"G.S.G", r"HE..H",
    )
)  # fmt: skip


def descriptors(sequence: str) -> Mapping[str, Array]:
    """Return the descriptors of a sequence of the twenty residues and X, by family.

    Every family has the same length for every sequence, however short or long.
    """
    text = sequence or "X"
    residue = CODE[np.frombuffer(text.encode(), np.uint8)]
    return {name: np.nan_to_num(family(text, residue)) for name, family in _FAMILIES.items()}


def _shares(numbers: Codes, size: int) -> Array:
    """Return how often each number below `size` occurs, as shares; larger ones count in the sum."""
    count = np.bincount(numbers, minlength=size + 1)[:size]
    return np.asarray(count / max(len(numbers), 1), np.float64)


def _composition(text: str, residue: Codes) -> Array:
    return _shares(residue, len(RESIDUES))


def _length(text: str, residue: Codes) -> Array:
    n = len(text)
    return np.array([np.log(n), min(n, 200) / 200, np.log(max(n / 400, 1))])


def _patterns(text: str, residue: Codes) -> Array:
    """Return composition, transition and distribution for each property."""
    found: list[float] = []
    n = len(residue)
    for table in _PROPERTIES:
        kind = table[residue]
        found += list(_shares(kind, 3))
        low, high = np.minimum(kind[:-1], kind[1:]), np.maximum(kind[:-1], kind[1:])
        for one, other in ((0, 1), (0, 2), (1, 2)):
            found.append(float(((low == one) & (high == other)).sum()) / max(n - 1, 1))
        for number in range(3):
            places = np.flatnonzero(kind == number)
            last = len(places) - 1
            for share in (0, 0.25, 0.5, 0.75, 1):
                found.append(float(places[int(share * last)]) / n if last >= 0 else 0.0)
    return np.array(found)


def _termini(text: str, residue: Codes) -> Array:
    """Return the classes of residues at the beginning, after it, and at the end."""
    kind = REDUCED[residue]
    parts = (kind[:_TERMINUS], kind[_TERMINUS : 3 * _TERMINUS], kind[-_TERMINUS:])
    return np.concatenate([_shares(part, len(CLASSES)) for part in parts])


def _windows(values: Array, width: int) -> Array:
    """Return the means of all windows; of a shorter row its mean."""
    if len(values) <= width:
        return np.array([values.mean()])
    total = np.cumsum(np.r_[0.0, values])
    return np.asarray((total[width:] - total[:-width]) / width)


def _membrane(text: str, residue: Codes) -> Array:
    """Return what hydropathy, charge and complexity say: segments, signals, disorder."""
    n = len(residue)
    hydropathy, charge = _HYDROPATHY[residue], _CHARGE[residue]
    wide = _windows(hydropathy, _MEMBRANE_WIDTH)
    starts: list[int] = []
    for place in np.flatnonzero(wide > _MEMBRANE):
        if not starts or place - starts[-1] >= _MEMBRANE_WIDTH:
            starts.append(int(place))
    segments, first = len(starts), starts[0] if starts else n
    leader = float(_windows(hydropathy[:40], 9).max())
    narrow, net = _windows(hydropathy, 9), _windows(charge, 15)
    disorder = _windows(np.abs(charge) / 2 - hydropathy, 31)
    bits = _entropies(residue)
    return np.array(
        [
            segments, np.log1p(segments), segments >= 1, segments == 1, 6 <= segments <= 8,
            segments > 8, first / n, min(first, 60) / 60, leader, wide.max(),
            (wide > _MEMBRANE).mean(), leader > 1 and segments <= 1, narrow.max(), narrow.min(),
            net.max(), net.min(), (net > 0.4).mean(), (net < -0.4).mean(), disorder.max(),
            disorder.mean(), (disorder > 0.6).mean(), bits.mean(), bits.min(), (bits < 2).mean(),
            np.abs(charge).mean(), charge.mean(), charge.sum(),
        ],
        np.float64,
    )  # fmt: skip


def _entropies(residue: Codes) -> Array:
    """Return the entropy in nats of the composition of windows of 20, every 10 residues."""
    width, step = 20, 10
    if len(residue) < width:
        windows = residue[None, :]
    else:
        windows = np.lib.stride_tricks.sliding_window_view(residue, width)[::step]
    rows = np.repeat(np.arange(len(windows)), windows.shape[1])
    size = len(RESIDUES) + 1
    count = np.bincount(rows * size + windows.ravel(), minlength=len(windows) * size)
    share = count.reshape(len(windows), size) / windows.shape[1]
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1))).sum(axis=1))


def _periods(text: str, residue: Codes) -> Array:
    """Return the autocovariance of each scale at several distances."""
    values = _SCALES[:, residue]
    values = values - values.mean(axis=1, keepdims=True)
    n = values.shape[1]
    found = [
        (values[:, :-lag] * values[:, lag:]).mean(axis=1) if n > lag else np.zeros(len(values))
        for lag in _LAGS
    ]
    return np.concatenate(found)


def _pairs(text: str, residue: Codes) -> Array:
    """Return how much oftener spaced pairs of classes occur than their composition says."""
    kind, size = REDUCED[residue], len(CLASSES)
    share = _shares(kind, size)
    expected = np.sqrt(np.outer(share, share))
    found = []
    for gap in _GAPS:
        first, second = kind[:-gap], kind[gap:]
        good = (first < size) & (second < size)
        count = np.bincount(first[good] * size + second[good], minlength=size * size)
        share_of_pairs = count.reshape(size, size) / max(len(first), 1)
        found.append((np.sqrt(share_of_pairs) - expected).ravel())
    return np.concatenate(found)


def _motifs(text: str, residue: Codes) -> Array:
    """Return how often each motif occurs, and how densely, as logarithms."""
    count = np.array([sum(1 for _ in motif.finditer(text)) for motif in MOTIFS], np.float64)
    return np.concatenate([np.log1p(count), np.log1p(1000 * count / len(text))])


_FAMILIES: Mapping[str, Callable[[str, Codes], Array]] = {
    "composition": _composition,
    "length": _length,
    "patterns": _patterns,
    "termini": _termini,
    "membrane": _membrane,
    "periods": _periods,
    "pairs": _pairs,
    "motifs": _motifs,
}
