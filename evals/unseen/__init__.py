"""What may be unseen: the perturbation, its family, the readout, or the perturbation and readout."""
