#!/usr/bin/env python3
# ===- fp8_promotion.py - draws fp8-promotion.svg --------------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fp8_promotion.py: reads fp8-promotion.csv beside it, which the simulator's
own test writes:

  TILEWRIGHT_PROMOTION_CSV=docs/figures/fp8-promotion.csv \\
      build/dev/test/unit/SimAccumulateTests
"""

import csv
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 380, 70, 20, 20, 50
LOW, HIGH = -5, 0  # decades of the error
LINES = [("positive", "tensor_core", "#b2182b", "tensor core alone, positive"),
         ("signed", "tensor_core", "#ef8a62", "tensor core alone, both signs"),
         ("positive", "promoted_128", "#2166ac", "promoted, positive"),
         ("signed", "promoted_128", "#67a9cf", "promoted, both signs")]


def main():
    with open(os.path.join(HERE, "fp8-promotion.csv")) as f:
        rows = list(csv.DictReader(f))
    ks = sorted({int(r["k"]) for r in rows})

    def x(k):
        part = math.log2(k / ks[0]) / math.log2(ks[-1] / ks[0])
        return LEFT + part * (WIDTH - LEFT - RIGHT - 190)

    def y(error):
        part = (math.log10(error) - LOW) / (HIGH - LOW)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for decade in range(LOW, HIGH + 1):
        at = y(10.0 ** decade)
        out.append(f'<line x1="{LEFT}" x2="{x(ks[-1]):.1f}" y1="{at:.1f}" '
                   f'y2="{at:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">'
                   f'1e{decade}</text>')
    for k in ks:
        out.append(f'<text x="{x(k):.1f}" y="{HEIGHT - BOTTOM + 18}" '
                   f'text-anchor="middle">{k}</text>')
    out.append(f'<text x="{(LEFT + x(ks[-1])) / 2:.1f}" y="{HEIGHT - 10}" '
               'text-anchor="middle">K</text>')
    out.append(f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2}" '
               'text-anchor="middle" transform="rotate(-90 16 '
               f'{(TOP + HEIGHT - BOTTOM) / 2})">relative error (RMS)</text>')
    for data, column, colour, label in LINES:
        points = [(x(int(r["k"])), y(float(r[column])))
                  for r in rows if r["data"] == data]
        text = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{text}" fill="none" stroke="{colour}" '
                   'stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>'
                for a, b in points]
        out.append(f'<text x="{points[-1][0] + 8:.1f}" '
                   f'y="{points[-1][1] + 4:.1f}" fill="{colour}">{label}</text>')
    out.append("</svg>")
    with open(os.path.join(HERE, "fp8-promotion.svg"), "w") as f:
        f.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
