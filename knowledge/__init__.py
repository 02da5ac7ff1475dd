"""What is known about the cell: genes, signed graph, ontologies, documents, their sources."""
