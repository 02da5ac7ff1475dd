"""Names that moved, for benchmarks that are being moved too; goes with them."""

from knowledge.sources.genes import HGNC as HGNC
from knowledge.sources.genes import protein_coding as protein_coding
from knowledge.sources.genes import read_symbols as read_symbols
from knowledge.sources.genes import sources_root as sources_root
from models.inputs.annotations import FILES as FILES
from models.inputs.annotations import Annotations as Annotations
from models.inputs.annotations import annotations as annotations
from models.inputs.annotations import baseline as baseline
from models.inputs.annotations import essentiality as essentiality
