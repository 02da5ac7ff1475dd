"""Every predicted transcript in one picture: how likely it changes, against which way it goes."""

from collections.abc import Iterable, Sequence
from typing import Literal
from xml.etree import ElementTree as ET

from app.show.svg import grid_line
from app.show.svg import text as svg_text
from knowledge.schema import Call, Frozen

WIDTH, HEIGHT = 640.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 16.0, 48.0
RADIUS = 4.0
# Points that can be pointed at; the others are one path, so that a page stays light.
MOST_POINTS = 250
MOST_NAMES = 14
LETTER = 6.6
LINE = 13.0


class Point(Frozen):
    """A transcript: `p_up` is the chance that it goes up if it changes, `general` says by habit."""

    gene: str
    call: Call
    p_de: float
    p_up: float
    general: bool = False
    asked: bool = False


def volcano(points: Iterable[Point]) -> str:
    """Return the picture as SVG, its colours left to the page; "" without a point."""
    found = sorted(points, key=lambda one: (not one.asked, one.general, -one.p_de))
    if not found:
        return ""
    svg = ET.Element(
        "svg",
        {
            "class": "volcano",
            "viewBox": f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
            "width": f"{WIDTH:.0f}",
            "height": f"{HEIGHT:.0f}",
            "role": "img",
            "aria-label": "P(changes) of every transcript against its expected direction",
        },
    )
    _axes(svg)
    told = [one for one in found if one.call in ("up", "down") or one.asked][:MOST_POINTS]
    chosen = {one.gene for one in told}
    _crowd(svg, [one for one in found if one.gene not in chosen])
    for one in reversed(told):
        kind = "general" if one.general else "specific"
        mark = ET.SubElement(
            svg,
            "circle",
            {
                "class": f"point {one.call} {kind}",
                "data-gene": one.gene,
                "cx": f"{_x(one):.0f}",
                "cy": f"{_y(one):.0f}",
                "r": f"{RADIUS:.0f}",
            },
        )
        words = f"{one.gene}: P(changes) {one.p_de:.2f}, P(up if it changes) {one.p_up:.2f}"
        ET.SubElement(mark, "title").text = f"{words}{', general' if one.general else ''}"
    _names(svg, [one for one in told if not one.general or one.asked])
    return ET.tostring(svg, encoding="unicode")


def _x(one: Point) -> float:
    return LEFT + one.p_up * (WIDTH - LEFT - RIGHT)


def _y(one: Point) -> float:
    return TOP + (1 - one.p_de) * (HEIGHT - TOP - BOTTOM)


def _axes(svg: ET.Element) -> None:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = LEFT + tick * (right - LEFT)
        y = TOP + (1 - tick) * (bottom - TOP)
        grid_line(svg, x, TOP, x, bottom)
        grid_line(svg, LEFT, y, right, y)
        svg_text(svg, x, bottom + 16, f"{tick:g}", "tick")
        svg_text(svg, LEFT - 8, y + 4, f"{tick:g}", "tick end")
    svg_text(svg, (LEFT + right) / 2, HEIGHT - 10, "P(up if it changes)", "axis-title")
    svg_text(svg, LEFT, HEIGHT - 10, "▼ down", "axis-title start")
    svg_text(svg, right, HEIGHT - 10, "▲ up", "axis-title end")
    title = svg_text(svg, 14, (TOP + bottom) / 2, "P(changes)", "axis-title")
    title.set("transform", f"rotate(-90 14 {(TOP + bottom) / 2:.0f})")


def _crowd(svg: ET.Element, points: Sequence[Point]) -> None:
    """Draw the transcripts of which little is expected as one path of dots."""
    places = sorted({(round(_x(one)), round(_y(one))) for one in points})
    if places:
        path = "".join(f"M{x} {y}h0" for x, y in places)
        ET.SubElement(svg, "path", {"class": "crowd", "d": path})


def _names(svg: ET.Element, points: Sequence[Point]) -> None:
    """Name the foremost points where there is room for a name."""
    taken: list[tuple[float, float, float, float]] = []
    named = 0
    for one in points:
        x, y, width = _x(one), _y(one), len(one.gene) * LETTER
        side: Literal["start", "end"] = "end" if x + 8 + width > WIDTH - RIGHT else "start"
        left = x - 8 - width if side == "end" else x + 8
        box = (left, y - LINE / 2, left + width, y + LINE / 2)
        if any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in taken
        ):
            continue
        taken.append(box)
        svg_text(svg, x - 8 if side == "end" else x + 8, y + 4, one.gene, f"point-name {side}")
        named += 1
        if named == MOST_NAMES:
            return
