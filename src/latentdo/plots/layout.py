"""Where the nodes of a drawing stand and how its edges run: one geometry for pages, files and axes."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .layers import Item, columns_of, heights, ordered
from .scene import Link, Scene

HEIGHT = 26.0
"""Of a node."""
MARGIN, GAP = 16.0, 54.0
LONGEST = 24
"""Characters of a name that are shown."""
LINE = 17.0
"""Height of a line of text below the drawing."""
PORTS = 9.0
"""How far apart edges arrive at one node."""
Point = tuple[float, float]
Piece = tuple[Point, Point, Point]
"""Two points that pull a cubic curve, and its end."""


@dataclass(frozen=True)
class Box:
    """Where a node stands: its middle and its width."""

    x: float
    y: float
    width: float

    def holds(self, point: Point, pad: float = 3.0) -> bool:
        """Whether the point lies in the box or nearly so."""
        return abs(point[0] - self.x) < self.width / 2 + pad and abs(point[1] - self.y) < HEIGHT / 2 + pad


@dataclass(frozen=True)
class Curve:
    """How an edge runs: cubic pieces from a start, and the place of its label."""

    start: Point
    pieces: tuple[Piece, ...]
    label: Point = (0.0, 0.0)

    @property
    def middle(self) -> Point:
        """A point halfway along the curve."""
        points = self.points()
        return points[len(points) // 2]

    def points(self, apart: float = 4.0) -> list[Point]:
        """Points along the curve, about so far apart at most."""
        found, at = [self.start], self.start
        for first, second, end in self.pieces:
            steps = 2 + int((math.dist(at, first) + math.dist(first, second) + math.dist(second, end)) / apart)
            for k in range(1, steps + 1):
                t = k / steps
                found.append(_cubic(at, first, second, end, t))
            at = end
        return found


def _cubic(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    s = 1 - t
    x, y = (s**3 * p + 3 * s * s * t * q + 3 * s * t * t * r + t**3 * w for p, q, r, w in zip(a, b, c, d, strict=True))
    return x, y


@dataclass
class Layout:
    """The places of a drawing: boxes by node, a curve per link in order, and its extent."""

    boxes: dict[str, Box] = field(default_factory=dict[str, Box])
    curves: list[Curve] = field(default_factory=list[Curve])
    low: float = 0.0
    high: float = 0.0
    width: float = 0.0

    @property
    def height(self) -> float:
        """From the highest to the lowest point."""
        return self.high - self.low


def shown(name: str) -> str:
    """A name as it is written in its node."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def text_width(text: str, size: float = 13.0) -> float:
    """About how wide a text is."""
    wide = sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)
    return size * (0.62 * (len(text) - wide) + 1.05 * wide)


def laid(scene: Scene) -> Layout:
    """The layout; arcs that cannot run freely get places in the columns, as edges have."""
    routed: set[int] = set()
    while True:
        frame = _Frame(scene, routed)
        layout = frame.layout()
        ground = _Ground(layout.boxes)
        hindered = {
            k
            for k, (link, curve) in enumerate(zip(scene.links, layout.curves, strict=True))
            if link.kind == "<->" and k not in routed and frame.column[link.a] != frame.column[link.b]
            if ground.hits(curve, link)
        }
        if not hindered:
            break
        routed |= hindered
    _finish(scene, layout)
    return layout


CELL = 40.0


class _Ground:
    """Which nodes stand where, by squares, so that a point is asked of few."""

    def __init__(self, boxes: dict[str, Box]) -> None:
        self.squares: dict[tuple[int, int], list[tuple[str, Box]]] = {}
        for name, box in boxes.items():
            xs = range(int((box.x - box.width / 2 - 4) // CELL), int((box.x + box.width / 2 + 4) // CELL) + 1)
            ys = range(int((box.y - HEIGHT / 2 - 4) // CELL), int((box.y + HEIGHT / 2 + 4) // CELL) + 1)
            for place in itertools.product(xs, ys):
                self.squares.setdefault(place, []).append((name, box))

    def hits(self, curve: Curve, link: Link) -> int:
        """How many nodes a curve runs through, beside those that it joins."""
        found: set[str] = set()
        for point in curve.points():
            for name, box in self.squares.get((int(point[0] // CELL), int(point[1] // CELL)), ()):
                if name not in found and name not in (link.a, link.b) and box.holds(point):
                    found.add(name)
        return len(found)


class _Frame:
    """The columns of one layout."""

    def __init__(self, scene: Scene, routed: set[int]) -> None:
        self.scene = scene
        names = [node.name for node in scene.nodes]
        edges = [(link.a, link.b) for link in scene.links if link.kind == "->"]
        pairs = [(link.a, link.b) for link in scene.links if link.kind == "<->"]
        self.column = columns_of(names, edges, pairs)
        self.routes: dict[int, list[Item]] = {}
        columns: list[list[Item]] = [[] for _ in range(max(self.column.values(), default=-1) + 1)]
        for name in names:
            columns[self.column[name]].append((name, -1))
        self.links: list[tuple[Item, Item]] = []
        for k, link in enumerate(scene.links):
            if link.kind == "->" or k in routed:
                self._route(k, link, columns)
        self.columns = ordered(columns, self.links)
        self.y = heights(self.columns, self.links)
        self._place()

    def _route(self, k: int, link: Link, columns: list[list[Item]]) -> None:
        a, b = sorted((link.a, link.b), key=self.column.__getitem__)
        passed: list[Item] = [("", k) for _ in range(self.column[a] + 1, self.column[b])]
        passed = [(f"{self.column[a] + 1 + i}", k) for i in range(len(passed))]
        for i, item in enumerate(passed):
            columns[self.column[a] + 1 + i].append(item)
        chain = [(a, -1), *passed, (b, -1)]
        self.links += itertools.pairwise(chain)
        self.routes[k] = chain

    def _place(self) -> None:
        """The left and right end of each column."""
        widths = [max((_width(name) for name, k in column if k < 0), default=20.0) for column in self.columns]
        gaps = [GAP] * len(self.columns)
        for left, right in self.links:
            place = self._column(left)
            steep = abs(self.y[left] - self.y[right])
            gaps[place] = max(gaps[place], min(GAP + 0.16 * steep, 3.2 * GAP))
        for k, chain in self.routes.items():
            if label := self.scene.links[k].label:
                place = self._column(chain[(len(chain) - 1) // 2])
                gaps[place] = max(gaps[place], text_width(label, 10.5) + 44)
        self.left: list[float] = []
        self.right: list[float] = []
        x = MARGIN
        for width, gap in zip(widths, gaps, strict=True):
            self.left.append(x)
            self.right.append(x + width)
            x += width + gap

    def _column(self, item: Item) -> int:
        return self.column[item[0]] if item[1] < 0 else int(item[0])

    def layout(self) -> Layout:
        """Boxes and curves."""
        found = Layout()
        for k, column in enumerate(self.columns):
            middle = (self.left[k] + self.right[k]) / 2
            found.boxes.update({name: Box(middle, self.y[name, -1], _width(name)) for name, edge in column if edge < 0})
        ports, ground = self._ports(), _Ground(found.boxes)
        for k, link in enumerate(self.scene.links):
            if k in self.routes:
                curve = self._along(k, ports, found.boxes)
            elif link.kind == "<->":
                curve = self._arc(link, found.boxes, ground)
            else:
                curve = _below(link, found.boxes, ground)
            found.curves.append(curve)
        return found

    def _ports(self) -> dict[tuple[int, str], float]:
        """How far from the middle of a node's side each routed edge leaves or arrives, in the order of where it comes from."""
        ends: dict[tuple[str, str], list[tuple[float, int]]] = {}
        for k, chain in self.routes.items():
            ends.setdefault((chain[0][0], "out"), []).append((self.y[chain[1]], k))
            ends.setdefault((chain[-1][0], "in"), []).append((self.y[chain[-2]], k))
        found: dict[tuple[int, str], float] = {}
        for (_, side), near in ends.items():
            near.sort()
            step = min(PORTS, (HEIGHT - 8) / max(1, len(near) - 1))
            for place, (_, k) in enumerate(near):
                found[k, side] = step * (place - (len(near) - 1) / 2)
        return found

    def _along(self, k: int, ports: dict[tuple[int, str], float], boxes: dict[str, Box]) -> Curve:
        """The curve of an edge through its places: level within a column, bent between them."""
        chain = self.routes[k]
        first, last = boxes[chain[0][0]], boxes[chain[-1][0]]
        start = (first.x + first.width / 2, first.y + ports[k, "out"])
        end = (last.x - last.width / 2 - 1, last.y + ports[k, "in"])
        pieces: list[Piece] = []
        at = start
        outward = self.right[self._column(chain[0])]
        if at[0] < outward - 1:  # a narrow node in a wide column
            pieces.append(_level(at, (outward, at[1])))
            at = (outward, at[1])
        for item in chain[1:-1]:
            place = self._column(item)
            into, out = (self.left[place], self.y[item]), (self.right[place], self.y[item])
            pieces += [_bent(at, into), _level(into, out)]
            at = out
        inward = self.left[self._column(chain[-1])]
        if inward < end[0] - 1:
            pieces += [_bent(at, (inward, end[1])), _level((inward, end[1]), end)]
        else:
            pieces.append(_bent(at, end))
        bends = [i for i, piece in enumerate(pieces) if piece[2][1] != piece[0][1] or len(pieces) == 1] or [0]
        chosen = bends[(len(bends) - 1) // 2]
        before = start if chosen == 0 else pieces[chosen - 1][2]
        return Curve(start, tuple(pieces), _cubic(before, *pieces[chosen], 0.5))

    def _arc(self, link: Link, boxes: dict[str, Box], ground: _Ground) -> Curve:
        """The curve of a hidden common cause: over the nodes or below them, the least bent that touches none."""
        a, b = sorted((boxes[link.a], boxes[link.b]), key=lambda box: (box.x, box.y))
        if self.column[link.a] == self.column[link.b]:
            edge = self.left[self.column[link.a]]
            starts = [(box.x - box.width / 2, box.y) for box in (a, b)]
            bulge = min(16 + 0.12 * abs(a.y - b.y), GAP - 12)
            turns = [(edge - 2, y) for _, y in starts]
            middle: Piece = ((edge - 4 / 3 * bulge, turns[0][1]), (edge - 4 / 3 * bulge, turns[1][1]), turns[1])
            pieces = [_level(starts[0], turns[0]), middle, _level(turns[1], starts[1])]
            return Curve(starts[0], tuple(pieces), (edge - bulge, (a.y + b.y) / 2))
        best: tuple[int, Curve] | None = None
        span = abs(b.x - a.x)
        for reach in (34 + span / 7, 56 + span / 4, 90 + span / 3, 130 + span / 2):
            for side in (-1, 1):
                start, end = ((box.x, box.y + side * (HEIGHT / 2 + 1)) for box in (a, b))
                height = min(start[1], end[1]) - reach if side < 0 else max(start[1], end[1]) + reach
                curve = Curve(start, (((start[0] + span / 5, height), (end[0] - span / 5, height), end),))
                hits = ground.hits(curve, link)
                if best is None or hits < best[0]:
                    best = hits, curve
                if not hits:
                    return curve
        assert best is not None
        return best[1]


def _below(link: Link, boxes: dict[str, Box], ground: _Ground) -> Curve:
    """A line between two nodes that are kept apart: below them."""
    a, b = boxes[link.a], boxes[link.b]
    best: tuple[int, Curve] | None = None
    for reach in (40, 60, 85, 115, 150, 200):
        start, end = ((box.x, box.y + HEIGHT / 2 + 2) for box in (a, b))
        height = max(start[1], end[1]) + reach
        curve = Curve(start, (((start[0], height), (end[0], height), end),))
        hits = ground.hits(curve, link)
        if best is None or hits < best[0]:
            best = hits, curve
    assert best is not None
    return best[1]


def _bent(a: Point, b: Point) -> Piece:
    reach = (b[0] - a[0]) * 0.5
    return (a[0] + reach, a[1]), (b[0] - reach, b[1]), b


def _level(a: Point, b: Point) -> Piece:
    return (a[0] + (b[0] - a[0]) / 3, a[1]), (a[0] + (b[0] - a[0]) * 2 / 3, b[1]), b


def _width(name: str) -> float:
    return max(26.0, 18 + text_width(shown(name)))


def _finish(scene: Scene, layout: Layout) -> None:
    """The extent: boxes, curves and the lines below; everything is moved so that it begins at 0."""
    _labels_apart(scene, layout)
    points = [point for curve in layout.curves for point in curve.points(8.0)]
    xs = [x for x, _ in points] + [box.x + side * box.width / 2 for box in layout.boxes.values() for side in (-1, 1)]
    ys = [y for _, y in points] + [box.y + side * HEIGHT / 2 for box in layout.boxes.values() for side in (-1, 1)]
    for link, curve in zip(scene.links, layout.curves, strict=True):
        if link.label:
            half = text_width(link.label, 10.5) / 2
            xs += [curve.label[0] - half, curve.label[0] + half]
    left, top = min(xs, default=0.0) - MARGIN, min(ys, default=0.0) - MARGIN
    layout.boxes = {name: Box(box.x - left, box.y - top, box.width) for name, box in layout.boxes.items()}
    layout.curves = [_moved(curve, left, top) for curve in layout.curves]
    layout.width = max(xs, default=0.0) - left + MARGIN
    layout.high = max(ys, default=0.0) - top + MARGIN


Area = tuple[float, float, float, float]
PLACES = 24
"""Places along an edge that are tried for its label."""
CROSSED = 400.0
"""How much a label on another edge counts, in units of covered area: it could be taken for that edge's."""


def _labels_apart(scene: Scene, layout: Layout) -> None:
    """Move labels along their edges until none covers a node, another label or another edge, as far as there is room."""
    taken: list[Area] = [
        (box.x - box.width / 2, box.y - HEIGHT / 2, box.x + box.width / 2, box.y + HEIGHT / 2)
        for box in layout.boxes.values()
    ]
    squares: dict[tuple[int, int], set[int]] = {}
    for k, curve in enumerate(layout.curves):
        for x, y in curve.points(6.0):
            squares.setdefault((int(x // 12), int(y // 12)), set()).add(k)
    for k, (link, curve) in enumerate(zip(scene.links, layout.curves, strict=True)):
        if not link.label:
            continue
        half, points = text_width(link.label, 10.5) / 2 + 2, curve.points(6.0)
        areas = [(x - half, y - 8, x + half, y + 8) for x, y in points]
        middle = min(range(len(points)), key=lambda i: math.dist(points[i], curve.label))
        tried = sorted(range(1, len(points) - 1, max(1, len(points) // PLACES)), key=lambda i: abs(i - middle))
        costs = [_cover(areas[i], taken, squares, k) for i in tried]
        best = tried[costs.index(min(costs))] if tried else middle
        layout.curves[k] = Curve(curve.start, curve.pieces, points[best])
        taken.append(areas[best])


def _cover(area: Area, taken: Sequence[Area], squares: Mapping[tuple[int, int], set[int]], own: int) -> int:
    """How much a label here would cover; a little nearer to the middle is worth no more than nothing."""
    columns = range(int(area[0] // 12), int(area[2] // 12) + 1)
    rows = range(int(area[1] // 12), int(area[3] // 12) + 1)
    crossed = {k for place in itertools.product(columns, rows) for k in squares.get(place, ())} - {own}
    return round(sum(_overlap(area, other) for other in taken) + CROSSED * len(crossed))


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _moved(curve: Curve, x: float, y: float) -> Curve:
    def move(point: Point) -> Point:
        return point[0] - x, point[1] - y

    pieces = tuple((move(a), move(b), move(c)) for a, b, c in curve.pieces)
    return Curve(move(curve.start), pieces, move(curve.label))
