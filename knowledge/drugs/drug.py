"""What a drug is here: targets with an action and a certainty, and what its cascade begins with."""

from typing import Literal

from pydantic import computed_field

from knowledge.schema import Frozen, Probability

Action = Literal["inhibitor", "antagonist", "degrader", "agonist", "activator", "binder", "unknown"]
Sign = Literal[-1, 0, 1]
_SIGNS: dict[Action, Sign] = {
    "inhibitor": -1,
    "antagonist": -1,
    "degrader": -1,
    "agonist": 1,
    "activator": 1,
}


def sign_of(action: Action) -> Sign:
    """Return what an action does to the activity of its target: -1, +1, or 0 where unknown."""
    return _SIGNS.get(action, 0)


class DrugTarget(Frozen):
    """A protein that a drug acts on, under its gene's symbol.

    `certainty` is how sure it is that the drug does so at the doses used in cells; `sources` are
    the tables that say it.
    """

    gene: str
    action: Action
    certainty: Probability
    sources: tuple[str, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sign(self) -> Sign:
        """What the drug does to the activity of the target."""
        return sign_of(self.action)


class Drug(Frozen):
    """A compound that people add to cells.

    Attributes:
        name: The international nonproprietary name in lower case, without its salt.
        synonyms: Other names, brands and codes, in lower case.
        ids: Identifiers such as `CHEMBL941` and `pubchem:5291`.
        modes: What kind of drug it is: `proteasome inhibitor`.
        targets: What it binds or blocks, the main ones first.
        process: What it disturbs where no one protein says it, and why the cascade begins there.
        starts: What the cascade begins with: a gene or a group, and whether its activity falls
            (-1) or rises (+1).
        smiles: Its structure, where a table gives it.
        note: What else a reader must know.
        sources: The tables that know it.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    targets: tuple[DrugTarget, ...] = ()
    process: str = ""
    starts: tuple[tuple[str, int], ...] = ()
    smiles: str = ""
    note: str = ""
    sources: tuple[str, ...] = ()

    @property
    def main_targets(self) -> tuple[DrugTarget, ...]:
        """The targets that it is used for, or the likeliest ones where no table says which."""
        best = max((one.certainty for one in self.targets), default=0.0)
        return tuple(one for one in self.targets if one.certainty >= best)


def started(
    targets: tuple[DrugTarget, ...], lost: tuple[str, ...] = (), gained: tuple[str, ...] = ()
) -> tuple[tuple[str, int], ...]:
    """Return what a cascade begins with: what is said, or else the signed main targets."""
    if lost or gained:
        return (*((gene, -1) for gene in lost), *((gene, 1) for gene in gained))
    best = max((one.certainty for one in targets if one.sign), default=0.0)
    return tuple((one.gene, one.sign) for one in targets if one.sign and one.certainty >= best)
