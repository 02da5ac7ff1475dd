"""The page: ask, look at answers, genes, lists and runs in a browser; one process, no build."""
