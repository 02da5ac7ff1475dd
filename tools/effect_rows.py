"""The numbers of an effect as columns of a table, the same wherever effects are written."""

from knowledge.schema import Effect

# Half a part in ten thousand is far below what any probability here is worth.
DIGITS = 4


NUMBERS = ("p_de", "p_de_low", "p_de_high", "p_up", "p_up_low", "p_up_high")


def numbers(effect: Effect, digits: int | None = DIGITS) -> dict[str, float | None]:
    """Return `p_de`, `p_up` and the ends of their 90 % intervals; None: not known."""
    around, around_up = effect.interval, effect.p_up_interval
    values = (
        effect.p_de,
        around.low if around else None,
        around.high if around else None,
        effect.p_up,
        around_up.low if around_up else None,
        around_up.high if around_up else None,
    )
    return {
        name: value if value is None or digits is None else round(value, digits)
        for name, value in zip(NUMBERS, values, strict=True)
    }
