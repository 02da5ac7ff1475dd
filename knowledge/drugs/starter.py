"""The drugs of the starter pack, in our own words: files of classes in `starter/drugs`."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, RootModel

from knowledge.drugs.drug import Action, Drug, DrugTarget, started
from knowledge.drugs.names import plain_name, squashed
from knowledge.schema import Frozen
from knowledge.strict_yaml import read_yaml

FOLDER = Path(__file__).parents[1] / "starter" / "drugs"
NOT_DRUGS = "not_drugs.yaml"
SOURCE = "built-in drugs"
# What a drug is used for, and what it meets besides.
MAIN, ALSO = 0.95, 0.5


class _Row(Frozen):
    """A drug as it is written; what is missing is as its class has it."""

    synonyms: str = ""
    targets: dict[Action, str] | None = None
    also: dict[Action, str] = Field(default_factory=dict)
    lost: str | None = None
    gained: str | None = None
    process: str | None = None
    note: str = ""


class _Class(Frozen):
    """Drugs of one mode of action; `called` are names of the class."""

    mode: str
    called: tuple[str, ...] = ()
    targets: dict[Action, str] = Field(default_factory=dict)
    lost: str = ""
    gained: str = ""
    process: str = ""
    drugs: dict[str, _Row]


class _Classes(RootModel[tuple[_Class, ...]]):
    pass


class _Words(Frozen):
    words: str
    says: str


class _NotDrugs(RootModel[dict[str, _Words]]):
    pass


class NotDrugs(Frozen):
    """Words that stand where a drug would, and what each is."""

    words: dict[str, str]

    def says(self, key: str) -> str:
        """Return what a squashed word is; empty where it is none of these."""
        return self.words.get(key, "")


@lru_cache(maxsize=1)
def load_starter_drugs() -> tuple[Drug, ...]:
    """Return the drugs of the starter pack.

    Raises:
        DataError: A file does not fit its form.
    """
    found: dict[str, Drug] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name == NOT_DRUGS:
            continue
        for group in read_yaml(path, _Classes).root:
            for name, row in group.drugs.items():
                drug = _drug(name, row, group)
                if (earlier := found.get(name)) is not None:
                    words = dict.fromkeys((*earlier.synonyms, *drug.synonyms))
                    drug = earlier.model_copy(update={"synonyms": tuple(words)})
                found[name] = drug
    return tuple(found.values())


@lru_cache(maxsize=1)
def load_not_drugs() -> NotDrugs:
    """Return the words that are no drugs."""
    file = read_yaml(FOLDER / NOT_DRUGS, _NotDrugs).root
    return NotDrugs(
        words={squashed(word): row.says for row in file.values() for word in row.words.split(", ")}
    )


def _drug(name: str, row: _Row, group: _Class) -> Drug:
    main = group.targets if row.targets is None else row.targets
    targets = (*_targets(main, MAIN), *_targets(row.also, ALSO))
    lost = group.lost if row.lost is None else row.lost
    gained = group.gained if row.gained is None else row.gained
    words = [word for word in row.synonyms.split(", ") if word]
    ids = tuple(word.upper() for word in words if word.startswith("chembl"))
    return Drug(
        name=name,
        synonyms=tuple(
            word for word in words if word.upper() not in ids and plain_name(word) != name
        ),
        ids=ids,
        modes=(group.mode, *(one for one in group.called if one != group.mode)),
        targets=targets,
        process=group.process if row.process is None else row.process,
        starts=started(targets, tuple(lost.split()), tuple(gained.split())),
        note=row.note,
        sources=(SOURCE,),
    )


def _targets(listed: dict[Action, str], certainty: float) -> tuple[DrugTarget, ...]:
    return tuple(
        DrugTarget(gene=gene, action=action, certainty=certainty, sources=(SOURCE,))
        for action, genes in listed.items()
        for gene in genes.split()
    )
