"""A name that moved, for a benchmark that is being moved too; goes with it."""

from knowledge.specific import specificity as specificity
