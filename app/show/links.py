"""Where a reader can look up what an answer names; a page links there and requests nothing."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from knowledge.schema import Evidence, Gene

# An identifier in a text, and the page about it; `{}` is the identifier, `{0[1]}` its first group.
_PAGES = (
    (r"PMID:\s?(\d{1,9})", "https://pubmed.ncbi.nlm.nih.gov/{0[1]}/"),
    (r"PMC\d{3,9}", "https://pmc.ncbi.nlm.nih.gov/articles/{0[0]}/"),
    (r"GO:\d{7}", "https://amigo.geneontology.org/amigo/term/{0[0]}"),
    (r"MP:\d{7}", "https://www.informatics.jax.org/vocab/mp_ontology/{0[0]}"),
    (r"HP:\d{7}", "https://hpo.jax.org/browse/term/{0[0]}"),
    (r"HGNC:(\d{1,6})", "https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/{0[0]}"),
    (r"R-HSA-\d{1,9}", "https://reactome.org/content/detail/{0[0]}"),
    (r"ENSG\d{11}", "https://www.ensembl.org/Homo_sapiens/Gene/Summary?g={0[0]}"),
)
_NAMED = re.compile("|".join(f"(?P<p{i}>{one})" for i, (one, _) in enumerate(_PAGES)))
_UNIPROT = re.compile(r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}")


def linked(text: object) -> Markup:
    """Return a text with a link at every identifier that has a page; all else is escaped."""
    said, parts, end = str(text), [], 0
    for found in _NAMED.finditer(said):
        parts.append(escape(said[end : found.start()]))
        parts.append(_link(_page(found), found[0]))
        end = found.end()
    return Markup("").join([*parts, escape(said[end:])])


def gene_links(gene: Gene) -> Iterator[tuple[str, str]]:
    """Iterate over the names and addresses of the pages about a gene."""
    if re.fullmatch(r"HGNC:\d+", gene.hgnc_id):
        number = gene.hgnc_id
        yield "HGNC", f"https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/{number}"
    if gene.uniprot_ids and _UNIPROT.fullmatch(gene.uniprot_ids[0]):
        yield "UniProt", f"https://www.uniprot.org/uniprotkb/{gene.uniprot_ids[0]}/entry"
    if gene.entrez_id.isdecimal():
        yield "NCBI Gene", f"https://www.ncbi.nlm.nih.gov/gene/{gene.entrez_id}"
    if re.fullmatch(r"ENSG\d{11}", gene.ensembl_id):
        page = f"https://www.ensembl.org/Homo_sapiens/Gene/Summary?g={gene.ensembl_id}"
        yield "Ensembl", page


def references(fact: Evidence) -> Markup:
    """Return the source and the reference of a fact, with links."""
    parts = [linked(one) for one in (fact.source, fact.reference) if one]
    return Markup(", ").join(parts)


def _page(found: "re.Match[str]") -> str:
    """Return the page about an identifier that was found."""
    for number, (pattern, page) in enumerate(_PAGES):
        if found[f"p{number}"] and (exact := re.fullmatch(pattern, found[0])):
            return page.format(exact)
    raise ValueError(f"{found[0]} is no identifier")


def _link(page: str, words: str) -> Markup:
    return Markup('<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>').format(
        page, words
    )
