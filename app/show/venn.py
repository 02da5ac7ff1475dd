"""Which sides change how many readouts: a Venn diagram of two or three, an UpSet of more."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from app.show.svg import text as svg_text
from tools.compared import Comparison, Region

WIDTH, HEIGHT = 640.0, 330.0
HEIGHT_OF_THREE = 452.0
MOST_BARS = 14
BAR, GAP = 26.0, 10.0
BARS_HIGH = 150.0
DOT = 5.5
ROW = 22.0
LETTER = 6.7
# Where the circles of two and three sets stand, and where each region is written.
TWO = (((250.0, 165.0), (390.0, 165.0)), 130.0)
THREE = (((245.0, 160.0), (395.0, 160.0), (320.0, 290.0)), 140.0)
PLACES = {
    2: {(0,): (186.0, 165.0), (1,): (454.0, 165.0), (0, 1): (320.0, 160.0)},
    3: {
        (0,): (178.0, 130.0), (1,): (462.0, 130.0), (2,): (320.0, 372.0), (0, 1): (320.0, 98.0),
        (0, 2): (234.0, 238.0), (1, 2): (406.0, 238.0), (0, 1, 2): (320.0, 196.0),
    },
}  # fmt: skip


def sets_figure(found: Comparison) -> str:
    """Return the picture of what the sides have in common; "" where one side alone is left."""
    real = [at for at, side in enumerate(found.columns) if side.role != "expected"]
    if len(real) < 2:  # two sets
        return ""
    names = [found.columns[at].label for at in real]
    totals = [found.columns[at].up + found.columns[at].down for at in real]
    place = {at: number for number, at in enumerate(real)}
    regions = [
        one.model_copy(update={"sides": tuple(place[at] for at in one.sides)})
        for one in found.regions
    ]
    if len(real) in PLACES:
        return _venn(names, totals, regions)
    return _upset(names, totals, regions)


def _venn(names: Sequence[str], totals: Sequence[int], regions: Sequence[Region]) -> str:
    circles, radius = TWO if len(names) == 2 else THREE
    height = HEIGHT if len(names) == 2 else HEIGHT_OF_THREE
    svg = _canvas(WIDTH, height, "Readouts that the sides change, and have in common")
    for number, (x, y) in enumerate(circles):
        ET.SubElement(svg, "circle", {
            "class": f"set set-{number}", "cx": f"{x:.0f}", "cy": f"{y:.0f}", "r": f"{radius:.0f}",
        })  # fmt: skip
    counted = {one.sides: one for one in regions}
    for sides, (x, y) in PLACES[len(names)].items():
        one = counted.get(sides)
        svg_text(svg, x, y, f"{one.count if one else 0:,}", "count")
        if one and len(sides) > 1:
            svg_text(svg, x, y + 16, f"{one.same:,} same way", "beside")
        if one:
            hint = ET.SubElement(svg[-1], "title")
            hint.text = ", ".join(one.genes)
    for number, (name, total) in enumerate(zip(names, totals, strict=True)):
        x, y, css = _label_place(number, len(names))
        svg_text(svg, x, y, _short(name), f"set-name {css}")
        svg_text(svg, x, y + 16, f"{total:,} change", f"beside {css}")
    return ET.tostring(svg, encoding="unicode")


def _label_place(number: int, n: int) -> tuple[float, float, str]:
    if n == 2:
        return ((140.0, 52.0, "end"), (500.0, 52.0, "start"))[number]
    return ((126.0, 52.0, "end"), (514.0, 52.0, "start"), (446.0, 392.0, "start"))[number]


def _upset(names: Sequence[str], totals: Sequence[int], regions: Sequence[Region]) -> str:
    bars = regions[:MOST_BARS]
    left = 30 + max(len(_short(name)) + 9 for name in names) * LETTER
    width = left + (BAR + GAP) * len(bars) + 24
    height = 34 + BARS_HIGH + 14 + ROW * len(names) + 10
    svg = _canvas(width, height, "Readouts that each set of sides changes, and no other side does")
    most = max(one.count for one in bars)
    base = 34 + BARS_HIGH
    for at, one in enumerate(bars):
        x = left + (BAR + GAP) * at
        high = BARS_HIGH * one.count / most
        bar = ET.SubElement(svg, "rect", {
            "class": "upset-bar", "x": f"{x:.0f}", "y": f"{base - high:.1f}",
            "width": f"{BAR:.0f}", "height": f"{max(high, 1):.1f}",
        })  # fmt: skip
        ET.SubElement(bar, "title").text = ", ".join(one.genes)
        svg_text(svg, x + BAR / 2, base - high - 6, f"{one.count:,}", "tick")
        ys = [base + 14 + ROW * (side + 0.5) for side in one.sides]
        for side in range(len(names)):
            y = base + 14 + ROW * (side + 0.5)
            ET.SubElement(svg, "circle", {
                "class": "dot on" if side in one.sides else "dot", "cx": f"{x + BAR / 2:.0f}",
                "cy": f"{y:.0f}", "r": f"{DOT:.1f}",
            })  # fmt: skip
        if len(ys) > 1:
            ET.SubElement(svg, "line", {
                "class": "join", "x1": f"{x + BAR / 2:.0f}", "x2": f"{x + BAR / 2:.0f}",
                "y1": f"{ys[0]:.0f}", "y2": f"{ys[-1]:.0f}",
            })  # fmt: skip
    for side, (name, total) in enumerate(zip(names, totals, strict=True)):
        y = base + 14 + ROW * (side + 0.5) + 4.5
        svg_text(svg, left - 16, y, f"{_short(name)} ({total:,})", "gene-name end")
    return ET.tostring(svg, encoding="unicode")


def _short(name: str) -> str:
    most = 26
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _canvas(width: float, height: float, label: str) -> ET.Element:
    return ET.Element("svg", {
        "class": "venn", "viewBox": f"0 0 {width:.0f} {height:.0f}", "width": f"{width:.0f}",
        "height": f"{height:.0f}", "role": "img", "aria-label": label,
    })  # fmt: skip
