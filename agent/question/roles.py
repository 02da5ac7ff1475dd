"""Tells the perturbed genes of a question from its readouts, by the grammar around its words."""

import re
from dataclasses import replace

from agent.question import words as vocabulary
from agent.question.assigned import Assigned, Perturbed
from agent.question.gene_lists import AMBIGUOUS, GeneLists
from agent.question.pieces import Item
from agent.question.words import Cue

# Tools, which do not make a subject: in "use CRISPRa to activate KLF1", KLF1 is perturbed.
_TOOL = re.compile(r"crispr|dcas9|(?:si|sh|sg|g)rna|rnai|guide|aso", re.IGNORECASE)
_CLAUSE_ENDS = frozenset(",;:.?!>")
_CERTAIN = vocabulary.AHEAD - AMBIGUOUS - {"for"}
# Participles that hardly ever tell what a transcript does.
_TAKEN = frozenset(["removed", "inactivated", "disrupted", "eliminated", "gone"])
_DESCRIBED = vocabulary.words(
    "target targets dependent independent mediated driven regulated responsive pathway"
)


class Roles:
    """Tells perturbed genes from readouts by the grammar around the perturbation words."""

    def __init__(self, found: list[Item]) -> None:
        self._items = found
        self._lists = GeneLists(found)
        self._genes = [i for i, item in enumerate(found) if item.kind == "gene"]

    def assigned(self) -> Assigned:
        """Return who is perturbed and who is read out; nobody perturbed if nothing says so."""
        attached = [
            Perturbed(i, self._with_particle(item.cue, span), tuple(span), self._at(span))
            for i, item in enumerate(self._items)
            if item.cue and (span := self._attached(i, item.cue))
        ]
        if not attached:
            return self._without_cues()
        attached = [
            replace(one, cue=replace(one.cue, strength=3))
            if one.cue.form == "verb" and self._goes_on(one.at)
            else one
            for one in attached
        ]
        if all(self._of_cells(one) for one in attached if one.cue.strength > 1):
            attached = [
                replace(one, cue=replace(one.cue, strength=3))
                if one.cue.strength == 1 and one.cue.form == "noun"
                else one
                for one in attached
            ]
        attached = [
            replace(one, cue=replace(one.cue, strength=3))
            if one.cue.strength == 2 and one.cue.form == "participle" and self._given(one)
            else one
            for one in attached
        ]
        strongest = max(one.cue.strength for one in attached)
        if strongest > 1:
            attached = [one for one in attached if one.cue.strength > 1]
        if strongest == 3:
            sure = {i for one in attached if one.cue.strength == 3 for i in one.span}
            # "Would loss of RB1 switch on E2F targets": the weaker word says what RB1's loss does.
            attached = [
                one for one in attached if one.cue.strength == 3 or not sure.issuperset(one.span)
            ]
            attached = [
                one for one in attached if one.cue.strength == 3 or not self._asked(list(one.span))
            ]
        perturbed = {i for one in attached for i in one.span}
        return Assigned(
            perturbed=self._at(sorted(perturbed)),
            readouts=self._readouts(perturbed),
            cues=tuple(attached),
        )

    def _with_particle(self, cue: Cue, span: list[int]) -> Cue:
        """Return the cue of "knock ... down" with the kind that its particle says."""
        if cue.form != "split":
            return cue
        return replace(cue, kind=vocabulary.PARTICLES[self._items[span[-1] + 1].lower])

    def _readouts(self, perturbed: set[int]) -> tuple[Item, ...]:
        """Return every other gene; a perturbed one only where it is asked about once more."""
        names = {self._items[i].symbol for i in perturbed}
        return self._at(
            [
                i
                for i in self._genes
                if i not in perturbed
                and not self._describes(i)
                and (self._items[i].symbol not in names or self._asked([i]))
            ]
        )

    def _describes(self, at: int) -> bool:
        """Whether a gene only describes others: "NRF2 targets", "p53-dependent genes"."""
        after = [item.lower for item in self._items[at + 1 : at + 3]]
        return bool(after) and after[0] in _DESCRIBED and after[-1] not in {"on", "by", "of"}

    def _at(self, places: list[int]) -> tuple[Item, ...]:
        return tuple(self._items[i] for i in places)

    def _attached(self, at: int, cue: Cue) -> list[int]:
        """Return the genes that the cue at this place perturbs."""
        if cue.form == "split":
            return self._inside_split(at)
        if self._is_lost_by_line(at):
            return []
        ahead, behind = self._lists.after(at), self._lists.before(at)
        if cue.form == "mark":
            both = ahead if self._lists.is_double(at) else []
            return behind or self._lists.after_of(at) or both
        if cue.form == "noun":
            of = self._lists.after_of(at, _CERTAIN)
            behind = behind or self._listed_before(at)
            if not of and (self._is_means(at) or (not behind and self._is_of_else(at))):
                return []
            return of or behind or self._lists.after_of(at, vocabulary.AHEAD - AMBIGUOUS) or ahead
        if cue.form == "participle":
            if of := self._lists.after_of(at, frozenset(["of"])):
                return of  # "RPE1 depleted of CTNNB1"
            if behind and (self._by_gene(at) or (cue.strength < 3 and self._by_loss(at))):
                return []
            return [*behind, *self._as_well(at)] if behind else ahead
        if self._goes_on(at):
            return ahead
        if cue.strength < 3 and self._has_subject(at):
            return []
        # "by BCL11A lacking": the verb stands behind its gene.
        return ahead or (behind if self._items[at].lower in {"lacking", "lack"} else [])

    def _given(self, one: Perturbed) -> bool:
        """Whether a condition says it: "if ATF4 is already lost"."""
        before = self._items[max(0, min(one.span) - 2) : min(one.span)]
        if any(item.lower in {"if", "once", "given"} for item in before):
            return True
        return self._items[one.at].lower in _TAKEN and not self._asked(list(one.span))

    def _of_cells(self, one: Perturbed) -> bool:
        """Whether a mark right before the line says what cells these are: "STAT5B-null K562"."""
        end = max(one.at, *one.span)
        after = self._items[end + 1] if end + 1 < len(self._items) else None
        return one.cue.form == "mark" and after is not None and after.kind == "line"

    def _goes_on(self, at: int) -> bool:
        """Whether a verb goes on with what is done: "knock out TP53 and activate MDM2"."""
        first = next((i for i, item in enumerate(self._items) if item.cue), at)
        opens = self._items[first].cue
        told = [item.lower for item in self._items[:first] if item.kind == "word"]
        ordered = not told or told[-1] in {"i", "we", "you", "to", "please", "then", "while"}
        joined = self._items[at - 1].lower in {"and", "then", "while", "but", "plus", "+"}
        asks = any(item.lower in vocabulary.ASKS for item in self._items[first:at])
        if not (at > first and opens and opens.strength == 3):
            return False
        after = self._items[first + 1]
        if opens.form not in ("verb", "split") and not (first == 0 and after.kind == "gene"):
            return False
        return ordered and joined and not asks

    def _is_lost_by_line(self, at: int) -> bool:
        """Whether a line loses a transcript of something else: "K562 loses GYPA when ..."."""
        return (
            self._items[at].lower in {"lose", "loses", "losing"}
            and at > 0
            and self._items[at - 1].kind == "line"
            and any(item.cue for item in self._items[at + 1 :])
        )

    def _listed_before(self, at: int) -> list[int]:
        """Return the gene before a word that stands alone in a list: "BCL11A. CRISPRi. HBG2."."""
        if not 2 <= at < len(self._items) - 2:
            return []
        alone = self._items[at - 1].text in ".;|" and self._items[at + 1].text in ".;|"
        between = self._items[at - 2].kind == "gene" and self._items[at + 2].kind == "gene"
        return [at - 2] if alone and between else []

    def _is_of_else(self, at: int) -> bool:
        """Whether a word that is no gene says what is perturbed: "secretase inhibition: HES1"."""
        before = self._items[at - 1] if at else None
        if before is None or before.kind != "word" or before.described:
            return False
        plain = before.lower in vocabulary.KNOWN or vocabulary.inflected(before.lower)
        return not plain and not any(letter.isdigit() for letter in before.text)

    def _is_means(self, at: int) -> bool:
        """Whether the word only says by what means: "loss of A by CRISPR knockout: B"."""
        j = at - 1
        while j >= 0 and self._items[j].cue is not None:
            j -= 1
        return j >= 0 and self._items[j].lower in {"by", "via", "using"} and at > 1

    def _as_well(self, at: int) -> list[int]:
        """Return the gene that goes the same way: "A is lost but B as well", "and so is B"."""
        after = self._items[at + 1 : at + 7]
        words = [item.lower for item in after if item.text != ","]
        places = [at + 1 + k for k, item in enumerate(after) if item.text != ","]
        if len(words) < 2 or words[0] not in {"but", "and"}:
            return []
        for k, place in enumerate(places[1:], start=1):
            if self._items[place].kind == "gene":
                beside = {*words[1:k], *words[k + 1 : k + 3]}
                return [place] if beside & {"also", "too", "well", "so", "likewise"} else []
            if words[k] not in {"also", "so", "too", "is", "are", "was", "likewise"}:
                return []
        return []

    def _by_loss(self, at: int) -> bool:
        """Whether a perturbation follows that brings it about: "turned on by loss of DDX5"."""
        after = self._items[at + 1 : at + 4]
        leads = bool(after) and after[0].lower in {"by", "upon", "after", "when", "on", "following"}
        return leads and any(item.cue and item.cue.strength == 3 for item in after[1:])

    def _by_gene(self, at: int) -> bool:
        """Whether "by" a gene follows: "HBG1 is silenced by GATA1" perturbs nobody yet."""
        after = self._items[at + 1 : at + 3]
        return len(after) == 2 and after[0].lower == "by" and after[1].cue is None

    def _has_subject(self, at: int) -> bool:
        """Whether a gene, or its loss, is what does it: "does KEAP1 loss activate NQO1"."""
        for item in reversed(self._items[:at]):
            if item.text in _CLAUSE_ENDS or item.lower in vocabulary.CONDITIONS:
                return False
            if item.kind == "gene" or (item.cue and not _TOOL.match(item.text)):
                return True
        return False

    def _inside_split(self, at: int) -> list[int]:
        span = self._lists.after(at)
        if not span or span[-1] + 1 >= len(self._items):
            return []
        return span if self._items[span[-1] + 1].lower in vocabulary.PARTICLES else []

    def _asked(self, span: list[int]) -> bool:
        """Whether these genes stand where a readout stands: "happens to A", "does A go up"."""
        first, last = span[0], span[-1]
        before = [item.lower for item in self._items[max(0, first - 4) : first]]
        while before and before[-1] in vocabulary.EXPRESSION | vocabulary.BESIDE | {"of", "in"}:
            before.pop()
        ends = last + 1
        while ends < len(self._items) and self._items[ends].lower in vocabulary.EXPRESSION:
            ends += 1
        if ends < len(self._items) and self._items[ends].lower == "be":
            ends += 1
        after = self._items[ends].lower if ends < len(self._items) else ""
        acts = ends + 1 < len(self._items) and self._items[ends + 1].kind == "gene"
        moved = after in vocabulary.READOUT_VERBS and not acts
        if before and before[-1] in vocabulary.ASKS and moved:
            return True
        if before and before[-1] in {"to", "with"}:
            return any(word in {"happens", "happen", "happening", "do", "does"} for word in before)
        if before and before[-1] == "on":
            return True
        return moved and after in _FINITE

    def _without_cues(self) -> Assigned:
        """Without a perturbation word: the regulator of "A controls B", or the first gene."""
        if not self._genes:
            return Assigned((), ())
        groups = self._groups()
        chosen = next((g for g in groups if self._is_missing(g)), None)
        chosen = (
            chosen
            or next((g for g in groups if self._is_regulator(g)), None)
            or next((g for g in groups if self._is_condition(g)), None)
        )
        if chosen is None:
            free = [group for group in groups if not self._asked(group)]
            if not free:
                return Assigned((), self._at(self._genes))
            cue = next(
                (i for i, item in enumerate(self._items) if item.cue and not self._has_subject(i)),
                -1,
            )
            chosen = next((group for group in free if group[0] > cue), free[0])
            joined = {self._items[j].text for j in range(chosen[0], chosen[-1])} & {"+", "/", "&"}
            chosen = chosen if joined else chosen[:1]
        return Assigned(
            perturbed=self._at(chosen),
            readouts=self._readouts(set(chosen)),
        )

    def _groups(self) -> list[list[int]]:
        groups: list[list[int]] = []
        for i in self._genes:
            if not groups or i not in groups[-1]:
                groups.append(self._lists.joined(i, 1))
        return groups

    def _is_condition(self, group: list[int]) -> bool:
        """Whether the genes open a condition: "if HSPA5 was not there"."""
        j = self._lists.skipped(group[0] - 1, -1, vocabulary.BESIDE)
        return j is not None and self._items[j].lower in vocabulary.CONDITIONS

    def _is_missing(self, group: list[int]) -> bool:
        """Whether "no" stands before the genes: "when there is no PERK"."""
        return group[0] > 0 and self._items[group[0] - 1].lower == "no"

    def _is_regulator(self, group: list[int]) -> bool:
        words = " ".join(item.text for item in self._items[max(0, group[0] - 5) : group[0]])
        return vocabulary.BY_WORDS.search(f"{words} ") is not None


_FINITE = vocabulary.words(
    """goes rises falls drops increases decreases changes responds climbs declines stays remains
    go rise fall drop increase decrease change respond up down"""
)
