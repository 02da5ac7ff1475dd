"""Figures that others published of expression responses, quoted and never as ours."""

from collections.abc import Mapping

PUBLISHED_L2: Mapping[str, Mapping[str, float]] = {
    "no change": {"Norman doubles": 5.617},
    "additive": {"Norman doubles": 2.765},
    "linear, embeddings from training": {"Adamson": 4.430, "K562": 4.040, "RPE1": 5.715},
    "linear, embeddings from the other screen": {"Adamson": 3.534, "K562": 3.532, "RPE1": 5.144},
    "GEARS": {"Norman doubles": 3.919, "Adamson": 4.156, "K562": 4.091, "RPE1": 6.066},
    "scGPT": {"Norman doubles": 4.703, "Adamson": 5.203, "K562": 4.393, "RPE1": 6.849},
    "scFoundation": {"Norman doubles": 4.552},
}
"""Mean L2 of expression responses over the 1,000 most expressed genes, doubles or unseen singles.

Ahlmann-Eltze, Huber and Anders (Nature Methods 2025), read off the preprint's vector figures.
"""
