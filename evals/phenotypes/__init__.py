"""How well phenotypes are predicted from sequences, beside the baselines that must be beaten."""
