"""The Virtual Cell Challenge's scale: six measures of single cells, 0 the mean, 1 a replicate."""
