"""The registry of drugs: names, targets, and words that are none."""

import gzip

import pytest

from knowledge.base import load_knowledge
from knowledge.drugs import AmbiguousDrug, Drugs, NotADrug, UnknownDrug
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable


@pytest.fixture(scope="module")
def drugs():
    return Drugs.opened()


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("imatinib mesylate", "imatinib"),
        ("Imatinib (mesylate)", "imatinib"),
        ("Gleevec", "imatinib"),
        ("CHEMBL941", "imatinib"),
        ("5-FU", "fluorouracil"),
        ("Nutlin 3a", "nutlin-3a"),
        ("(+)-JQ1", "jq1"),
        ("(S)-crizotinib", "crizotinib"),
        ("MG132", "mg-132"),
        ("acetylsalicylic acid", "aspirin"),
        ("lithium chloride", "lithium"),
        ("rapamycin", "sirolimus"),
    ],
)
def test_a_drug_is_found_by_brand_code_salt_and_identifier(drugs, word, name):
    assert drugs.find(word).name == name
    assert word in drugs


def test_targets_have_a_sign_a_certainty_and_a_source(drugs):
    (main, *others) = drugs.find("imatinib").targets
    assert (main.gene, main.action, main.sign) == ("ABL1", "inhibitor", -1)
    assert main.sources
    assert all(one.certainty < main.certainty for one in others)
    assert drugs.find("dexamethasone").starts == (("NR3C1", 1),)
    assert {one.gene for one in drugs.find("aspirin").targets} == {"PTGS1", "PTGS2"}


def test_a_drug_without_a_protein_begins_with_its_process(drugs):
    cisplatin = drugs.find("cisplatin")
    assert not cisplatin.targets
    assert cisplatin.process
    assert all(sign == 1 for _, sign in cisplatin.starts)


def test_words_that_are_no_drugs_say_what_they_are(drugs):
    with pytest.raises(NotADrug, match="vehicle"):
        drugs.find("DMSO")
    for word in ("iron", "vitamin C", "water", "alcohol", "salt"):
        with pytest.raises(NotADrug):
            drugs.find(word)
    with pytest.raises(AmbiguousDrug, match="simvastatin"):
        drugs.find("statins")
    with pytest.raises(UnknownDrug, match="bortezomib"):
        drugs.find("bortezomb")
    with pytest.raises(UnknownDrug, match="target gene"):
        drugs.find("zzz")


def test_every_target_is_an_approved_symbol_and_most_cascades_begin_somewhere(drugs, tmp_path):
    symbols = load_knowledge(tmp_path).symbols
    named = {one.gene for drug in drugs for one in drug.targets}
    named |= {gene for drug in drugs for gene, _ in drug.starts}
    assert not [gene for gene in named if gene not in symbols]
    assert len(drugs) >= 500
    assert sum(bool(drug.starts) for drug in drugs) >= 0.95 * len(drugs)
    names = [word for drug in drugs for word in (drug.name, *drug.synonyms)]
    assert len(names) == len(set(names))


HUB = """!Source\t"The Drug Repurposing Hub, Broad Institute"\t\t\t\t
pert_iname\tclinical_phase\tmoa\ttarget\tdisease_area\tindication
imatinib\tLaunched\tBcr-Abl kinase inhibitor\tABL1|KIT|RET\t\t
(R)-baclofen\tPhase 3\tbenzodiazepine receptor agonist\tGABBR1|GABBR2\t\t
glucose\tLaunched\tdietary supplement\t\t\t
bortezomib\tLaunched\tproteasome activator\tPSMB5\t\t
"""
TAHOE = """drug,targets,moa-broad,moa-fine,canonical_smiles,pubchem_cid
Imatinib mesylate,"KIT, ABL1",inhibitor/antagonist,unclear,CS(=O)(=O)O.CC1=C(C=CC=C1)N,5291.0
Selfotel,GRIN1,inhibitor/antagonist,unclear,CC,68736.0
"""
PAIRS = "drug,gene\nPHENELZINE,MAOA\nPHENELZINE,NOGENE\nREMIMATINIB,KIT\n"


def test_pulled_tables_widen_the_drugs_and_the_built_in_sign_stands(tmp_path):
    folder = tmp_path / "sources" / "drugs" / "drug_targets"
    folder.mkdir(parents=True)
    (folder / "repurposing_drugs_20200324.txt").write_text(HUB)
    (folder / "tahoe_drug_metadata.csv").write_text(TAHOE)
    (folder / "DGIdb_Drug_Targets_2024.csv.gz").write_bytes(gzip.compress(PAIRS.encode()))
    symbols = SymbolTable(
        Gene(symbol=one)
        for one in ["ABL1", "KIT", "RET", "GABBR1", "GABBR2", "PSMB5", "GRIN1", "MAOA"]
    )
    wide = Drugs.opened(tmp_path, symbols)
    imatinib = wide.find("imatinib")
    assert imatinib.targets[0].sources == ("built-in drugs", "Tahoe-100M", "Drug Repurposing Hub")
    assert {"RET", "KIT"} <= {one.gene for one in imatinib.targets}
    assert imatinib.starts == (("ABL1", -1),)
    assert imatinib.ids == ("CHEMBL941", "pubchem:5291")
    assert imatinib.smiles == "CC1=C(C=CC=C1)N"
    assert wide.find("bortezomib").targets[0].action == "inhibitor"
    assert wide.find("baclofen").starts == (("GABBR1", 1), ("GABBR2", 1))
    assert wide.find("selfotel").starts == (("GRIN1", -1),)
    assert wide.find("phenelzine").targets[0].action == "unknown"
    assert not wide.find("phenelzine").starts
    assert wide.find("remimatinib").starts == (("KIT", -1),)
    with pytest.raises(NotADrug):
        wide.find("glucose")


@pytest.mark.data
def test_the_tables_of_the_mirror_know_thousands_of_drugs(data_mirror):
    wide = Drugs.opened(data_mirror)
    assert len(wide) > 7000
    assert "penfluridol" in wide
    assert wide.find("nutlin-3a").starts == (("MDM2", -1),)
