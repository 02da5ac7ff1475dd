"""What compose.yaml says once variables are filled in, as far as it uses them."""

import re

VARIABLE = re.compile(r"\$\{(\w+)(?:(:?)-([^}]*))?\}")


def interpolated(text, variables):
    """Return a text with `${NAME:-default}`, and `${NAME-default}` unless it is set to nothing."""

    def value(found):
        given = variables.get(found[1])
        return (found[3] or "") if given is None or (found[2] and not given) else given

    return VARIABLE.sub(value, text)
