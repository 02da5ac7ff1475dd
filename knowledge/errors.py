"""Failures a user can act on; everything else is a bug."""


class KnockwiseError(Exception):
    """One sentence saying what is wrong and what to do next.

    The command line prints it without a traceback and leaves with exit code 2.
    """


class QuestionError(KnockwiseError):
    """The question cannot be understood or is not handled yet."""


class DataError(KnockwiseError):
    """A data file or folder is missing, unwritable, incomplete or corrupted."""


class TextIndexError(KnockwiseError):
    """The text index is missing, locked, or was built with another encoder."""


class RunError(KnockwiseError):
    """A run folder cannot be written, read, resumed or replayed."""
