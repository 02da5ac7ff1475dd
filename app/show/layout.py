"""Where the nodes and edges of a drawn cascade go: layers from left to right, few crossings."""

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf

from app.show.story import Key, key
from knowledge.schema import CascadeStep, Change

LETTER = 7.6  # mean width of a 13 px bold sans-serif letter
LINE = 17.0
WRAP = 20  # letters per line of a node's name
PAD_X, PAD_Y = 14.0, 9.0
GAP_X, GAP_Y = 134.0, 26.0
LANE = 14.0  # height kept free for an edge that passes a layer
PORT = 16.0  # between the ends of two steps on one side of a node
MARGIN = 24.0
SWEEPS = 12


@dataclass(frozen=True)
class Node:
    """A box: its changes (transcript, activity or both), its lines of text, where it stands."""

    key: Key
    changes: tuple[Change, ...]
    lines: tuple[str, ...]
    width: float
    height: float
    layer: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Route:
    """A drawn step: `number` is its place in the list of steps, `points` run left to right."""

    number: int
    step: CascadeStep
    points: tuple[tuple[float, float], ...]
    backwards: bool = False


@dataclass(frozen=True)
class Layout:
    """A laid-out cascade in pixels; `x` and `y` of a node are its centre."""

    nodes: tuple[Node, ...]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass
class _Slot:
    """A place in a layer: a node, or a bend of an edge that passes the layer."""

    height: float
    order: float = 0.0
    y: float = 0.0
    before: list["_Slot"] = field(default_factory=list)
    after: list["_Slot"] = field(default_factory=list)


def lay_out(steps: Sequence[CascadeStep], readouts: Iterable[str] = ()) -> Layout:
    """Return the drawing of `steps`, causes left of what they cause, `readouts` rightmost."""
    nodes = _boxes(steps)
    forward, backward = _without_loops(steps)
    layers = _layers(nodes, [steps[i] for i in forward], frozenset(readouts))
    depth = max(layers.values(), default=0) + 1
    columns: list[list[_Slot]] = [[] for _ in range(depth)]
    slots: dict[Key, _Slot] = {}
    for name, node in nodes.items():
        slots[name] = _Slot(height=node.height)
        columns[layers[name]].append(slots[name])
    chains = {
        i: _chain(slots, columns, layers, key(steps[i].source), key(steps[i].target))
        for i in forward
    }
    _reduce_crossings(columns)
    height = _stack(columns)
    lefts, widths = _columns_x(nodes, layers, depth)
    placed = {
        name: replace(
            node,
            layer=layers[name],
            x=lefts[layers[name]] + widths[layers[name]] / 2,
            y=slots[name].y,
        )
        for name, node in nodes.items()
    }
    ports = _ports(placed, steps, backward)
    routes = []
    for i in forward:
        source, target = placed[key(steps[i].source)], placed[key(steps[i].target)]
        points = _points(source, target, ports[i, False], ports[i, True], chains[i], lefts, widths)
        routes.append(Route(i + 1, steps[i], points))
    for lane, i in enumerate(backward, start=1):
        source, target = placed[key(steps[i].source)], placed[key(steps[i].target)]
        turn = lefts[source.layer] + widths[source.layer] + LANE * lane
        back = lefts[target.layer] - LANE * lane
        points = (
            (source.x + source.width / 2, ports[i, False]),
            (turn, ports[i, False]),
            (turn, height + LANE * lane),
            (back, height + LANE * lane),
            (back, ports[i, True]),
            (target.x - target.width / 2, ports[i, True]),
        )
        routes.append(Route(i + 1, steps[i], points, backwards=True))
    ends = [lefts[-1] + widths[-1], *(x for route in routes for x, _ in route.points)]
    return Layout(
        nodes=tuple(placed.values()),
        routes=tuple(sorted(routes, key=lambda route: route.number)),
        width=max(ends) + MARGIN,
        height=height + MARGIN + LANE * len(backward),
    )


def _boxes(steps: Sequence[CascadeStep]) -> dict[Key, Node]:
    changes: dict[Key, dict[Change, None]] = {}
    for step in steps:
        for change in (step.source, step.target):
            changes.setdefault(key(change), {})[change] = None
    boxes = {}
    for name, found in changes.items():
        lines = tuple(textwrap.wrap(name[0], WRAP)) or ("",)
        letters = max(max(map(len, lines)) + 2, 10)  # two more for the sign of the direction
        boxes[name] = Node(
            key=name,
            changes=tuple(found),
            lines=lines,
            width=letters * LETTER + 2 * PAD_X,
            height=(len(lines) + 1) * LINE + 2 * PAD_Y,
        )
    return boxes


def _without_loops(steps: Sequence[CascadeStep]) -> tuple[list[int], list[int]]:
    """Split the indices of `steps`: those that can run left to right, those that close a loop."""
    following: dict[Key, set[Key]] = {}
    forward, backward = [], []
    for i, step in enumerate(steps):
        source, target = key(step.source), key(step.target)
        if source == target or _reachable(following, target, source):
            backward.append(i)
        else:
            following.setdefault(source, set()).add(target)
            forward.append(i)
    return forward, backward


def _reachable(following: Mapping[Key, set[Key]], start: Key, goal: Key) -> bool:
    stack, seen = [start], {start}
    while stack:
        for target in following.get(stack.pop(), ()):
            if target == goal:
                return True
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return False


def _layers(
    nodes: Mapping[Key, Node], steps: Sequence[CascadeStep], readouts: frozenset[str]
) -> dict[Key, int]:
    """Put each node one layer right of its rightmost cause, end points among readouts last."""
    layers = dict.fromkeys(nodes, 0)
    changed = True
    while changed:  # ends: `steps` has no loops
        changed = False
        for step in steps:
            source, target = key(step.source), key(step.target)
            if layers[target] <= layers[source]:
                layers[target] = layers[source] + 1
                changed = True
    last = max(layers.values(), default=0)
    sources = {key(step.source) for step in steps}
    for name in layers:
        if name[0] in readouts and name not in sources and layers[name]:
            layers[name] = last
    return layers


def _chain(
    slots: Mapping[Key, _Slot],
    columns: list[list[_Slot]],
    layers: Mapping[Key, int],
    source: Key,
    target: Key,
) -> list[_Slot]:
    """Link `source` to `target` through a bend in every layer between, and return the bends."""
    bends = []
    for layer in range(layers[source] + 1, layers[target]):
        bends.append(_Slot(height=LANE))
        columns[layer].append(bends[-1])
    for left, right in pairwise([slots[source], *bends, slots[target]]):
        left.after.append(right)
        right.before.append(left)
    return bends


def _reduce_crossings(columns: list[list[_Slot]]) -> None:
    """Order each layer by the mean place of its neighbours, sweeping right and left."""
    for column in columns:
        _number(column)
    best, fewest = [list(column) for column in columns], _crossings(columns)
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        for column in columns if rightwards else reversed(columns):
            for slot in column:
                near = slot.before if rightwards else slot.after
                if near:
                    slot.order = sum(other.order for other in near) / len(near)
            column.sort(key=lambda slot: slot.order)
            _number(column)
        if (crossings := _crossings(columns)) < fewest:
            best, fewest = [list(column) for column in columns], crossings
    for column, order in zip(columns, best, strict=True):
        column[:] = order
        _number(column)


def _number(column: list[_Slot]) -> None:
    for place, slot in enumerate(column):
        slot.order = place - (len(column) - 1) / 2


def _crossings(columns: list[list[_Slot]]) -> int:
    total = 0
    for column in columns:
        lines = [(slot.order, after.order) for slot in column for after in slot.after]
        for i, (a, b) in enumerate(lines):
            total += sum((a - c) * (b - d) < 0 for c, d in lines[i + 1 :])
    return total


def _stack(columns: list[list[_Slot]]) -> float:
    """Give every slot a `y`, near the mean of its neighbours, and return the drawing's height."""
    for column in columns:
        y = 0.0
        for slot in column:
            slot.y = y + slot.height / 2
            y += slot.height + GAP_Y
        for slot in column:
            slot.y -= (y - GAP_Y) / 2
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [
                sum(other.y for other in near) / len(near)
                if (near := slot.before + slot.after)
                else slot.y
                for slot in column
            ]
            _settle(column, wanted)
    top = min((slot.y - slot.height / 2 for column in columns for slot in column), default=0.0)
    for column in columns:
        for slot in column:
            slot.y += MARGIN - top
    return max((slot.y + slot.height / 2 for column in columns for slot in column), default=0.0)


def _settle(column: list[_Slot], wanted: list[float]) -> None:
    """Move slots towards `wanted` without changing their order or letting them touch.

    Neighbours that would touch are merged into a block, which is placed at the mean wish of its
    members (the pool-adjacent-violators solution of the least-squares problem).
    """
    offsets, y = [], 0.0
    for above, slot in zip([None, *column], column, strict=False):
        y += (above.height + slot.height) / 2 + GAP_Y if above else 0.0
        offsets.append(y)
    blocks: list[tuple[float, int]] = []  # mean of wanted - offset, size
    for wish, offset in zip(wanted, offsets, strict=True):
        blocks.append((wish - offset, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    starts = [mean for mean, size in blocks for _ in range(size)]
    for slot, start, offset in zip(column, starts, offsets, strict=True):
        slot.y = start + offset


def _columns_x(
    nodes: Mapping[Key, Node], layers: Mapping[Key, int], depth: int
) -> tuple[list[float], list[float]]:
    """Return the left edge and the width of each layer."""
    widths = [
        max((node.width for name, node in nodes.items() if layers[name] == layer), default=0.0)
        for layer in range(depth)
    ]
    lefts, x = [], MARGIN
    for width in widths:
        lefts.append(x)
        x += width + GAP_X
    return lefts, widths


def _ports(
    placed: Mapping[Key, Node], steps: Sequence[CascadeStep], backward: Collection[int]
) -> dict[tuple[int, bool], float]:
    """Spread the ends of steps over the sides of their nodes; keys are (step, is the target)."""
    sides: dict[tuple[Key, bool], list[tuple[float, int]]] = {}
    for i, step in enumerate(steps):
        source, target = placed[key(step.source)], placed[key(step.target)]
        below = i in backward  # a loop runs back below the drawing
        sides.setdefault((source.key, False), []).append((inf if below else target.y, i))
        sides.setdefault((target.key, True), []).append((inf if below else source.y, i))
    ports = {}
    for (name, incoming), ends in sides.items():
        node = placed[name]
        spread = min(PORT, node.height * 0.8 / len(ends))
        for place, (_, i) in enumerate(sorted(ends)):
            ports[i, incoming] = node.y + (place - (len(ends) - 1) / 2) * spread
    return ports


def _points(
    source: Node,
    target: Node,
    leaves_at: float,
    arrives_at: float,
    bends: list[_Slot],
    lefts: list[float],
    widths: list[float],
) -> tuple[tuple[float, float], ...]:
    """Return pairs of points: a straight line within a layer, a curve between two pairs."""
    points = [
        (source.x + source.width / 2, leaves_at),
        (lefts[source.layer] + widths[source.layer], leaves_at),
    ]
    for layer, bend in enumerate(bends, start=source.layer + 1):
        points += [(lefts[layer], bend.y), (lefts[layer] + widths[layer], bend.y)]
    points += [(lefts[target.layer], arrives_at), (target.x - target.width / 2, arrives_at)]
    return tuple(points)
