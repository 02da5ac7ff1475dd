"""What every benchmark is made with: a run folder, one table of scores, resamples and a page."""
