"""PerturbQA: does a knockdown change a gene, and which way? Macro per-gene AUROC, with controls."""

from evals.perturbqa.cross_validation import as_markdown, cross_validated

__all__ = ["as_markdown", "cross_validated"]
