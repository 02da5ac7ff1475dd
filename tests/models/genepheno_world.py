"""A mirror of seven genes: a small ontology of phenotypes, their labels, and proteins.

Use: `from tests.models.genepheno_world import mirror  # noqa: F401  # a fixture`
"""

import gzip
from pathlib import Path

import pytest

from knowledge.sources.genes import HGNC
from models.genepheno.ontology import FILES as ONTOLOGIES
from models.genepheno.phenotypes import FILES, MP_NAMES
from models.genepheno.sequences import ENSEMBL, MOUSE, ORTHOLOGUES, UNIPROT

HGNC_COLUMNS = (
    "hgnc_id", "symbol", "name", "locus_group", "status", "alias_symbol", "prev_symbol",
    "entrez_id", "ensembl_gene_id", "uniprot_ids",
)  # fmt: skip
GENES = {"GATA1": "", "FOXP2": "", "QARS1": "QARS", "PAX1": "", "SOX6": "", "NAT1": "", "NAT2": ""}

# abnormal > heart > (large heart, small heart); abnormal > growth > small body; small heart is of
# two systems. Weight is newer than the ontology.
MP = """id\tname\tparents\tobsolete
MP:0000001\tmammalian phenotype\t\t0
MP:0000010\theart phenotype\tMP:0000001\t0
MP:0000011\tincreased heart size\tMP:0000010\t0
MP:0000012\tdecreased heart size\tMP:0000010|MP:0000021\t0
MP:0000020\tgrowth phenotype\tMP:0000001\t0
MP:0000021\tsmall organs\tMP:0000020\t0
MP:0000099\tobsolete thing\t\t1
MP:0002873\tnormal phenotype\tMP:0000001\t0
MP:0002169\tno abnormal phenotype detected\tMP:0002873\t0
RO:0002503\ttowards\t\t0
towards\ttowards\t\t0
"""
MP_LABELS = """INCREASED HEART SIZE MP:0000011\t\tGATA1\tQARS\tNOSUCH
DECREASED HEART SIZE MP:0000012\t\tFOXP2\tGATA1\tPAX1
SMALL ORGANS MP:0000021\t\tFOXP2\tSOX6
OBSOLETE THING MP:0000099\t\tSOX6
NEW THING MP:0014999\t\tPAX1\tSOX6
NO ABNORMAL PHENOTYPE DETECTED MP:0002169\t\tNAT1\tPAX1
"""
HP = """id\tname\tparents\tobsolete
HP:0000001\tAll\t\t0
HP:0000118\tPhenotypic abnormality\tHP:0000001\t0
HP:0000005\tMode of inheritance\tHP:0000001\t0
HP:0000707\tAbnormality of the nervous system\tHP:0000118\t0
HP:0001250\tSeizure\tHP:0000707\t0
"""
HPO_2023 = """#Format: entrez-gene-id<tab>entrez-gene-symbol<tab>HPO-Term-ID
5\tGATA1\tHP:0001250\tSeizure\t-
1\tOLDNAME\tHP:0000005\tMode of inheritance\t-
2\tOLDNAME\tHP:0000707\tAbnormality of the nervous system\t-
4\tSOX6\tHP:0001250\tSeizure\t-
"""
HPO_2014 = """#Format: entrez-gene-id<tab>entrez-gene-symbol<tab>HPO-Term-Name<tab>HPO-Term-ID
4\tSOX6\tAbnormality of the nervous system\tHP:0000707
0\tGATA1\tMode of inheritance\tHP:0000005
"""
# No mouse of NAT1's was described; QARS is another symbol today and OLDNAME is found by number.
HMD = """GATA1\t0\tGata1\tMGI:1\tMP:0000010, MP:0000020\t
QARS\t2\tQars1\tMGI:2\tMP:0000010\t
OLDNAME\t4\tSox6\tMGI:3\tMP:0000020\t
NAT1\t5\tNat1\tMGI:4\t\t
"""
GWAS = """BODY HEIGHT\t\tGATA1\tSOX6
HDL LEVELS\t\tSOX6\tPAX1
"""
UNIPROT_ROWS = """uniprot\tspecies_by_map\tsymbol\tsequence
P1\thuman\tGATA1\tMKWVTFISLLFLFSSAYSRU
P2\tmouse\tFoxp2\tMMQESATETISNSSMNQNGM
P3\tother\t\tMSTNPKPQRKTKRNTNRRPQ
"""
ENSEMBL_ROWS = """ensp\tinferred_symbol\tmap_method\tsequence
ENSP1\tGATA1\tmouse_ortholog_5mer_best_hit\tMKWVTFISLLFLFSSAYSRG
ENSP2\tQARS\tmouse_ortholog_5mer_best_hit\tMAALDSLSLFTSLGLSEQKA
ENSP3\t\t\tMHHHHHHSSGVDLGTENLYF
"""
MOUSE_ROWS = """ensmusg\tmouse_symbol\thuman_symbols\tsequence
M1\tQars1\tQARS1\tMATLDSLSLFTSLGLSEQKA
M2\tPax1\tPAX1\tMEQTYGEVNQLGGVFVNGR*
M3\tSox6\tSOX6\tMSSKQATSPFACTADGEEAM
M4\tNat1\tNAT2|NAT1\tMDIEAYFERIGYKNSRNKLD
M5\tGm1\t\tMKKLLPTAAAGLLLLAAQPA
"""
ORTHOLOGUE_ROWS = """mouse_symbol\thuman_symbol\tn_human\tn_mouse
Foxp2\tFOXP2\t1\t1
"""


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror of seven genes; NAT2 has labels in no collection and no sequence of its own."""
    hgnc = "\t".join(HGNC_COLUMNS) + "\n"
    for number, (symbol, previous) in enumerate(GENES.items()):
        row = (f"HGNC:{number}", symbol, "", "protein-coding gene", "Approved", "", previous)
        hgnc += "\t".join((*row, str(number), "", "")) + "\n"
    files = {
        HGNC: hgnc,
        ONTOLOGIES["MP"]: MP,
        ONTOLOGIES["HP"]: HP,
        FILES["mp"]: MP_LABELS,
        FILES["hpo"]: HPO_2023,
        FILES["hpo-2014"]: HPO_2014,
        FILES["hmd"]: HMD,
        FILES["gwas"]: GWAS,
        MP_NAMES: "MP:0014999\tnew thing\tnewer\nMP:0000099\tobsolete thing\tOBSOLETE.\n",
        UNIPROT: UNIPROT_ROWS,
        ENSEMBL: ENSEMBL_ROWS,
        MOUSE: MOUSE_ROWS,
        ORTHOLOGUES: ORTHOLOGUE_ROWS,
    }
    (tmp_path / "perturbqa").mkdir()
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return tmp_path
