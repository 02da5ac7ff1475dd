"""A heat map of compared sides as SVG: a row a readout, a column a side, its colours the page's.

No meaning rests on colour alone: a called change carries a triangle, what is not known a dash.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from app.show.svg import grid_line
from app.show.svg import text as svg_text
from tools.compared import ComparedReadout, Comparison

MOST_ROWS = 44
# From so many readouts on that all sides know, those alone are drawn.
FEWEST_KNOWN = 3
WIDE, HIGH = 66.0, 19.0
NAMES = 104.0
LETTER = 6.7
SLANT = 0.62  # of a label's length that stands above the map
RIGHT = 120.0


def heat_map(found: Comparison, rows: Sequence[ComparedReadout]) -> str:
    """Return the picture, of the first rows that some side changes; "" without one."""
    told = [row for row in rows if row.pattern != "unchanged"] or list(rows)
    known = [row for row in told if None not in row.values]
    told = known if len(known) >= FEWEST_KNOWN else told
    # All patterns are to be seen, so each gets its share of the rows.
    chosen = _shared(told)
    if not chosen:
        return ""
    longest = max(len(side.label) for side in found.columns)
    top = 30 + longest * LETTER * SLANT
    width = NAMES + WIDE * len(found.columns) + max(RIGHT, longest * LETTER * 0.8)
    height = top + HIGH * len(chosen) + 10
    svg = ET.Element("svg", {
        "class": "heat", "viewBox": f"0 0 {width:.0f} {height:.0f}", "width": f"{width:.0f}",
        "height": f"{height:.0f}", "role": "img",
        "aria-label": "What every side does to each readout",
    })  # fmt: skip
    scale = 1.0 if found.unit.startswith("P(") else _scale(chosen)
    for at, side in enumerate(found.columns):
        x = NAMES + WIDE * (at + 0.5)
        label = svg_text(svg, x - 4, top - 8, side.label, f"column start {side.role}")
        label.set("transform", f"rotate(-38 {x - 4:.0f} {top - 8:.0f})")
    before = ""
    for at, row in enumerate(chosen):
        y = top + HIGH * at
        svg_text(svg, NAMES - 8, y + HIGH - 5.5, row.gene, "gene-name end")
        sides = zip(row.values, row.calls, row.subtle, strict=True)
        for column, (value, call, faint) in enumerate(sides):
            place = (NAMES + WIDE * column, y)
            hint = f"{row.gene}, {found.columns[column].label}"
            _cell(svg, place, value, "direction only" if faint else call, scale, hint)
        if row.pattern != before:
            svg_text(svg, NAMES + WIDE * len(found.columns) + 10, y + HIGH - 5.5, row.pattern,
                  "pattern start")  # fmt: skip
            if at:
                grid_line(svg, NAMES - 90, y, NAMES + WIDE * len(found.columns) + 90, y)
            before = row.pattern
    return ET.tostring(svg, encoding="unicode")


def _scale(rows: Sequence[ComparedReadout]) -> float:
    """Return the size of change that is drawn full: a tenth are as large, not the largest alone."""
    sizes = sorted(abs(value) for row in rows for value in row.values if value is not None)
    return max(sizes[int(0.9 * (len(sizes) - 1))], 1e-9) if sizes else 1.0


def _shared(rows: Sequence[ComparedReadout]) -> list[ComparedReadout]:
    """Return at most `MOST_ROWS` rows, of each pattern about as many, in their order."""
    patterns = list(dict.fromkeys(row.pattern for row in rows))
    left, kept = MOST_ROWS, set[str]()
    by_size = sorted(patterns, key=lambda name: sum(row.pattern == name for row in rows))
    for number, name in enumerate(by_size):
        mine = [row for row in rows if row.pattern == name]
        share = left // (len(by_size) - number)
        # Of a long block every n-th is drawn, so that all its sides have their part.
        step = max(1, -(-len(mine) // max(1, share)))
        taken = mine[::step][:share]
        kept |= {row.gene for row in taken}
        left -= len(taken)
    return [row for row in rows if row.gene in kept]


def _cell(
    svg: ET.Element,
    place: tuple[float, float],
    value: float | None,
    call: str,
    scale: float,
    hint: str,
) -> None:
    x, y = place
    box = ET.SubElement(svg, "rect", {
        "x": f"{x + 1:.1f}", "y": f"{y + 1:.1f}", "width": f"{WIDE - 2:.1f}",
        "height": f"{HIGH - 2:.1f}",
        "class": "cell none" if value is None else f"cell {'up' if value > 0 else 'down'}",
    })  # fmt: skip
    said = "not known" if value is None else f"{value:+.2f}"
    ET.SubElement(box, "title").text = f"{hint}: {said}, {call}"
    if value is not None:
        strength = min(1.0, abs(value) / scale)
        box.set("fill-opacity", f"{strength:.2f}")
    if call in ("up", "down"):
        mark = svg_text(svg, x + WIDE / 2, y + HIGH - 5.5, "▲" if call == "up" else "▼", "mark")
        if value is not None and abs(value) / scale > 0.55:  # on a dark cell
            mark.set("class", "mark on-dark")
    elif value is None:
        svg_text(svg, x + WIDE / 2, y + HIGH - 5.5, "–", "mark faint")
