"""Figures that others published on the official test split, quoted beside ours and never as ours.

Macro per-gene AUROC of K562, RPE1, HepG2, Jurkat. Wu et al., ICLR 2025 (the benchmark's own results
notebook); CORE-Voting, arXiv 2606.01042, gives a mean of four lines only.
"""

from collections.abc import Mapping

PUBLISHED: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "de": {
        "GEARS": (0.55, 0.49, 0.48, 0.51),
        "GAT": (0.53, 0.55, 0.58, 0.51),
        "GenePT-Gene": (0.57, 0.55, 0.56, 0.55),
        "Retrieval without LLM": (0.58, 0.59, 0.56, 0.56),
        "SUMMER (Llama-3 70B)": (0.62, 0.59, 0.62, 0.59),
    },
    "dir": {
        "GEARS": (0.67, 0.61, 0.52, 0.52),
        "GAT": (0.59, 0.60, 0.63, 0.58),
        "GenePT-Prot": (0.55, 0.61, 0.55, 0.60),
        "Retrieval without LLM": (0.69, 0.63, 0.64, 0.61),
        "SUMMER (Llama-3 70B)": (0.64, 0.64, 0.66, 0.67),
    },
}
PUBLISHED_MEANS: Mapping[str, Mapping[str, float]] = {"de": {"CORE-Voting": 0.703}, "dir": {}}
"""Published as a mean of the four lines only."""


def published_means(task: str) -> dict[str, float]:
    """Return the published means over the four lines of a task."""
    means = {name: sum(values) / len(values) for name, values in PUBLISHED[task].items()}
    return {**means, **PUBLISHED_MEANS[task]}
