"""The pictures of a report, as inline SVG: the cascade, and the predicted effects.

Colours come from the page's style sheet, so that one drawing serves light, dark and print. No
meaning rests on colour alone: directions are triangles, relations are arrow heads or bars, verdicts
are line patterns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET

from agent.wording import QUANTITY_WORDS
from app.show.layout import LINE, PAD_Y, Node, Route, lay_out
from app.show.story import measured
from app.show.svg import text as svg_text
from knowledge.schema import Answer, CascadeStep, Direction, EdgeEffect, Effect, Frozen

SMALL_LETTER = 5.6  # mean width of a 10.5 px letter
BADGE = 8.5
MOST_LABELS = 40  # steps; beyond, mechanisms are left to the table
ROW = 24.0
NAME_WIDTH, PANEL, CALL_WIDTH = 96.0, 300.0, 104.0
TOP, BOTTOM = 34.0, 26.0
CALLS = {"up": "▲ up", "down": "▼ down", "unchanged": "no change", "unknown": "either way"}
PERTURBED = {"knockout": "knocked out", "knockdown": "knocked down", "activation": "activated"}
Box = tuple[float, float, float, float]


class Figure(Frozen):
    """Inline SVG and its width in pixels at natural size."""

    svg: str
    width: int


def cascade_figure(
    answer: Answer, steps: Sequence[CascadeStep], numbers: Sequence[int] | None = None
) -> Figure:
    """Return `steps` as a picture: the perturbation left, the readouts right.

    Args:
        answer: What they belong to.
        steps: What is drawn.
        numbers: Of each step; counted from 1 by default.
    """
    layout = lay_out(steps, answer.question.readouts)
    if numbers is not None:
        routes = (replace(one, number=numbers[one.number - 1]) for one in layout.routes)
        layout = replace(layout, routes=tuple(routes))
    svg = _canvas(layout.width, layout.height, "cascade", "The predicted cascade")
    effects = {effect.gene: effect for effect in answer.effects if not effect.abstained}
    for route in layout.routes:
        _edge(svg, route)
    taken: list[Box] = [_box(node) for node in layout.nodes]
    for route in layout.routes:
        taken.append(_badge(svg, route, taken))
    if len(layout.routes) <= MOST_LABELS:
        taken += [box for route in layout.routes for box in _line_boxes(route)]
        for route in layout.routes:
            _mechanism(svg, route, taken)
    for node in layout.nodes:
        _node(svg, node, answer, effects)
    return _figure(svg)


def effects_figure(effects: Sequence[Effect]) -> Figure:
    """Return one row per gene: how likely it goes down, to the left, and up, to the right."""
    width = NAME_WIDTH + PANEL + CALL_WIDTH
    height = TOP + ROW * len(effects) + BOTTOM
    svg = _canvas(width, height, "effects", "How likely each transcript goes down or up")
    middle, half = NAME_WIDTH + PANEL / 2, PANEL / 2
    svg_text(svg, middle - half / 2, 14, "P(goes down)", "axis-title")
    svg_text(svg, middle + half / 2, 14, "P(goes up)", "axis-title")
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        x = middle + tick * half
        _line(svg, (x, TOP - 8), (x, height - BOTTOM), "grid" if tick else "grid zero")
        svg_text(svg, x, height - BOTTOM + 15, f"{abs(tick):g}", "tick")
    for row, effect in enumerate(effects):
        y = TOP + ROW * (row + 0.5)
        svg_text(svg, NAME_WIDTH - 10, y + 4.5, effect.gene, "gene-name end")
        words = _unmeasured(effect)
        if words:
            svg_text(svg, NAME_WIDTH + 4, y + 4.5, words, "note start")
            continue
        _bars(svg, middle, half, y, effect)
        seen = "" if effect.seen_in_training else " *"
        said = CALLS[effect.call] + seen
        svg_text(svg, width - CALL_WIDTH + 12, y + 4.5, said, f"call {effect.call}")
    return _figure(svg)


def _unmeasured(effect: Effect) -> str:
    """Return why an effect has no bars; nothing if it has."""
    if effect.abstained:
        return f"no prediction: {effect.reason}"
    if effect.p_de is None:
        says = "its path is cut off" if effect.call == "unchanged" else f"a path says {effect.call}"
        return f"no screen read this gene; {says}"
    return ""


def _bars(svg: ET.Element, middle: float, half: float, y: float, effect: Effect) -> None:
    """Draw both chances as bars, and the interval of P(changes) on the likelier side."""
    p_de = effect.p_de or 0.0
    group = ET.SubElement(svg, "g", {"class": f"estimate {effect.call}"})
    for side, share in ((-1, 1 - effect.p_up), (1, effect.p_up)):
        length = p_de * share * half
        ET.SubElement(
            group,
            "rect",
            {
                "class": f"bar {'up' if side > 0 else 'down'}",
                "x": f"{middle if side > 0 else middle - length:.1f}",
                "y": f"{y - 6:.1f}",
                "width": f"{length:.1f}",
                "height": "12",
            },
        )
    if effect.interval is not None:
        side, share = (1, effect.p_up) if effect.p_up >= 0.5 else (-1, 1 - effect.p_up)
        ends = [
            middle + side * share * half * p for p in (effect.interval.low, effect.interval.high)
        ]
        _line(group, (ends[0], y), (ends[1], y), "interval")
        for end in ends:
            _line(group, (end, y - 3.5), (end, y + 3.5), "interval")


def _figure(svg: ET.Element) -> Figure:
    return Figure(svg=ET.tostring(svg, encoding="unicode"), width=int(svg.get("width", "0")))


def _canvas(width: float, height: float, name: str, title: str) -> ET.Element:
    svg = ET.Element(
        "svg",
        {
            "class": name,
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "img",
            "aria-label": title,
        },
    )
    return svg


def _node(svg: ET.Element, node: Node, answer: Answer, effects: Mapping[str, Effect]) -> None:
    name, direction = node.key
    perturbed = name in answer.question.perturbation.genes
    kind = node.changes[0].kind
    classes = ["node", kind, direction]
    classes += ["perturbed"] if perturbed else []
    classes += ["readout"] if name in answer.question.readouts else []
    group = ET.SubElement(svg, "g", {"class": " ".join(classes), "data-node": name})
    _shape(group, node, kind)
    y = node.y - node.height / 2 + PAD_Y + LINE - 4
    for line in node.lines:
        svg_text(group, node.x, y, line, "name")
        y += LINE
    words = _state_words(node, answer, perturbed=perturbed)
    left = node.x - (len(words) + 2.4) * SMALL_LETTER / 2
    _triangle(group, left + 4, y - 4, direction)
    svg_text(group, left + 12, y, words, "state start")
    if (effect := effects.get(name)) and not perturbed and _is_transcript(node):
        agrees = effect.call == direction
        label = f"predicted {effect.call}"
        if agrees:
            label = "not read" if effect.p_de is None else f"P(changes) {effect.p_de:.2f}"
        css = "probability" if agrees else "probability disagrees"
        svg_text(group, node.x, node.y + node.height / 2 + 13, label, css)


def _is_transcript(node: Node) -> bool:
    return any(change.quantity == "expression" for change in node.changes)


def _state_words(node: Node, answer: Answer, *, perturbed: bool) -> str:
    if perturbed:
        return PERTURBED[answer.question.perturbation.kind]
    direction = node.key[1]
    if node.changes[0].kind != "gene":
        return direction
    quantities = dict.fromkeys(QUANTITY_WORDS[change.quantity] for change in node.changes)
    return f"{direction}, {' and '.join(quantities)}"


def _shape(group: ET.Element, node: Node, kind: str) -> None:
    """Draw a gene as a box, a complex with cut corners, a process round, a programme pointed."""
    left, top = node.x - node.width / 2, node.y - node.height / 2
    if kind == "programme":
        right, bottom, tip = left + node.width, top + node.height, 10.0
        points = [
            (left + tip, top),
            (right - tip, top),
            (right, node.y),
            (right - tip, bottom),
            (left + tip, bottom),
            (left, node.y),
        ]
        _polygon(group, points, "shape")
        return
    if kind == "complex":
        right, bottom, cut = left + node.width, top + node.height, 11.0
        points = [
            (left + cut, top),
            (right - cut, top),
            (right, top + cut),
            (right, bottom - cut),
            (right - cut, bottom),
            (left + cut, bottom),
            (left, bottom - cut),
            (left, top + cut),
        ]
        _polygon(group, points, "shape")
        return
    ET.SubElement(
        group,
        "rect",
        {
            "class": "shape",
            "x": f"{left:.1f}",
            "y": f"{top:.1f}",
            "width": f"{node.width:.1f}",
            "height": f"{node.height:.1f}",
            "rx": f"{node.height / 2 if kind == 'process' else 5:.1f}",
        },
    )


def _edge(svg: ET.Element, route: Route) -> None:
    step = route.step
    standing = "measured" if measured(step) else step.status
    group = ET.SubElement(
        svg,
        "g",
        {"class": f"edge {standing} {step.relation}", "data-step": str(route.number)},
    )
    title = ET.SubElement(group, "title")
    title.text = (
        f"{route.number}. {step.source.node} {step.relation} {step.target.node}"
        f"{f' ({step.mechanism})' if step.mechanism else ''}: {standing}, {step.confidence:.2f}"
    )
    *path, (end_x, end_y) = route.points
    path.append((end_x - 6, end_y))
    ET.SubElement(
        group, "path", {"class": "line", "d": _loop(path) if route.backwards else _curve(path)}
    )
    _head(group, end_x, end_y, step.relation)


def _loop(points: Sequence[tuple[float, float]]) -> str:
    """Return a path along `points` with rounded corners."""
    parts = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{start[0]:.1f},{start[1]:.1f}")
        parts.append(f"Q{corner[0]:.1f},{corner[1]:.1f} {end[0]:.1f},{end[1]:.1f}")
    return " ".join([*parts, f"L{points[-1][0]:.1f},{points[-1][1]:.1f}"])


def _towards(
    corner: tuple[float, float], point: tuple[float, float], radius: float = 7.0
) -> tuple[float, float]:
    (x, y), (to_x, to_y) = corner, point
    length = abs(to_x - x) + abs(to_y - y) or 1.0
    share = min(0.5, radius / length)
    return x + share * (to_x - x), y + share * (to_y - y)


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a path through pairs of points: straight within a pair, curved to the next pair."""
    parts = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for i in range(1, len(points), 2):
        x, y = points[i]
        parts.append(f"L{x:.1f},{y:.1f}")
        if i + 1 < len(points):
            next_x, next_y = points[i + 1]
            middle = (x + next_x) / 2
            parts.append(
                f"C{middle:.1f},{y:.1f} {middle:.1f},{next_y:.1f} {next_x:.1f},{next_y:.1f}"
            )
    return " ".join(parts)


def _head(group: ET.Element, x: float, y: float, relation: EdgeEffect) -> None:
    """Draw the end of a step at the left border of its target: an arrow head or a bar."""
    if relation == "inhibits":
        _line(group, (x - 4, y - 7), (x - 4, y + 7), "bar")
    elif relation == "activates":
        _polygon(group, [(x - 1, y), (x - 10, y - 5), (x - 10, y + 5)], "head")


def _along(route: Route, t: float, start: int | None = None) -> tuple[float, float]:
    """Return a point between `points[start]` and the next one; on the last curve by default."""
    if start is None:
        start = 2 if route.backwards else len(route.points) - 3
    (x0, y0), (x1, y1) = route.points[start : start + 2]
    if route.backwards:
        return x0 + t * (x1 - x0), y0 + t * (y1 - y0)
    middle = (x0 + x1) / 2
    x = (1 - t) ** 3 * x0 + 3 * t * (1 - t) * middle + t**3 * x1
    y = (1 - t) ** 2 * (1 + 2 * t) * y0 + t**2 * (3 - 2 * t) * y1
    return x, y


def _badge(svg: ET.Element, route: Route, taken: Sequence[Box]) -> Box:
    """Draw the step's number on its line, where it hides no other number."""
    for t in (0.45, 0.6, 0.3, 0.72, 0.2, 0.5):
        x, y = _along(route, t)
        box = (x - BADGE, y - BADGE, x + BADGE, y + BADGE)
        if not _overlaps(box, taken):
            break
    group = ET.SubElement(
        svg, "g", {"class": f"badge {route.step.status}", "data-step": str(route.number)}
    )
    ET.SubElement(group, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{BADGE}"})
    svg_text(group, x, y + 3.6, str(route.number), "number")
    return box


def _mechanism(svg: ET.Element, route: Route, taken: list[Box]) -> None:
    """Write the mechanism beside the line where there is room; the table of steps has it anyway."""
    words = route.step.mechanism
    if not words:
        return
    for middle, y in _beside(route, len(words) * SMALL_LETTER / 2):
        half = len(words) * SMALL_LETTER / 2
        box = (middle - half, y - 9, middle + half, y + 3)
        if not _overlaps(box, taken):
            svg_text(svg, middle, y, words, "mechanism")
            taken.append(box)
            return


def _beside(route: Route, half: float) -> Iterator[tuple[float, float]]:
    """Iterate over places for words of half this width: at the number, then at either end."""
    for t in (0.45, 0.6, 0.3):
        for lift in (-14.0, 20.0):
            x, y = _along(route, t)
            yield x, y + lift
    if route.backwards:
        return
    # On the outer side of a curve, where no parallel branch runs.
    (x0, y0), (x1, y1) = route.points[-3:-1]
    outer = -6.0 if y1 <= y0 else 15.0
    yield x1 - half - 2, y1 + outer
    yield x1 - half - 2, y1 - 9.0 - outer * 0.2
    yield x0 + half + 4, y0 - outer + 9.0
    (x0, y0), (x1, y1) = route.points[1:3]
    outer = -6.0 if y1 <= y0 else 15.0
    yield x1 - half - 2, y1 + outer
    yield x0 + half + 4, y0 - outer + 9.0


def _line_boxes(route: Route) -> Iterator[Box]:
    """Iterate over small boxes along a step's line, so that no words are written across it."""
    for start in range(1, len(route.points) - 1, 1 if route.backwards else 2):
        for i in range(25):
            x, y = _along(route, i / 24, start)
            yield (x - 2, y - 2, x + 2, y + 2)


def _box(node: Node) -> Box:
    half_width, half_height = node.width / 2, node.height / 2
    return (node.x - half_width, node.y - half_height, node.x + half_width, node.y + half_height)


def _overlaps(box: Box, others: Iterable[Box]) -> bool:
    left, top, right, bottom = box
    return any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
        for other in others
    )


def _triangle(
    group: ET.Element, x: float, y: float, direction: Direction, *, size: float = 5.0
) -> None:
    lift = size if direction == "up" else -size
    points = [(x, y - lift), (x - size, y + lift * 0.8), (x + size, y + lift * 0.8)]
    _polygon(group, points, "mark")


def _line(
    parent: ET.Element, start: tuple[float, float], end: tuple[float, float], css: str
) -> None:
    (x1, y1), (x2, y2) = start, end
    place = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    ET.SubElement(parent, "line", {"class": css, **place})


def _polygon(parent: ET.Element, points: Iterable[tuple[float, float]], css: str) -> None:
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    ET.SubElement(parent, "polygon", {"class": css, "points": corners})
