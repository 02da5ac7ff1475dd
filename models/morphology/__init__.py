"""Which compartments of a cell look different without a gene: measured, and predicted."""
