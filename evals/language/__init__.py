"""Batch evaluation of LLM strategies on PerturbQA, next to the evidence alone and fused with it."""
