"""Answers questions of a finished analysis from its tables, each sentence with the row it is of."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from knowledge.symbols import SymbolTable
from tools.counts.differential import by_gene
from tools.counts.facts import facts_of
from tools.counts.frames import rows_of
from tools.counts.sentences import fold_words, joined, p_words, rate_words

MOST_GENES, MOST_SETS, NAMED = 6, 3, 8
_WORD = re.compile(r"[A-Za-zα-ωΑ-Ω0-9][\w./αβγκ-]*")
_ACTIVE = re.compile(r"\b(activ\w*|inhibit\w*|on|off|regulat\w*|driv\w*)\b", re.I)
_HOW_MANY = re.compile(r"\bhow (many|much)\b|\bnumber of\b", re.I)
_SAMPLES = re.compile(
    r"\b(samples?|outliers?|batch\w*|librar\w*|replicates?|swapped|quality|pca)\b", re.I
)
_MOST = re.compile(r"\b(most|top|strongest|largest|best)\b", re.I)
# Words of questions that name no gene and no process.
_PLAIN = {
    "a", "about", "active", "activity", "all", "and", "any", "are", "at", "be", "by", "change",
    "changed", "changes", "can", "did", "do", "does", "down", "expression", "for", "from", "gene",
    "genes", "go", "goes", "had", "happen", "happened", "happens", "has", "have", "here", "how",
    "if", "in", "is", "it", "its", "level", "levels", "lower", "higher", "many", "me", "more",
    "most", "much", "of", "on", "or", "pathway", "pathways", "process", "response", "set", "sets",
    "show", "signalling", "signaling", "significant", "significantly", "tell", "than", "that",
    "the", "them", "there", "these", "they", "this", "to", "top", "up", "was", "were", "what",
    "which", "why", "with", "regulated", "induced", "repressed", "result", "s", "targets",
}  # fmt: skip


class Answered(Frozen):
    """A question of a result and what its tables say.

    Attributes:
        question: As it was asked.
        read: What of it was understood: genes and words of gene sets.
        sentences: What the tables say, with marks.
        confirmed: Whether the checker confirms every sentence.
    """

    question: str
    read: tuple[str, ...]
    sentences: tuple[str, ...]
    confirmed: bool


def answered(folder: Path, question: str, symbols: SymbolTable) -> Answered:
    """Return what the tables of an analysis say to a question.

    Raises:
        QuestionError: It names nothing that the tables hold.
    """
    genes = by_gene(_read(folder / "differential.csv"))
    sets, regulators = _read(folder / "gene_sets.csv"), _read(folder / "regulators.csv")
    words = _WORD.findall(question)
    asked = _genes_of(words, symbols, genes)
    said: list[str] = []
    active = bool(_ACTIVE.search(question))
    for name in asked[:MOST_GENES]:
        said += _of_gene(name, genes, regulators, active=active)
    rest = [w for w in words if w.casefold() not in _PLAIN and not _ground(w, symbols, genes)]
    themes = _sets_of(rest, sets) if not asked or rest else pd.DataFrame()
    for row in _rows(themes):
        said += _of_set(row, genes)
    if not said and _SAMPLES.search(question):
        said += _of_samples(folder)
    if not said and (_HOW_MANY.search(question) or _MOST.search(question) or not rest):
        said += _of_everything(genes)
    if not said:
        raise QuestionError(
            f"The tables of {folder} hold no gene, gene set or regulator that {question!r} names; "
            "ask for example 'is NRF2 active?', 'what about apoptosis genes?' or 'did CA9 change?'."
        )
    facts = facts_of(folder)
    return Answered(
        question=question,
        read=(*asked, *(str(row.name) for row in rows_of(themes))),
        sentences=tuple(said),
        confirmed=all(facts.check(one).confirmed for one in said),
    )


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise QuestionError(f"{path} is missing; run the analysis again.")
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples())


def _genes_of(words: list[str], symbols: SymbolTable, genes: pd.DataFrame) -> list[str]:
    found = [_ground(word, symbols, genes) for word in words]
    return list(dict.fromkeys(one for one in found if one))


def _ground(word: str, symbols: SymbolTable, genes: pd.DataFrame) -> str:
    """Return the gene that a word names: a symbol as it stands, or a name written like one."""
    if word.casefold() in _PLAIN:
        return ""
    if word in genes.index:
        return word
    if not (any(c.isupper() for c in word[1:]) or any(c.isdigit() for c in word)):
        return ""
    found = symbols.ground(word, suggest=False).gene
    return found.symbol if found is not None else ""


def _of_gene(
    name: str, genes: pd.DataFrame, regulators: pd.DataFrame, *, active: bool
) -> list[str]:
    said = []
    mine = regulators[regulators["regulator"] == name]
    if len(mine) and active:
        told: Any = mine.iloc[0]
        mark, way = f"[regulator {name}]", "more" if told["score"] > 0 else "less"
        if told["padj"] <= 0.05:
            said.append(
                f"By its targets {name} is {way} active: score {told['score']:.1f}, adjusted p "
                f"{p_words(told['padj'])}, with {told['agreeing']} of {told['targets']} targets "
                f"significant that way and {told['opposing']} the other {mark}."
            )
        else:
            said.append(
                f"Its {told['targets']} targets do not say that {name} is active or inactive: "
                f"score {told['score']:.1f}, adjusted p {p_words(told['padj'])} {mark}."
            )
    elif active:
        said.append(
            f"The regulons hold too few tested targets of {name} to tell its activity "
            "[summary regulators]."
        )
    if name not in genes.index:
        return [*said, f"{name} was not tested: it is not among the counts, or has too few "
                "[summary changed]."]  # fmt: skip
    row: Any = genes.loc[name]
    change, mark = float(row["log2_fold_change"]), f"[gene {name}]"
    way = "higher" if change > 0 else "lower"
    if row["call"] in ("up", "down"):
        said.append(
            f"{name} is {fold_words(change)} {way} (log2 fold change {change:.2f}; adjusted p "
            f"{p_words(float(row['padj']))}) {mark}."
        )
    elif row["call"] == "not tested":
        said.append(
            f"{name} has a mean of {row['base_mean']:.1f} counts, too few or too uneven to test "
            f"{mark}."
        )
    else:
        said.append(
            f"{name} did not change significantly (log2 fold change {change:.2f}; adjusted p "
            f"{p_words(float(row['padj']))}) {mark}."
        )
    return said


def _sets_of(words: list[str], sets: pd.DataFrame) -> pd.DataFrame:
    """Return the sets that words name best: all of them, else most; significant ones first."""
    stems = [_stem(word) for word in words if len(word) > 2]
    if not stems or not len(sets):
        return sets.iloc[:0]
    names = sets["name"].astype(str).str.casefold()
    hits = pd.concat([names.str.contains(re.escape(stem)) for stem in stems], axis=1).sum(axis=1)
    best = int(hits.max())
    if best == 0 or best < (len(stems) + 1) // 2:
        return sets.iloc[:0]
    found = sets[hits == best]
    order = found.assign(
        _short=found["name"].astype(str).str.len(),
        _sure=found["fdr"].fillna(found["padj"]).fillna(1.0) > 0.05,
        _none=found["nes"].isna(),
    )
    first = order.sort_values(["_sure", "_none", "_short"], kind="stable")
    return found.reindex(first.index[:MOST_SETS])


def _stem(word: str) -> str:
    low = word.casefold()
    for ending in ("otic", "osis", "ation", "ative", "ies", "ing", "ic", "es", "s", "y"):
        if low.endswith(ending) and len(low) - len(ending) >= 4:
            return low[: -len(ending)]
    return low


def _of_set(row: Any, genes: pd.DataFrame) -> list[str]:  # noqa: ANN401  # a row of a table
    mark = f"[set {row.set}]"
    said = []
    if pd.notna(row.fdr):
        way = "up" if row.nes > 0 else "down"
        sure = row.fdr <= 0.05
        tail = f"normalised enrichment score {row.nes:.2f}, false discovery rate "
        tail += f"{rate_words(row.fdr)} {mark}."
        said.append(
            f"{row.name} goes {way} as a whole: {tail}"
            if sure
            else f"{row.name} does not move as a whole: {tail}"
        )
    elif pd.notna(row.padj):
        said.append(
            f"{row.changed} of the {row.size} tested genes of {row.name} changed, where "
            f"{row.expected:.1f} would by chance (adjusted p {p_words(row.padj)}) {mark}."
        )
    carrying = [g for g in str(row.leading or row.genes).split(";") if g in genes.index]
    way = "up" if row.sign > 0 else "down"
    moved = [g for g in carrying if genes.at[g, "call"] == way][:NAMED]
    if moved:
        told = [f"{g} ({fold_words(float(genes['log2_fold_change'][g]))})" for g in moved]
        marks = " ".join(f"[gene {g}]" for g in moved)
        said.append(f"Significantly {'higher' if way == 'up' else 'lower'} in it: {joined(told)} "
                    f"{mark} {marks}.")  # fmt: skip
    return said


def _of_everything(genes: pd.DataFrame) -> list[str]:
    calls = genes["call"].value_counts()
    up, down = int(calls.get("up", 0)), int(calls.get("down", 0))
    said = [f"{up + down:,} genes changed significantly [summary changed]."]
    for way, count in (("up", up), ("down", down)):
        if not count:
            continue
        some = genes[genes["call"] == way]
        size = (some["shrunken"].abs() * some["stat"].abs()).sort_values(ascending=False)
        names = list(size.index[:NAMED])
        told = [f"{g} ({fold_words(float(genes['log2_fold_change'][g]))})" for g in names]
        marks = " ".join(f"[gene {g}]" for g in names)
        said.append(f"Foremost {'higher' if way == 'up' else 'lower'}: {joined(told)} {marks}.")
    return said


def _of_samples(folder: Path) -> list[str]:
    samples = _read(folder / "samples.csv")
    library = samples["library"]
    odd = samples[samples["remark"].fillna("") != ""]
    said = [
        f"Library sizes of the {len(samples)} samples go from {library.min():,.0f} to "
        f"{library.max():,.0f} counts [summary samples]."
    ]
    if len(odd):
        told = [f"{row.sample} ({row.remark})" for row in _rows(odd)]
        said.append(f"With a remark: {joined(told)} [summary samples].")
    else:
        said.append("No sample has a remark [summary samples].")
    return said
