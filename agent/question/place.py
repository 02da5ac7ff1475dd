"""Says what stands around a word: whether a gene must stand there, or may."""

from agent.question import words as vocabulary
from agent.question.pieces import Item

BEFORE_GENES = vocabulary.words("to of on about does do did is are will would can gene genes why")


class Place:
    """What stands around a word."""

    def __init__(self, done: list[Item], rest: list[Item]) -> None:
        before = [item for item in done[-4:] if item.lower not in {"'", '"', "(", "["}]
        after = [item for item in rest[:3] if item.lower not in {"'", '"', ")", "]"}]
        last = before[-1] if before else None
        bare = [item for item in before if item.lower not in vocabulary.BESIDE]
        core = bare[-1] if bare else None
        joined = bool(
            last
            and last.lower in vocabulary.CONNECTORS
            and any(item.kind == "gene" for item in before[:-1])
        )
        follows = bool(after) and _points_back(after)
        named = bool(last and last.lower in {"gene", "genes", "of"}) or bool(
            after and after[0].lower in vocabulary.EXPRESSION
        )
        asked = bool(last and last.lower in BEFORE_GENES)
        self.cue = bool(last and last.cue) or bool(after and after[0].cue and follows)
        self.listed = self.cue or joined or bool(core and core.cue)
        self.strict = self.cue or named or asked or joined or follows
        self.gene = self.strict or bool(core and (core.cue or core.lower in BEFORE_GENES))
        self.noun = _noun_follows(before, core) or _noun_precedes(core, after)
        self.line = bool(last and last.lower == "in") or bool(
            after and after[0].lower in {"cell", "cells"}
        )


def _noun_follows(before: list[Item], core: Item | None) -> bool:
    """Whether no auxiliary verb can follow: "knock out WAS", "loss of WAS", "HSPA5 and WAS"."""
    if not before or core is None:
        return False
    last = before[-1]
    if last.lower in vocabulary.CONNECTORS - {"as", "well", "both"}:
        return len(before) > 1 and before[-2].kind == "gene"
    if last.lower in {"of", "gene", "the"} or core.lower in vocabulary.AHEAD | BEFORE_GENES:
        return True
    return core.cue is not None and core.cue.form == "verb"


def _noun_precedes(core: Item | None, after: list[Item]) -> bool:
    """Whether what follows no auxiliary verb: "WAS is lost", "WAS knockout", "KO WAS in Jurkat"."""
    first = after[0] if after else None
    if first and (first.lower in vocabulary.AUXILIARIES or first.text in {"+", "/", "&"}):
        return True
    if first and first.cue and first.cue.form in ("noun", "mark"):
        return True
    if first and first.lower in {"and", "or"}:
        return len(after) > 1 and after[1].kind in ("word", "gene") and after[1].text.isupper()
    named = core is not None and (core.text == ":" or core.cue is not None)
    return named and (first is None or first.kind == "mark" or first.lower in {"in", "with"})


def _points_back(after: list[Item]) -> bool:
    """Whether what follows makes a word a gene: "... KO", "... is lost", "... rises"."""
    first = after[0]
    if first.cue:
        return first.cue.form in ("noun", "mark", "participle")
    if first.lower in vocabulary.AUXILIARIES:
        return len(after) > 1 and (
            after[1].cue is not None or after[1].lower in vocabulary.READOUT_VERBS
        )
    return first.lower in vocabulary.READOUT_VERBS
