"""Human genes of mouse genes, for tables that were made of mouse cells."""

from collections.abc import Mapping
from pathlib import Path

from knowledge.parsers.table import read_table

ORTHOLOGUES = "phenotype/idmap/mouse_human_orthologs_MGI_HOM.tsv.gz"


def human_of_mouse(data: Path) -> Mapping[str, str]:
    """Return mouse symbol -> human symbol where each is the other's only orthologue.

    Without the table in the data folder, or in a mirror of it, there are none.
    """
    for root in (data, data / "sources"):
        if (root / ORTHOLOGUES).is_file():
            return read_orthologues(root / ORTHOLOGUES)
    return {}


def read_orthologues(path: Path) -> Mapping[str, str]:
    """Return the one-to-one pairs of the table.

    Raises:
        DataError: It is malformed.
    """
    columns = ("mouse_symbol", "human_symbol", "n_human", "n_mouse")
    return {
        mouse: human
        for _, (mouse, human, humans, mice) in read_table(path, columns)
        if humans == mice == "1"
    }
