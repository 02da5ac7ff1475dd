"""SAMS-VAE and its comparators on single cells, for evaluation alone (needs torch).

Bereket and Karaletsos, "Modelling cellular perturbations with the sparse additive mechanism shift
variational autoencoder", NeurIPS 2023.
"""
