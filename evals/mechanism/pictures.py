"""The gallery: paths as pictures, boxes from perturbation to readout and what joins them."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from agent.wording import QUANTITY_WORDS, path_words
from evals.harness.page import filled
from evals.mechanism.facts import Shown
from knowledge.schema import CascadeStep, Change

TEMPLATE = Path(__file__).parent / "templates" / "gallery.html.j2"
STYLE = """
svg.path { font: 12px sans-serif; max-width: 100%; height: auto; }
svg.path text { text-anchor: middle; fill: var(--ink); stroke: none; }
svg.path .name { font-weight: 600; }
svg.path .how { font-size: 10.5px; fill: var(--muted); }
svg.path rect { fill: none; stroke: var(--muted); stroke-width: 1.4; }
svg.path .up rect { stroke: #b84a00; } svg.path .down rect { stroke: #00609c; }
svg.path path { fill: none; stroke: var(--muted); stroke-width: 1.6; }
article { border-top: 1px solid var(--rule); padding: 14px 0; }
article h3 { color: var(--ink); font-size: 15px; margin: 4px 0; }
article p { margin: 4px 0; } article li { font-size: 13.5px; }
.wrong { font-weight: 600; }
"""
BOX, GAP, HEIGHT, TOP = 128, 66, 52, 26
LETTERS = 17
ARROWS = {"up": "▲", "down": "▼"}


def gallery_html(gallery: Sequence[Shown]) -> str:
    """Return the gallery as HTML: an article per cascade, with its picture and what it cites."""
    drawn = [(one, path_picture(one.steps, path_words(one.steps))) for one in gallery]
    return filled(TEMPLATE, gallery=drawn)


def path_picture(steps: Sequence[CascadeStep], title: str) -> str:
    """Return a path as inline SVG; its colours come from the page's style sheet."""
    changes = [steps[0].source, *(step.target for step in steps)]
    width = len(changes) * BOX + len(steps) * GAP + 4
    height = TOP + HEIGHT + 30
    parts = [
        f'<svg class="path" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">'
    ]
    for number, change in enumerate(changes):
        parts += _box(change, 2 + number * (BOX + GAP))
    for number, step in enumerate(steps):
        parts += _arrow(step, 2 + number * (BOX + GAP) + BOX)
    return "".join([*parts, "</svg>"])


def _box(change: Change, left: int) -> list[str]:
    """Draw a gene as a box, a complex or a process with round ends."""
    radius = 4 if change.kind == "gene" else HEIGHT / 2
    what = QUANTITY_WORDS[change.quantity] if change.kind == "gene" else change.kind
    middle = left + BOX / 2
    name = change.node if len(change.node) <= LETTERS else f"{change.node[: LETTERS - 1]}…"
    return [
        f'<g class="{change.direction}"><title>{escape(change.node)}</title>',
        f'<rect x="{left}" y="{TOP}" width="{BOX}" height="{HEIGHT}" rx="{radius:g}"/>',
        f'<text x="{middle:g}" y="{TOP + 22}" class="name">{escape(name)}</text>',
        f'<text x="{middle:g}" y="{TOP + 40}">{ARROWS[change.direction]} {what}</text></g>',
    ]


def _arrow(step: CascadeStep, left: int) -> list[str]:
    """Draw an activation as an arrow, an inhibition as a bar."""
    y, right = TOP + HEIGHT / 2, left + GAP - 6
    if step.relation == "inhibits":
        head = f'<path d="M{right} {y - 8} V{y + 8}"/>'
    else:
        head = f'<path d="M{right - 7} {y - 5} L{right} {y} L{right - 7} {y + 5}"/>'
    how = step.mechanism or step.relation
    middle = left + GAP / 2
    return [
        f'<g class="{step.relation}"><path d="M{left + 4} {y} H{right}"/>{head}',
        f'<text x="{middle:g}" y="{TOP + HEIGHT + 18}" class="how">{escape(how)}</text>',
        f'<text x="{middle:g}" y="{TOP + 8}" class="how">{step.confidence:.2f}</text></g>',
    ]
