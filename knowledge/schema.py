"""The vocabulary every other package speaks: frozen, strict and serialisable."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from knowledge.specific import specificity

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Direction = Literal["up", "down"]
EdgeEffect = Literal["activates", "inhibits", "binds", "regulates"]
NodeKind = Literal["gene", "complex", "process", "programme"]
Quantity = Literal["expression", "activity"]
PerturbationKind = Literal["knockout", "knockdown", "activation"]
Asks = Literal["what_happens", "which_genes", "how_many", "direction", "why", "phenotype"]
Intent = Literal[
    "forward", "why", "reverse", "compare", "epistasis", "essentiality", "morphology", "planning"
]
Seeks = Literal["regulators", "phenocopies", "rescuers"]
Manner = Literal[
    "",
    "stimulus",
    "drug",
    "partial loss",
    "degron",
    "degradation",
    "dominant negative",
    "inhibition",
    "overexpression",
    "constitutively active",
]
EvidenceKind = Literal["measured", "database", "annotation", "text", "model"]
StepStatus = Literal["verified", "contradicted", "unsupported"]
Proposer = Literal["graph", "llm", "screens"]
Call = Literal["up", "down", "unchanged", "unknown"]


# Mechanisms after which the *transcript* of the target changes. Every other mechanism changes what
# the target's protein does, which an RNA readout of that gene does not show.
EXPRESSION_MECHANISMS = frozenset({"transcription", "mrna decay", "mrna processing"})


class Frozen(BaseModel):
    """Base of everything that crosses a package border."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Gene(Frozen):
    """A human gene under its approved HGNC symbol."""

    symbol: str
    name: str = ""
    hgnc_id: str = ""
    entrez_id: str = ""
    ensembl_id: str = ""
    uniprot_ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    previous_symbols: tuple[str, ...] = ()


class Edge(Frozen):
    """One sourced relation between two nodes (gene symbols, or names of complexes and processes).

    `effect` is what *more* of the source does to the target: a lost activator lowers its target, a
    lost inhibitor raises it. `binds` and `regulates` carry no sign. `mechanism` is a lower-case
    noun such as `transcription` or `phosphorylation`; it decides whether the target's transcript
    changes or only its activity (see `changes_expression`).
    """

    source: str
    target: str
    effect: EdgeEffect
    mechanism: str = ""
    references: tuple[str, ...] = ()
    database: str
    note: str = ""

    @property
    def sign(self) -> int:
        """Return +1 for activation, -1 for inhibition, 0 where no sign is known."""
        return {"activates": 1, "inhibits": -1}.get(self.effect, 0)

    @property
    def changes_expression(self) -> bool:
        """Return whether it changes the target's transcript rather than only its activity."""
        return self.mechanism.lower() in EXPRESSION_MECHANISMS


class Perturbation(Frozen):
    """What is done to the cell.

    Attributes:
        genes: Symbols; none only where the question asks which perturbation it is.
        kind: How they are perturbed, in the terms of the screens.
        cell_line: One of the screened lines.
        background: Genes that the cells have lost before, lesions of the line for this question.
        borrowed_for: The line that was asked about, where `cell_line` stands in for it.
        lesions: What that line has lost and `cell_line` has not.
        stimuli: What the cells are exposed to, such as TNF. Where nothing else is done (`manner`
            is "stimulus"), `genes` and `kind` are the changes that it begins with.
        manner: How, where that is more than the kind says.
        named: The complexes, families or pathways that `genes` stand for.
        drugs: What the cells are given, by the names of `knowledge.drugs`. Where nothing else is
            done (`manner` is "drug"), `genes` and `kind` are what its cascade begins with.
        raised: Those of `genes` whose activity rises although `kind` is a loss, of a drug.
    """

    genes: tuple[str, ...]
    kind: PerturbationKind = "knockout"
    cell_line: str
    background: tuple[str, ...] = ()
    manner: Manner = ""
    named: tuple[str, ...] = ()
    stimuli: tuple[str, ...] = ()
    borrowed_for: str = ""
    lesions: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()

    @property
    def conditional(self) -> bool:
        """Whether it happens in cells that no screen looked at: lacking genes, or stimulated."""
        return bool(self.background or self.stimuli or (self.drugs and not self.drugged))

    @property
    def drugged(self) -> bool:
        """Whether a drug is all that is done; `genes` are then what its cascade begins with."""
        return self.manner == "drug" and bool(self.drugs)

    @property
    def label(self) -> str:
        """What is done in a word: the genes, or the drugs that are given."""
        return "+".join(self.drugs if self.drugged else self.genes)

    @property
    def done(self) -> tuple[str, ...]:
        """Return the genes that are perturbed, without those that the cells lack already."""
        return tuple(gene for gene in self.genes if gene not in self.background)


class NamedSet(Frozen):
    """A set of readouts under the name that the question gave it."""

    name: str
    members: tuple[str, ...]


class Question(Frozen):
    """A question in the field's terms, with the words it came from and what was assumed.

    Attributes:
        perturbation: What is done; open, without a gene, where the question asks for it.
        readouts: Symbols of the transcripts that are asked about.
        readout_sets: Named sets among them.
        phenotypes: Phenotypes of cells that are asked about.
        asks: What of an effect is asked.
        text: The user's words.
        assumptions: What had to be assumed, for the top of the answer.
        intent: The kind of question.
        against: The other sides of a comparison; what the perturbation sought should be like.
        seeks: What a reverse question looks for.
        direction: Where only changes this way are asked about.
        top: How many changes are asked for.
        context: The expression screen that answers for a line that no other screen has.
    """

    perturbation: Perturbation
    readouts: tuple[str, ...] = ()
    readout_sets: tuple[NamedSet, ...] = ()
    phenotypes: tuple[str, ...] = ()
    asks: Asks = "what_happens"
    text: str
    assumptions: tuple[str, ...] = ()
    intent: Intent = "forward"
    against: tuple[Perturbation, ...] = ()
    seeks: Seeks | None = None
    direction: Direction | None = None
    top: int | None = None
    context: str = ""


class Evidence(Frozen):
    """One citable fact. The kinds are never mixed up.

    `measured` is a row of a screen, `database` a curated edge, `annotation` a membership in a
    pathway, complex or ontology term, `text` a passage, `model` a trained model's output. `sign` is
    +1 or -1 where the fact says that the last of `genes` goes up or down (measured, model), or that
    the first of `genes` activates or inhibits the second (database); 0 otherwise.
    """

    id: str
    kind: EvidenceKind
    statement: str
    source: str
    reference: str = ""
    weight: Probability
    genes: tuple[str, ...] = ()
    sign: Literal[-1, 0, 1] = 0


class Interval(Frozen):
    """A 90 % interval of a probability."""

    low: Probability
    high: Probability


class Effect(Frozen):
    """The predicted change of one readout gene's transcript.

    `p_de` is None where no screen of the line read the gene: then a path or the gene's habit may
    say which way, but nothing says how likely a change is. `interval` belongs to `p_de`,
    `p_up_interval` to `p_up`; None: not known. `call` reads the two: `up` or `down` from the `p_de`
    threshold on that was chosen on training perturbations, and below it, or without a `p_de`, only
    where a signed path supports the direction. Such an effect is `subtle`: its direction alone is
    known. An effect that may well change either way is `unknown`, and so is an abstained one.
    `usual` is how often the readout changes in the line whatever is perturbed; `conflict` says what
    contradicts the call, and which was believed.
    """

    gene: str
    p_de: Probability | None
    p_up: Probability
    interval: Interval | None
    p_up_interval: Interval | None
    call: Call
    subtle: bool = False
    evidence_ids: tuple[str, ...] = ()
    seen_in_training: bool = False
    abstained: bool = False
    reason: str = ""
    usual: Probability | None = None
    conflict: str = ""

    @property
    def joint(self) -> float:
        """Return P(changes in the likelier direction); 0 where P(changes) is not known."""
        return (self.p_de or 0.0) * max(self.p_up, 1 - self.p_up)

    @property
    def specific(self) -> float:
        """Return how specific the change is to the perturbation; 0 where P(changes) is unknown."""
        return specificity(self.p_de or 0.0, self.usual or 0.0)


class Change(Frozen):
    """A node that went up or down, in transcript (`expression`) or in `activity` only."""

    node: str
    kind: NodeKind = "gene"
    direction: Direction
    quantity: Quantity


class CascadeStep(Frozen):
    """One signed step of a cascade, pointing at its evidence."""

    source: Change
    relation: EdgeEffect
    target: Change
    mechanism: str = ""
    confidence: Probability
    evidence_ids: tuple[str, ...] = ()
    status: StepStatus
    proposed_by: Proposer = "graph"
    note: str = ""


class Hypothesis(Frozen):
    """The best-documented path from the perturbation to one readout.

    `branches` are further paths to the same change, each through a regulator of its own.
    """

    readout: str
    direction: Direction
    steps: tuple[CascadeStep, ...]
    summary: str
    confidence: Probability
    branches: tuple[tuple[CascadeStep, ...], ...] = ()
    supporting: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()


class ProgrammePath(Frozen):
    """How a programme of the screens leads from the perturbation to one readout.

    Every step is measured on other perturbations, none is asserted by a database but a membership
    in the complex that is lost.

    Attributes:
        readout: Where it ends.
        direction: Which way the readout goes.
        programme: Name of the programme.
        steps: From the perturbation, perhaps through its complex, to the programme (`breaks`) and
            on to the readout (`moves`).
        driven_by: From the programme to regulators whose targets its readouts are.
        summary: The path in one line.
        trust: Share of such paths that pointed the right way on held-out perturbations.
        share: Of all that programmes do to the readout, what this one does.
        beside: Whether the documented path to the readout points the same way; empty without one.
    """

    readout: str
    direction: Direction
    programme: str
    steps: tuple[CascadeStep, ...]
    driven_by: tuple[CascadeStep, ...] = ()
    summary: str
    trust: Probability
    share: Probability
    beside: Literal["", "agrees", "disagrees"] = ""


class Phenotype(Frozen):
    """A predicted organism-level consequence.

    `collection` is where its term comes from, such as mouse mutants; `through` are the functions
    that carried the prediction, the one that carried most first.
    """

    term: str
    name: str
    probability: Probability
    collection: str = ""
    through: tuple[str, ...] = ()
    evidence_ids: tuple[str, ...] = ()


class KnownPhenotype(Frozen):
    """An organism-level consequence that was observed; it never stands among predicted ones."""

    term: str
    name: str
    collection: str
    evidence_ids: tuple[str, ...] = ()


class Versions(Frozen):
    """What an answer was made with: package version and content hashes."""

    knockwise: str
    knowledge: str
    data: dict[str, str]
    models: dict[str, str]
    prompts: str = ""


class Side(Frozen):
    """One perturbation of a comparison with its effects; `label` is what sets it apart."""

    label: str
    perturbation: Perturbation
    effects: tuple[Effect, ...]


class SetEffect(Frozen):
    """What becomes of a named set of readouts.

    `up`, `down`, `unchanged` and `unknown` are its members by prediction. `score` is the mean over
    the members with numbers of P(changes) times 2 P(up if it changes) - 1: from -1, all surely
    down, to 1, all surely up; None where no member has a number. `call` is the way that most of
    the predicted members go, `unchanged` where hardly one goes anywhere, `mixed` or `unknown`.
    """

    name: str
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    score: float | None = None
    call: Literal["up", "down", "unchanged", "mixed", "unknown"]


class Likeness(Frozen):
    """A perturbation whose measured signature is like, or opposite to, that of another.

    `likeness` is the cosine of the two signatures, each without what the line's readouts do under
    any perturbation, over `readouts` of them; `same` and `opposite` count measured changes that the
    other one is predicted to make the same way and the other way. `mediates` says that the
    perturbed gene carries the other's paths in the graph: `readouts` is then how many of them.
    Without `measured` its signature is predicted, from the atlas. `drug` acts on the gene so, by
    `action`, where drugs are sought.
    """

    gene: str
    likeness: float
    same: int
    opposite: int
    readouts: int
    mediates: bool = False
    measured: bool = True
    drug: str = ""
    action: str = ""


class Lead(Frozen):
    """A perturbation that a search found.

    `effect` is its effect on the readout that was asked about; `measured` says whether a screen of
    the line read it, `linked` whether the graph leads from it to the readout; `breadth` is the
    share of all readouts that it is known to change, small for a specific one. `drug` acts on the
    gene so, by `action`, where drugs are sought.
    """

    gene: str
    effect: Effect
    measured: bool
    linked: bool = False
    breadth: Probability | None = None
    evidence_ids: tuple[str, ...] = ()
    drug: str = ""
    action: str = ""


class Aim(Frozen):
    """A target of a drug as it matters for a question.

    Attributes:
        gene: The target.
        action: What the drug does to it.
        certainty: How sure that is.
        sources: The tables that say so.
        begins: Whether the cascade begins with it.
        missing: Why the line has none of it; empty where it has.
        moves: What it alone would do to the readouts by the graph: `HSPA1A up`.
    """

    gene: str
    action: str
    certainty: Probability
    sources: tuple[str, ...]
    begins: bool
    missing: str = ""
    moves: tuple[str, ...] = ()


class DrugStep(Frozen):
    """One of the five steps of VCWorld from a drug to a readout."""

    step: Literal["analogue mechanism", "specificity", "cascade", "causal bridge", "answer"]
    statement: str
    evidence_ids: tuple[str, ...] = ()


class DrugAccount(Frozen):
    """What an answer says of a drug: targets, where its numbers are from, and the five steps.

    Attributes:
        drug: Its name.
        modes: Its kind, such as a proteasome inhibitor.
        process: What it disturbs, where no one protein says it.
        aims: Its targets, those first that the cascade begins with.
        starts: What the cascade begins with, in words: `PSMB5 lost`.
        basis: What the numbers rest on; none is a measurement of the drug.
        basis_words: The same in a sentence.
        steps: From the drug to the readouts.
        note: What else a reader must know of the drug.
        sources: The tables that know it.
    """

    drug: str
    modes: tuple[str, ...] = ()
    process: str = ""
    aims: tuple[Aim, ...] = ()
    starts: tuple[str, ...] = ()
    basis: Literal["drug model", "target knockdown", "target activation", "pathways alone"]
    basis_words: str
    steps: tuple[DrugStep, ...] = ()
    note: str = ""
    sources: tuple[str, ...] = ()


class Dependency(Frozen):
    """Whether a line needs a gene, as far as the data tells."""

    gene: str
    cell_line: str
    verdict: Literal["yes", "no", "unknown"]
    statement: str
    evidence_ids: tuple[str, ...] = ()


class Answer(Frozen):
    """A calibrated prediction and a mechanism, every step of which points at `evidence`."""

    run: str
    question: Question
    summary: str
    effects: tuple[Effect, ...]
    phenotypes: tuple[Phenotype, ...] = ()
    known_phenotypes: tuple[KnownPhenotype, ...] = ()
    hypotheses: tuple[Hypothesis, ...]
    steps: tuple[CascadeStep, ...]
    programmes: tuple[ProgrammePath, ...] = ()
    sides: tuple[Side, ...] = ()
    leads: tuple[Lead, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    sets: tuple[SetEffect, ...] = ()
    likenesses: tuple[Likeness, ...] = ()
    drugs: tuple[DrugAccount, ...] = ()
    evidence: tuple[Evidence, ...]
    unknown: tuple[str, ...] = ()
    reasoner: str
    versions: Versions
    timings_s: dict[str, float]
    tokens: dict[str, int]
