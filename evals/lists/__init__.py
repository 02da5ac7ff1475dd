"""How good explaining and reversing lists is, on perturbations that nothing was trained on."""
