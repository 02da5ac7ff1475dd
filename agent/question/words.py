"""The words of knockout questions: perturbations, readouts, cell lines, drugs and plain English."""

import re
from dataclasses import dataclass
from typing import Literal

from knowledge.schema import PerturbationKind

Form = Literal["verb", "noun", "participle", "mark", "split"]


@dataclass(frozen=True)
class Cue:
    """A word that says that a gene is perturbed.

    Attributes:
        kind: How; None where the word leaves it open ("loss", "lost").
        form: Where its genes stand: after a `verb`; before a `noun` or after it and "of"; before or
            after a `participle`; before a `mark`; inside a `split` verb ("knock HSPA5 down").
        strength: 3 says a perturbation; 2 may also describe a readout ("HBG1 is silenced"); 1 does
            so more often than not ("is induced").
    """

    kind: PerturbationKind | None
    form: Form
    strength: Literal[1, 2, 3]


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_KO: PerturbationKind = "knockout"
_KD: PerturbationKind = "knockdown"
_ON: PerturbationKind = "activation"

# Tried in this order at every place of the text.
CUES: tuple[tuple[str, Cue], ...] = (
    (r"crispr\s?a|crispr[ -]activation", Cue(_ON, "noun", 3)),
    (r"crispr\s?i|crispr[ -]interference|dcas9[ -]krab", Cue(_KD, "noun", 3)),
    (r"knocked[ -]?(?:out|off)|ko'?d|koed", Cue(_KO, "participle", 3)),
    (r"knocked[ -]?down|kd'?d|kded", Cue(_KD, "participle", 3)),
    (r"knocking[ -]?out|knocks[ -]out|ko'?ing", Cue(_KO, "verb", 3)),
    (r"knocking[ -]?down|knocks[ -]down", Cue(_KD, "verb", 3)),
    (r"knock[ -]?outs?|d?kos?|k\.o\.", Cue(_KO, "noun", 3)),
    (r"knock[ -]?downs?|d?kds?|k\.d\.", Cue(_KD, "noun", 3)),
    (r"-/-|nulls?|nullizygous", Cue(_KO, "mark", 3)),
    (r"\+/-|haploinsufficien(?:cy|t)", Cue(_KD, "mark", 3)),
    (r"crispr(?:[ /-]cas9)?", Cue(_KO, "noun", 3)),
    (r"(?:si|sh)rnas?|rnai|asos?", Cue(_KD, "noun", 3)),
    (r"s?g(?:uide ?)?rnas?|guides?", Cue(None, "noun", 2)),
    (r"delete|deletes|deleting|ablate|ablating|excise|excising", Cue(_KO, "verb", 3)),
    (r"deleted|ablated|excised", Cue(_KO, "participle", 3)),
    (r"deletions?|ablation|excision", Cue(_KO, "noun", 3)),
    (r"deplete|depletes|depleting", Cue(_KD, "verb", 3)),
    (r"depleted", Cue(_KD, "participle", 3)),
    (r"depletions?", Cue(_KD, "noun", 3)),
    (r"over-?express(?:es|ing)?|ectopically express", Cue(_ON, "verb", 3)),
    (r"over-?expressed", Cue(_ON, "participle", 3)),
    (r"over-?expression|oe", Cue(_ON, "noun", 3)),
    (r"loss(?:[ -]of[ -]function)?|absence|lack", Cue(None, "noun", 3)),
    (r"deficien(?:cy|t)|mutants?", Cue(None, "mark", 3)),
    (r"without|lacking|lacks|losing|loses|lose|perturb(?:ing)?", Cue(None, "verb", 3)),
    (r"perturbations?", Cue(None, "noun", 3)),
    (r"perturbed", Cue(None, "participle", 3)),
    (r"silences?", Cue(_KD, "verb", 2)),
    (r"silencing", Cue(_KD, "noun", 3)),
    (r"silenced", Cue(_KD, "participle", 2)),
    (r"disrupt(?:s|ing)?|inactivat(?:es?|ing)", Cue(_KO, "verb", 3)),
    (r"remov(?:es?|ing)|eliminat(?:es?|ing)|get rid of", Cue(_KO, "verb", 3)),
    (r"disrupted|inactivated|removed|eliminated", Cue(_KO, "participle", 2)),
    (r"disruption|inactivation|removal|elimination", Cue(_KO, "noun", 3)),
    (r"lost|missing|absent|gone", Cue(None, "participle", 2)),
    (r"(?:turn|switch|shut)(?:s|ed|ing)?[ -](?:off|down)", Cue(_KD, "participle", 2)),
    (r"(?:turn|switch)(?:s|ed|ing)?[ -]on", Cue(_ON, "participle", 2)),
    (r"(?:inhibit|suppress|block)(?:ing)?", Cue(_KD, "verb", 1)),
    (r"inhibited|suppressed|blocked", Cue(_KD, "participle", 1)),
    (r"inhibition|suppression", Cue(_KD, "noun", 1)),
    (r"(?:hyper-?)?activat(?:e|ing)|boost(?:ing)?", Cue(_ON, "verb", 1)),
    (r"upregulat(?:e|ing)|induc(?:e|ing)", Cue(_ON, "verb", 1)),
    (r"activated", Cue(_ON, "participle", 1)),
    (r"activation|gain(?:[ -]of[ -]function)?", Cue(_ON, "noun", 1)),
    (r"knock(?:ing|ed|s)?|turn(?:ing)?|switch(?:ing)?|tak(?:e|ing)|shut", Cue(None, "split", 3)),
)
CUE_PATTERNS = tuple(
    (re.compile(rf"(?:{pattern})(?![^\W_]|-[^\W\d_]{{4,}})", re.IGNORECASE), cue)
    for pattern, cue in CUES
)
PARTICLES: dict[str, PerturbationKind] = {"out": _KO, "off": _KD, "down": _KD, "on": _ON}

# Words that close a compound: "HSPA5-depleted" is two words, "beta-catenin" is one.
COMPOUND = re.compile(
    r"(?<=[^\W_])-(?=(?:null|deficient|depleted|deleted|lacking|silenced|less|mutant|ko|kd|oe|dko|"
    r"knock-?outs?|knock-?downs?|loss|deletion|depletion|silencing|overexpress\w*|activat\w*|"
    r"dependent|independent|mediated|induced|driven|regulated|responsive|target\w*|specific|"
    r"positive|negative|high|low|wild|wt|cells?)\b)",
    re.IGNORECASE,
)

# What may stand between a cue and its genes.
AUXILIARIES = words("is are was were be been being am get gets got getting has have had")
BESIDE = words(
    """a an all any both cell cells combined complete completely conditional double dual each either
    endogenous expression factor first full fully functional gene genes homozygous human in jointly
    level levels locus my of partial partially protein proteins simultaneous simultaneously single
    stable stably strong the their then together total transcript transcription triple"""
)
AHEAD = words("of for against targeting targeted to with on")
CONNECTORS = words("and & + / , plus or as well both together also genes gene -")
CONDITIONS = words("if when after upon once following because since given under where")

READOUT_VERBS = words(
    """go goes going up down rise rises rising fall falls drop drops increase increases increased
    decrease decreases decreased change changes changed changing respond responds react reacts
    induced upregulated downregulated up-regulated down-regulated repressed derepressed elevated
    reduced lowered raised altered affected higher lower move moves shift shifts climb climbs
    decline declines stay stays remain remains unchanged behave behaves activated silenced
    expressed lost suppressed inhibited stabilised stabilized accumulate accumulates"""
)
EXPRESSION = words(
    "expression level levels mrna transcript transcripts abundance protein gene genes"
)
# "X regulates Y" asks what losing X does to Y; so does "Y is controlled by X".
BY_WORDS = re.compile(
    r"\b(?:\w+(?:ed|en)\s+by|targets?\s+of|downstream\s+of|depend(?:s|ent|ing)?\s+(?:up)?on|"
    r"because\s+of|requires?|needs?|role\s+of|function\s+of|effects?\s+of|impact\s+of|"
    r"consequences?\s+of|influence\s+of)\s+(?:the\s+)?(?:gene\s+)?$",
    re.IGNORECASE,
)

ASKS_WHY = re.compile(
    r"\bwhy\b|\bhow come\b|\bmechanis|\bexplain|"
    r"\bhow (?:do|does|is|are|did|would|can)\b(?!.*\b(?:change|respond|react|behave|look))",
    re.I,
)
ASKS_PHENOTYPE = re.compile(
    r"\b(?:pheno(?:type|typic)\w*|diseases?|symptoms?|abnormalit(?:y|ies)|malformations?)\b", re.I
)
ASKS_WHICH = re.compile(
    r"\b(?:(?:which|list|name|all|top|"
    r"what(?! (?:about|happens?|would|will|does|do|is|effects?)\b))\s+"
    r"(?:[\w-]+\s+){0,3}?"
    r"(?:genes?|transcripts?|targets?|readouts?|mrnas?)|differential\w*|degs?|"
    r"transcriptom\w*|expression\s+(?:profile|changes|signature))\b",
    re.I,
)
ASKS_DIRECTION = re.compile(
    r"\b(?:up|down|increase[sd]?|decrease[sd]?|rises?|rising|falls?|drops?|induced?|higher|lowers?|"
    r"raise[sd]?|raising|elevated?|reduced?|reduces|(?:up|down|de)-?(?:regulate[sd]?|repressed)|"
    r"repress(?:es|ed)?|direction|activate[sd]?|silenced?)\b",
    re.I,
)
PHENOTYPES = {
    "cell death": r"\b(?:cell death|die|dies|dying|undergo apoptosis)\b",
    "proliferation": r"\b(?:proliferat\w+|grow|grows|growth|fitness)\b",
    "viability": r"\b(?:viab\w+|surviv\w+|essential(?:ity)?|lethal\w*)\b",
    "cell cycle arrest": r"\barrest\w*\b",
    "differentiation": r"\b(?:differentiat(?:e|es|ion)|maturation)\b",
    "senescence": r"\bsenescen\w+\b",
}

# Names whose use in the field is settled, although HGNC gives them to several genes or to none.
# eIF2alpha is EIF2S1: EIF2A is another protein.
FIELD_NAMES = {
    "NRF2": "NFE2L2",
    "EIF2Α": "EIF2S1",
    "EIF2ALPHA": "EIF2S1",
    "EIF2-ALPHA": "EIF2S1",
    "IRE1Α": "ERN1",
    "IRE1ALPHA": "ERN1",
    "XBP1S": "XBP1",
    "XBP1U": "XBP1",
    "PVHL": "VHL",
    "Β-ACTIN": "ACTB",
    "BETA-ACTIN": "ACTB",
}
# eIF2a may be meant as eIF2alpha, or as EIF2A.
SEVERAL_MEANINGS = {"eIF2a": ("EIF2S1", "EIF2A"), "eIF2A": ("EIF2S1", "EIF2A")}
# Names of several genes at once; a question has to choose.
FAMILIES = {
    "erk": ("MAPK1", "MAPK3"),
    "jnk": ("MAPK8", "MAPK9"),
    "akt": ("AKT1", "AKT2", "AKT3"),
    "ampk": ("PRKAA1", "PRKAA2"),
    "gsk3": ("GSK3A", "GSK3B"),
    "hsp90": ("HSP90AA1", "HSP90AB1"),
    "hsp70": ("HSPA1A", "HSPA1B", "HSPA8"),
    "srebp": ("SREBF1", "SREBF2"),
    "hif": ("HIF1A", "EPAS1"),
    "hif1": ("HIF1A", "ARNT"),
    "nfkb": ("RELA", "NFKB1", "NFKB2"),
    "nfκb": ("RELA", "NFKB1", "NFKB2"),
    "pi3k": ("PIK3CA", "PIK3CB", "PIK3R1"),
    "mek": ("MAP2K1", "MAP2K2"),
    "raf": ("RAF1", "BRAF", "ARAF"),
    "ras": ("KRAS", "NRAS", "HRAS"),
    "hbg": ("HBG1", "HBG2"),
    "gammaglobin": ("HBG1", "HBG2"),
    "γglobin": ("HBG1", "HBG2"),
    "hba": ("HBA1", "HBA2"),
    "alphaglobin": ("HBA1", "HBA2"),
    "mtorc1": ("MTOR", "RPTOR"),
    "mtorc2": ("MTOR", "RICTOR"),
    "eif2": ("EIF2S1", "EIF2S2", "EIF2S3"),
    "pka": ("PRKACA", "PRKACB"),
}
SPELT_OUT = (
    (re.compile(r"\bcaspase[ -]?(\d{1,2})\b", re.I), r"CASP\1"),
    (re.compile(r"\bcyclin[ -]?([A-LTY])(\d)\b", re.I), r"CCN\1\2"),
    (re.compile(r"\bcdk[ -](\d{1,2})\b", re.I), r"CDK\1"),
)
GREEK_WORDS = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
}

# Words a question may hold that are, or were once, also a gene's name. In lower case they are
# English; in upper case they are the gene only where a gene must stand.
ENGLISH = words(
    """a about above after again against all also am among an and any are as at back bad be because
    been before being below best better between both but by can case cat cell cells change changed
    changes clock cold come could cut damage day days did direct do does doing done down due each
    early effect either else end even ever every fat few find first fit follow for from full gas
    gene genes get give given go goes going gone good great had happen happens has have he help her
    here high hip hit hot how human i if impact in increase into is it its just keep kind know large
    last late least left less let level light like line list long look lost lot low made main make
    many map mark mask may me mean men met might mice mine more most much must my name near need
    never new next no none nor normal not note now of off old on once one only open or order other
    our out over own pan pay per pin please plus point pop press put ran range raw real rest right
    role run same say see seem self set sex she short should show side sin sit size small so some
    soon star start state step still stop strong such sum sun sure take tank tell test than that the
    their them then there these they thing this those through time tip to together told too top trap
    true try turn two type under until up upon us use used very via want was way we well went were
    what when where which while who whole why wide will wish with within without wonder work worm
    would year yes yet you your zero"""
)
# Abbreviations that are no genes, whatever the alias column says.
ABBREVIATIONS = words(
    """dna rna mrna cdna rrna trna ncrna lncrna mirna crispr cas9 dcas9 cas12a cas13 krab ko kd oe
    wt upr isr er hsr dsb ddr nmd oxphos atp adp gtp gdp nadh nadph ros fc lfc log2fc deg
    degs fdr pcr qpcr rt-pcr rna-seq rnaseq scrna-seq perturb-seq atac-seq chip-seq hdr nhej
    umap pca kegg gsea ppi tf tfs g0 g1 s g2 m ok faq usa uk eu ai llm json csv html id ids
    vs etc eg ie fyi i ii iii iv v facs elisa ihc atg utr cds tss snp snps gwas wgs wes cml
    aml qc p r x y z n h hr hrs min"""
)
NOT_A_GENE = re.compile(
    r"\d+(?:[.,]\d+)?(?:st|nd|rd|th|h|hr|hrs|d|x|%|kb|bp|nm|mm|um|μm|mg|ml|μl|k|m|fold)?|"
    r"h[234]k\d+(?:me\d?|ac|ub)?|day-?\d+|d\d{1,2}|log2\w*|log10|covid-?19|sars-cov-?2|grch3[78]|"
    r"hg(?:19|38)|step-?\d|fig\w*\d",
    re.IGNORECASE,
)

# Lines that people ask about and no screen of ours has.
OTHER_LINES = tuple(
    sorted(
        words(
            """HeLa A549 HEK293T HEK293 HEK 293T 293FT U2OS MCF7 MCF10A MDA-MB-231 MDA-MB-468 HCT116
            HAP1 PC-3 MEF MEFs THP-1 SH-SY5Y U937 HL-60 Huh7.5 Huh7 HUVECs HUVEC LNCaP
            NIH3T3 3T3 IMR90 WI-38 GM12878 Calu-3 Caco-2 HT-29 HT1080 SW480 SW620 A375
            T47D BT-474 U87 U87MG U251 LN229 MOLM-13 MV4-11 KBM7 Raji Hep3B SK-HEP-1
            AsPC-1 PANC-1 MIA-PaCa-2 DU145 22Rv1 OVCAR3 SKOV3 HaCaT BEAS-2B ARPE-19
            NCI-H1299 H1299 H460 SK-MEL-28 SK-N-SH BJ-5ta COS-7 Vero CHO-K1 mESC mESCs
            hESC hESCs iPSC iPSCs hiPSC HSPC HSPCs PBMC PBMCs BMDM BMDMs WTC11 HUDEP-2
            HepaRG HCC827 PC9 A431 MOLT-4 CCRF-CEM Nalm6 KG-1 NB4 TF-1"""
        )
    )
)
LINES_LIKE_GENES = words("hap1 pc3 pc-3 mef mefs tf1 tf-1")
CELL_TYPES = re.compile(
    r"\b(?:(?:t|b|nk|stem|es|ips|cho|immune|endothelial|mast|kidney|lung|breast|liver)[ -]cells?|"
    r"neurons?|hepatocytes?|fibroblasts?|macrophages?|monocytes?|keratinocytes?|cardiomyocytes?|"
    r"myoblasts?|adipocytes?|astrocytes?|microglia|organoids?|thymocytes?|lymphocytes?|"
    r"erythroblasts?|mouse|mice|murine|rats?|zebrafish|yeast|drosophila|flies|worms|c\. elegans|"
    r"arabidopsis|e\. coli|bacteria)\b",
    re.IGNORECASE,
)

# Whose phenotypes are known and predicted; elsewhere they are no cell line that we know.
ORGANISMS = re.compile(r"mouse|mice|murine", re.IGNORECASE)

DRUG_NAMES = words(
    """tunicamycin thapsigargin doxorubicin adriamycin rapamycin sirolimus torin torin1 nutlin
    nutlin-3 nutlin-3a idasanutlin bortezomib carfilzomib mg132 mg-132 imatinib gleevec tamoxifen
    fulvestrant cisplatin carboplatin oxaliplatin etoposide paclitaxel taxol docetaxel vincristine
    colchicine nocodazole cycloheximide actinomycin brefeldin chloroquine hydroxychloroquine
    metformin aspirin ibuprofen statin statins simvastatin atorvastatin lovastatin dexamethasone
    prednisolone methotrexate gemcitabine hydroxyurea 5-fu fluorouracil azacitidine azacytidine
    decitabine lenalidomide thalidomide pomalidomide jq1 isrib gsk2606414 sulforaphane bardoxolone
    dmog roxadustat deferoxamine erastin rsl3 arsenite dithiothreitol dtt tbhp h2o2 venetoclax
    navitoclax palbociclib vorinostat saha trichostatin panobinostat halofuginone histidinol
    oligomycin rotenone antimycin cccp fccp staurosporine forskolin ionomycin caffeine nicotine
    ethanol morphine cocaine paracetamol acetaminophen penicillin puromycin blasticidin geldanamycin
    17-aag luminespib ganetespib tazemetostat olaparib"""
)
DRUG_SUFFIX = re.compile(
    r"\w{3,}(?:tinib|[aeiou]fenib|metinib|lisib|zomib|ciclib|parib|clax|limus|mycin|rubicin|platin|"
    r"taxel|vastatin|inostat|zumab|ximab|tuximab|numab|lumab|degib|glitazone|gliptin|sartan|profen|"
    r"cillin|cycline|azole|tecan|poside)s?",
    re.IGNORECASE,
)
# Guides and siRNAs are what perturbs, so "treated with siRNA against SCAP" is a knockdown.
TREATMENT = re.compile(
    r"\b(?:treat(?:ed|ing|ment)?s?\s+(?:\w+\s+){0,2}?(?:with|by)\s+(?!(?:an?\s+|the\s+)?(?:\w+\s+)?"
    r"(?:(?:si|sh|sg|g)rnas?|guides?|crispr\w*|asos?)\b)|stimulat(?:ed|ing|ion)\s+(?:with|by)|"
    r"small[ -]molecules?|compounds?|(?<!^)dosed?|doses|dosage|chemotherap\w+|"
    r"\d\s?(?:[μun]m|mg|ng/ml)\b|(?:drug|chemical)\s+(?:treat\w*|screen|perturb\w*))",
    re.IGNORECASE,
)
DRUG_WORDS = re.compile(
    r"\b(?:drugs?|inhibitors?|antagonists?|agonists?|degraders?|protacs?)\b", re.IGNORECASE
)
