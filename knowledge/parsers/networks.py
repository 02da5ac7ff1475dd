"""Reads signalling networks and regulons into one record type, in each file's own names."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import header_of, malformed, read_table, whole_number

TRANSCRIPTION = "transcription"
COMPLEX = "complex:"
# CollecTRI asserts these two families as one regulator each, without saying which member binds.
FAMILIES = {
    "AP-1 family": ("FOS", "FOSB", "FOSL1", "FOSL2", "JUN", "JUNB", "JUND"),
    "NF-kB family": ("NFKB1", "NFKB2", "REL", "RELA", "RELB"),
}
_FAMILY_NAMES = {"AP1": f"{COMPLEX}AP-1 family", "NFKB": f"{COMPLEX}NF-kB family"}
_OMNIPATH = ("source_genesymbol", "target_genesymbol", "consensus_stimulation",
             "consensus_inhibition", "references")  # fmt: skip


class RawEdge(NamedTuple):
    """One assertion. `A_B` is a complex of A and B; `complex:NAME` is a complex by its own name.

    `sign` is 0 where the file has none or contradicts itself. `database` is set where one file
    holds several.
    """

    source: str
    target: str
    sign: int
    mechanism: str = ""
    references: tuple[str, ...] = ()
    database: str = ""


def read_omnipath_signed(path: Path) -> Iterator[RawEdge]:
    """Yield signed signalling from OmniPath: its web service's layout, or source/target/sign.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    if "source_genesymbol" in header_of(path):
        yield from _omnipath(path, "")
        return
    for line, (source, target, sign) in read_table(path, ("source", "target", "sign")):
        yield RawEdge(source, target, _sign(path, line, sign))


def read_collectri(path: Path) -> Iterator[RawEdge]:
    """Yield CollecTRI's regulons.

    Caveat: where its twelve resources do not say whether a factor activates or represses, CollecTRI
    writes activation. Its +1 is therefore weak evidence of sign, its -1 is not.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    if "source_genesymbol" in header_of(path):
        yield from _omnipath(path, TRANSCRIPTION)
        return
    for line, (tf, target, sign) in read_table(path, ("tf", "target", "sign")):
        yield RawEdge(_FAMILY_NAMES.get(tf, tf), target, _sign(path, line, sign), TRANSCRIPTION)


def read_dorothea(path: Path) -> Iterator[RawEdge]:
    """Yield DoRothEA's regulons of confidence A to C; D and E are mostly motif matches.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    if "source_genesymbol" in header_of(path):  # the web service was asked for A to C
        yield from _omnipath(path, TRANSCRIPTION)
        return
    for line, (tf, target, mor, confidence) in read_table(
        path, ("tf", "target", "mor", "confidence")
    ):
        if confidence in {"A", "B", "C"}:
            yield RawEdge(tf, target, _sign(path, line, mor), TRANSCRIPTION)


def read_dorothea_evidence(path: Path) -> Iterator[RawEdge]:
    """Yield the papers behind DoRothEA's curated edges.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    for line, (tf, target, mor, pubmed) in read_table(path, ("tf", "target", "mor", "pubmed_id")):
        yield RawEdge(tf, target, _sign(path, line, mor), TRANSCRIPTION, _papers(pubmed, ","))


def read_trrust(path: Path) -> Iterator[RawEdge]:
    """Yield TRRUST v2, with or without its header line; an unknown mode has no sign.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    signs = {"Activation": 1, "Repression": -1, "Unknown": 0}
    names = ("tf", "target", "regulation", "pmids")
    header = None if "regulation" in header_of(path) else names
    for line, (tf, target, mode, pubmed) in read_table(path, names, header=header):
        if mode not in signs:
            raise malformed(path, line, f"Activation, Repression or Unknown, found {mode!r}")
        yield RawEdge(tf, target, signs[mode], TRANSCRIPTION, _papers(pubmed, ";"))


def read_causalpath(path: Path) -> Iterator[RawEdge]:
    """Yield CausalPath's priors on which protein controls whose expression.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    for line, (source, target, sign) in read_table(path, ("source", "target", "sign")):
        yield RawEdge(source, target, _sign(path, line, sign), TRANSCRIPTION)


def read_kegg_spia(path: Path) -> Iterator[RawEdge]:
    """Yield KEGG's signed pathway relations as the SPIA package codes them.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    columns = ("source", "target", "sign", "relation", "pathway_id")
    for line, (source, target, sign, relation, pathway) in read_table(path, columns):
        if value := _sign(path, line, sign):
            yield RawEdge(source, target, value, _kegg_mechanism(relation), (f"KEGG:{pathway}",))


def read_signor(path: Path) -> Iterator[RawEdge]:
    """Yield SIGNOR and PhosphoSitePlus relations between proteins and complexes.

    Small molecules, stimuli, phenotypes and miRNAs are left out. A protein whose binding *forms* a
    complex is written as an activating `binding` of the complex.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    columns = ("source", "target", "sign", "mechanism", "source_type", "target_type", "db")
    for line, row in read_table(path, columns):
        source, target, sign, mechanism, source_type, target_type, database = row
        if {source_type, target_type} <= {"protein", "complex"}:
            yield RawEdge(
                _signor_name(source, source_type),
                _signor_name(target, target_type),
                _sign(path, line, sign),
                _SIGNOR_MECHANISMS.get(mechanism, mechanism.lower()),
                database="PhosphoSitePlus" if database == "PsP" else "SIGNOR",
            )


def read_enzyme_substrate(path: Path) -> Iterator[RawEdge]:
    """Yield which enzyme modifies which substrate; the file's sign is add or remove, not effect.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    if "enzyme_genesymbol" in header_of(path):
        columns = ("enzyme_genesymbol", "substrate_genesymbol", "modification")
        for _, (source, target, modification) in read_table(path, columns):
            yield RawEdge(source, target, 0, modification)
        return
    for line, (source, target, sign) in read_table(path, ("source", "target", "sign")):
        added = _sign(path, line, sign) == 1
        yield RawEdge(source, target, 0, "phosphorylation" if added else "dephosphorylation")


def _omnipath(path: Path, mechanism: str) -> Iterator[RawEdge]:
    """Yield rows of omnipathdb.org's `interactions` query with `genesymbols` and `references`."""
    for _, (source, target, stimulates, inhibits, references) in read_table(path, _OMNIPATH):
        up, down = stimulates in {"1", "True"}, inhibits in {"1", "True"}
        papers = [entry.rpartition(":")[2] for entry in references.split(";")]
        yield RawEdge(
            source, target, up - down, mechanism, _papers(";".join(dict.fromkeys(papers)), ";")
        )


def _sign(path: Path, line: int, text: str) -> int:
    value = whole_number(path, line, text, "the sign column")
    if value not in {-1, 0, 1}:
        raise malformed(path, line, f"a sign of -1, 0 or 1, found {text!r}")
    return value


def _papers(text: str, separator: str) -> tuple[str, ...]:
    return tuple(f"PMID:{part}" for part in text.split(separator) if part.isdigit())


def _kegg_mechanism(relation: str) -> str:
    kinds = relation.split("_")
    if "expression" in kinds or "repression" in kinds:
        return TRANSCRIPTION
    for kegg, ours in _KEGG_MECHANISMS.items():
        if kegg in kinds:
            return ours
    return ""


def _signor_name(name: str, kind: str) -> str:
    """Undo the `_` that SignalingProfiler writes for special characters."""
    if kind == "complex":
        words = name.removeprefix("X") if name[:1] == "X" and name[1:2].isdigit() else name
        return COMPLEX + " ".join(words.replace("_", " ").split())
    return name.replace("_", "-")


_KEGG_MECHANISMS = {
    "phosphorylation": "phosphorylation",
    "dephosphorylation": "dephosphorylation",
    "ubiquination": "ubiquitination",
    "binding/association": "binding",
    "compound": "metabolism",
}
_SIGNOR_MECHANISMS = {
    "transcriptional regulation": TRANSCRIPTION,
    "translation regulation": "translation",
    "polyubiquitination": "ubiquitination",
    "monoubiquitination": "ubiquitination",
    "trimethylation": "methylation",
    "relocalization": "localisation",
    "destabilization": "degradation",
    "guanine nucleotide exchange factor": "guanine exchange",
    "gtpase-activating protein": "GTP hydrolysis",
    "post translational modification": "modification",
    "chemical activation": "",
    "chemical inhibition": "",
}
