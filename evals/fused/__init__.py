"""The fused answer, which `ask` gives, beside the response model alone on PerturbQA's rows."""
