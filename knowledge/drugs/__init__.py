"""Drugs: their names, what they bind, which way they push it, and where their cascade begins."""

from knowledge.drugs.drug import Action, Drug, DrugTarget, sign_of
from knowledge.drugs.given import given
from knowledge.drugs.names import plain_name, squashed, written
from knowledge.drugs.registry import AmbiguousDrug, DrugError, Drugs, NotADrug, UnknownDrug

__all__ = [
    "Action",
    "AmbiguousDrug",
    "Drug",
    "DrugError",
    "DrugTarget",
    "Drugs",
    "NotADrug",
    "UnknownDrug",
    "given",
    "plain_name",
    "sign_of",
    "squashed",
    "written",
]
