"""The registry of drugs: names, targets, and words that are none."""

import pytest

from knowledge.base import load_knowledge
from knowledge.drugs import AmbiguousDrug, Drugs, NotADrug, UnknownDrug


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
