"""The numbers of an effect as columns of a table, the same wherever effects are written."""

from knowledge.schema import Effect

# Half a part in ten thousand is far below what any probability here is worth.
DIGITS = 4


def numbers(effect: Effect) -> dict[str, float | None]:
    """Return `p_de`, `p_up` and the ends of their 90 % intervals; None: not known."""
    around, around_up = effect.interval, effect.p_up_interval
    values = {
        "p_de": effect.p_de,
        "p_de_low": around.low if around else None,
        "p_de_high": around.high if around else None,
        "p_up": effect.p_up,
        "p_up_low": around_up.low if around_up else None,
        "p_up_high": around_up.high if around_up else None,
    }
    return {name: None if value is None else round(value, DIGITS) for name, value in values.items()}
