"""What a search for subtypes can be told; declared before anything is looked at."""

from typing import Literal

from pydantic import Field

from knowledge.schema import Frozen

Null = Literal["permuted", "rotated"]
NULLS: tuple[Null, ...] = ("permuted", "rotated")


class Rule(Frozen):
    """When a cluster is a rare subtype: the published rule, a least size, and a rate of error."""

    most: float = Field(0.10, gt=0, le=1, description="Share of samples that it stays below.")
    least: int = Field(3, ge=2, description="Samples that it has at least.")
    stable: float = Field(0.60, ge=0, le=1, description="Mean Jaccard over runs, at least.")
    same: float = Field(0.50, gt=0, le=1, description="Jaccard from which two groups are one.")
    rate: float = Field(0.05, gt=0, lt=1, description="False-discovery rate that is accepted.")


class SubtypeSettings(Frozen):
    """What a search does; another value is another run."""

    methods: tuple[str, ...] = Field(("ica",), description="Configurations, by name.")
    genes: int = Field(2000, ge=10, description="Most variable genes that are used.")
    as_is: bool = Field(False, description="Values are coordinates: none is chosen or scaled.")
    permutations: int = Field(20, ge=1, description="Data sets without groups, of each kind.")
    splits: int = Field(10, ge=1, description="Times that the samples are split in halves.")
    rule: Rule = Rule()
    seed: int = Field(0, ge=0, description="Seed of everything that is drawn.")
