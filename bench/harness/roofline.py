# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A roofline plot as SVG: rate against intensity, both logarithmic.

Intensity is operations over the bytes of every tensor moved once, so no point
lies above the roof of a ceiling that is true; a kernel that reads operands
twice lies below it.
"""
import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 40, 60
COLOURS = {
    "ours": "#c0392b",
    "deepgemm": "#2471a3",
    "cublaslt-blockwise": "#7d3c98",
    "cublaslt-fp8": "#229954",
    "cublaslt-fp8-precise": "#82c99d",
    "cublaslt-bf16": "#7f8c8d",
}


@dataclass
class Point:
    series: str
    intensity: float  # operations a byte
    tflops: float
    label: str


@dataclass
class Ceiling:
    label: str
    tflops: float
    dashed: bool = False


def points_of(rows):
    """Our best variant and the peers. A peer's own bytes count: those of a BF16
    product of FP8 inputs are twice as many."""
    from .shapes import Shape

    found = []
    for row in rows:
        best = row.best()
        chosen = [("ours", best)] if best else []
        chosen += [(s.name, s) for (o, _), s in row.series.items() if not o and s.valid]
        for name, series in chosen:
            shape = row.shape
            if name == "cublaslt-bf16":
                shape = Shape("bf16", shape.m, shape.n, shape.k)
            rate = shape.work / series.median / 1e6
            label = f"{name}, {row.shape.name}: {series.median:.1f} µs, {rate:.0f} TFLOPS"
            found.append(Point(name, shape.work / shape.bytes, rate, label))
    return found


def _decades(low, high):
    """1, 2, 5 steps inside [low, high]."""
    power = math.floor(math.log10(low))
    while 10.0**power <= high:
        for step in (1, 2, 5):
            value = step * 10.0**power
            if low <= value <= high:
                yield value
        power += 1


class _Axis:
    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value):
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)


def svg(points, bandwidth, ceilings, title):
    """The plot. `bandwidth` in TB/s, so that bandwidth · intensity is TFLOPS.
    Raises ValueError if there is nothing to draw."""
    if not points or not bandwidth or not ceilings:
        raise ValueError("a roofline needs points, a bandwidth and a ceiling")
    top = max([c.tflops for c in ceilings] + [p.tflops for p in points])
    ridge = top / bandwidth
    xs = [p.intensity for p in points] + [ridge]
    ys = [p.tflops for p in points] + [top]
    x = _Axis(min(xs) / 1.5, max(xs) * 1.5, LEFT, WIDTH - RIGHT)
    y = _Axis(min(ys) / 1.5, max(ys) * 1.3, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    parts += _grid(x, y)
    for ceiling in ceilings:
        parts += _roof(x, y, bandwidth, ceiling)
    # Ours last, on top of what it hides.
    for point in sorted(points, key=lambda p: -_rank(p.series)):
        colour = COLOURS.get(point.series, "#d68910")
        radius = 5 if point.series == "ours" else 3.5
        parts.append(
            f'<circle cx="{x(point.intensity):.1f}" cy="{y(point.tflops):.1f}" '
            f'r="{radius}" fill="{colour}" fill-opacity="0.75">'
            f"<title>{escape(point.label)}</title></circle>"
        )
    # The legend, in the corner where neither roof nor kernels are.
    names = sorted({p.series for p in points}, key=_rank)
    left = WIDTH - RIGHT - 160
    for index, name in enumerate(names):
        height = HEIGHT - BOTTOM - 12 - 20 * (len(names) - 1 - index)
        parts.append(
            f'<circle cx="{left}" cy="{height - 4}" r="5" '
            f'fill="{COLOURS.get(name, "#d68910")}"/>'
            f'<text x="{left + 12}" y="{height}">{escape(name)}</text>'
        )
    return "\n".join(parts + ["</svg>"]) + "\n"


def _rank(name):
    order = list(COLOURS)
    return order.index(name) if name in order else len(order)


def _grid(x, y):
    parts = []
    for value in _decades(x.low, x.high):
        parts.append(
            f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{y.start}" '
            f'y2="{y.end}" stroke="#eee"/>'
            f'<text x="{x(value):.1f}" y="{y.start + 18}" '
            f'text-anchor="middle">{value:g}</text>'
        )
    for value in _decades(y.low, y.high):
        parts.append(
            f'<line x1="{x.start}" x2="{x.end}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}" stroke="#eee"/>'
            f'<text x="{x.start - 6}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    middle = (y.start + y.end) / 2
    parts += [
        f'<text x="{(x.start + x.end) / 2}" y="{HEIGHT - 18}" '
        'text-anchor="middle">operations a byte (each tensor moved once)</text>',
        f'<text x="18" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 18 {middle})">TFLOPS</text>',
    ]
    return parts


def _roof(x, y, bandwidth, ceiling):
    """The slope up to the ridge, and the level from there."""
    ridge = ceiling.tflops / bandwidth
    start = max(x.low, y.low / bandwidth)
    corner = min(max(ridge, start), x.high)
    dash = ' stroke-dasharray="6 4"' if ceiling.dashed else ""
    path = (
        f"M{x(start):.1f} {y(start * bandwidth):.1f} "
        f"L{x(corner):.1f} {y(corner * bandwidth):.1f} L{x.end} {y(ceiling.tflops):.1f}"
    )
    return [
        f'<path d="{path}" fill="none" stroke="#333"{dash}/>',
        f'<text x="{x.end + 6}" y="{y(ceiling.tflops) + 4:.1f}" '
        f'font-size="11">{escape(ceiling.label)}</text>',
    ]
