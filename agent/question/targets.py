"""Tells sets and factors that only describe from those that are perturbed or read out."""

from dataclasses import replace

from agent.question.pieces import Item
from agent.question.sets import Names
from agent.question.words import words

_TARGETS = frozenset(["target", "targets"])
_DESCRIBES = words(
    """
    subunit subunits component components member members gene genes protein proteins factor
    kinase receptor ligase complex marker markers substrate substrates target targets
    chaperone core transcripts transcript
    """
)
# "The NRF2 repressor KEAP1": what stands before such a word describes the gene after it.
_ROLES = words(
    """
    target targets repressor inhibitor activator coactivator corepressor regulator ligase
    kinase receptor substrate partner sensor antagonist effector subunit chaperone phosphatase
    cofactor ligand paralog paralogue adaptor scaffold interactor homolog homologue
    """
)
_QUIET = frozenset("():,\"'[]-")


def targeted(found: list[Item], names: Names) -> list[Item]:
    """Return the items with "NRF2 targets" as one set, and sets that only describe as words."""
    joined: list[Item] = []
    i = 0
    while i < len(found):
        item = found[i]
        after = [one.lower for one in found[i + 1 : i + 3]]
        if item.kind == "gene" and after and after[0] in _TARGETS:
            taken = 2 + (len(after) > 1 and after[1] in {"gene", "genes"})
            if _listed_next(found, i + taken):
                joined += [
                    replace(item, kind="word", note="", named=None, members=(), described=True),
                    *found[i + 1 : i + taken],
                ]
            elif after[-1] in {"of", "by"} or after[0] == "target":
                joined += found[i : i + taken]
            else:
                joined.append(_set_of_targets(item, names, found[i + taken - 1]))
            i += taken
            continue
        if item.kind == "gene" and _is_role_of(found, i):
            item = replace(item, kind="word", note="", named=None, members=(), described=True)
        joined.append(item)
        i += 1
    return [_described(joined, i) for i in range(len(joined))]


def _is_role_of(found: list[Item], i: int) -> bool:
    """Whether a few words and the name of a role lead from this gene to another."""
    for j in range(i + 1, min(i + 5, len(found) - 1)):
        if found[j].kind != "word" or not found[j].text.islower():
            return False
        if found[j].lower in _ROLES:
            return found[j + 1].kind == "gene"
    return False


def _set_of_targets(item: Item, names: Names, last: Item) -> Item:
    named = names.targets(item.symbol or item.text, item.members or (item.symbol,))
    if named is None:
        return replace(item, kind="word", described=True, at=(item.at[0], last.at[1]))
    return Item(
        "gene",
        f"{item.text} targets",
        symbol=named.name,
        members=named.members,
        named=named,
        at=(item.at[0], last.at[1]),
    )


def _listed_next(found: list[Item], i: int) -> bool:
    """Whether genes are listed right here, so that what stands before only describes them."""
    while i < len(found) and found[i].kind == "mark" and found[i].text in _QUIET:
        i += 1
    return i < len(found) and found[i].kind == "gene"


def _described(found: list[Item], i: int) -> Item:
    """Return a set as a word where it describes a gene: "the proteasome subunit PSMD1"."""
    item = found[i]
    if item.named is None:
        return item
    gap = 0
    cue = False
    for other in found[i + 1 : i + 6]:
        if other.kind == "gene":
            near = gap == 0 and not cue and _opens(found, i)
            same = not other.members and item.named.covers(other.symbol)
            member = other.symbol in {*item.named.everything, *item.named.members}
            if item.named.readout and not member and _apart(found, i):
                return item
            if (item.named.readout and not cue and gap <= 1) or same or near:
                return replace(item, kind="word", named=None, members=(), described=True)
            return item
        if other.kind == "cue":
            cue = True
        elif other.kind == "word" and other.lower in _DESCRIBES:
            gap += 0
        elif other.kind == "word" or (other.kind == "mark" and other.text not in _QUIET):
            return item
    return item


def _apart(found: list[Item], i: int) -> bool:
    """Whether a comma ends the set and a perturbed gene follows: "ISR genes, HSPA5 ko"."""
    after = found[i + 1 : i + 4]
    return (
        len(after) == 3
        and after[0].text == ","
        and after[1].kind == "gene"
        and after[2].cue is not None
    )


def _opens(found: list[Item], i: int) -> bool:
    """Whether a bracket stands between a set and the gene after it: "cohesin (RAD21)"."""
    return i + 1 < len(found) and found[i + 1].text in {"(", "["}
