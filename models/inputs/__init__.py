"""What several models read: screens, annotations of genes, and the genes themselves."""
