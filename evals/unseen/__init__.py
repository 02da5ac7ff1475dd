"""What may be unseen: the perturbation, its family, the readout, or both."""
