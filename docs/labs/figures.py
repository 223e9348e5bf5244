#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The figures of the labs that are drawn by no command of runrig.

Each figure is a function of the model that its lab is about, and no measuring.

Usage: figures.py [FOLDER], which writes FOLDER/NN-name/figure.svg for each.
"""
import math
import pathlib
import sys

WIDE, HIGH = 620, 330
LEFT, RIGHT, TOP, BOTTOM = 74, 20, 18, 48
INKS = ("#1f5fa8", "#c2571a", "#3d7a35", "#8a3d8f", "#555555")


class Picture:
    """Axes, and curves on the axes; `logarithmic` names the axes "x", "y"."""

    def __init__(self, title, x, y, x_label, y_label, logarithmic=""):
        self.ends = {"x": x, "y": y}
        self.logarithmic = logarithmic
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" '
            f'height="{HIGH}" viewBox="0 0 {WIDE} {HIGH}">',
            f"<title>{title}</title>",
            "<style>text{font:13px sans-serif;fill:#111}"
            ".axis{stroke:#111}.grid{stroke:#ddd}"
            "polyline{fill:none;stroke-width:2}</style>",
            f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>']
        self.text(LEFT + (WIDE - LEFT - RIGHT) / 2, HIGH - 8, x_label,
                  "middle")
        self.parts.append(
            f'<text x="16" y="{TOP + (HIGH - TOP - BOTTOM) / 2}" '
            'text-anchor="middle" transform="rotate(-90 16 '
            f'{TOP + (HIGH - TOP - BOTTOM) / 2})">{y_label}</text>')

    def part(self, axis, value):
        low, high = self.ends[axis]
        if axis in self.logarithmic:
            low, high, value = map(math.log, (low, high, value))
        return (value - low) / (high - low)

    def at(self, x, y):
        return (round(LEFT + self.part("x", x) * (WIDE - LEFT - RIGHT), 1),
                round(HIGH - BOTTOM -
                      self.part("y", y) * (HIGH - TOP - BOTTOM), 1))

    def text(self, x, y, words, anchor="start", ink="#111"):
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" '
                          f'style="fill:{ink}">{words}</text>')

    def say(self, x, y, words, ink="#111", anchor="start"):
        self.text(*self.at(x, y), words, anchor, ink)

    def line(self, points, kind="axis", ink=None, dashed=False):
        style = f' style="stroke:{ink}"' if ink else ""
        style += ' stroke-dasharray="6 4"' if dashed else ""
        places = " ".join(f"{x},{y}" for x, y in
                          (self.at(*point) for point in points))
        self.parts.append(
            f'<polyline class="{kind}" points="{places}"{style}/>')

    def axes(self, xs, ys):
        """Grid lines at these places: {value: words}."""
        (x0, x1), (y0, y1) = self.ends["x"], self.ends["y"]
        for x, words in xs.items():
            self.line([(x, y0), (x, y1)], "grid")
            place = self.at(x, y0)
            self.text(place[0], place[1] + 17, words, "middle")
        for y, words in ys.items():
            self.line([(x0, y), (x1, y)], "grid")
            place = self.at(x0, y)
            self.text(place[0] - 6, place[1] + 4, words, "end")
        self.line([(x0, y1), (x0, y0), (x1, y0)])

    def dot(self, x, y, ink):
        px, py = self.at(x, y)
        self.parts.append(f'<circle cx="{px}" cy="{py}" r="4" fill="{ink}"/>')

    def box(self, x0, y0, x1, y1, fill, words=""):
        (left, bottom), (right, top) = self.at(x0, y0), self.at(x1, y1)
        self.parts.append(
            f'<rect x="{left}" y="{top}" width="{round(right - left, 1)}" '
            f'height="{round(bottom - top, 1)}" fill="{fill}" '
            'stroke="#555" stroke-width="0.5"/>')
        if words:
            self.text((left + right) / 2, (top + bottom) / 2 + 4, words,
                      "middle")

    def whole(self):
        return "\n".join(self.parts + ["</svg>"]) + "\n"


def latency():
    a, b = 1.0, 0.0001  # microseconds
    picture = Picture("The time of a message by its length", (8, 1 << 22),
                      (0.5, 1000), "bytes of the message", "microseconds",
                      "xy")
    picture.axes({8: "8", 128: "128", 2048: "2 Ki", 1 << 15: "32 Ki",
                  1 << 19: "512 Ki", 1 << 22: "4 Mi"},
                 {1: "1", 10: "10", 100: "100", 1000: "1000"})
    points = [8 * 1.35 ** i for i in range(44)]
    picture.line([(n, a) for n in (8, 400000)], ink=INKS[4], dashed=True)
    picture.line([(n, b * n) for n in (5001, 1 << 22)], ink=INKS[4],
                 dashed=True)
    picture.line([(n, a + b * n) for n in points if n <= 1 << 22],
                 ink=INKS[0])
    for i in range(20):
        n = 8 * 2 ** i
        picture.dot(n, (a + b * n) * (1 + 0.06 * math.sin(7.0 * i)), INKS[0])
    picture.dot(a / b, 2 * a, INKS[1])
    picture.say(a / b / 1.3, 2.6 * a, "n = a / b: half of the bandwidth",
                INKS[1], "end")
    picture.say(12, 0.62 * a, "a: every message pays the latency", INKS[4])
    picture.say(450000, 14, "b n: the length", INKS[4])
    return picture


def scaling():
    picture = Picture("Speed-up by workers", (1, 64), (0, 64), "workers",
                      "speed-up")
    picture.axes({p: str(p) for p in (1, 8, 16, 32, 48, 64)},
                 {s: str(s) for s in (0, 16, 32, 48, 64)})
    for f, ink in ((0, INKS[4]), (0.01, INKS[0]), (0.05, INKS[2]),
                   (0.1, INKS[3])):
        curve = [(p, 1 / (f + (1 - f) / p)) for p in range(1, 65)]
        picture.line(curve, ink=ink)
        p, s = curve[50]
        words = f"{f:.0%} serial" if f else "no serial part"
        picture.say(p, s + {0: -6, 0.05: 2, 0.1: -4}.get(f, 3), words, ink,
                    "middle" if f else "start")
    curve = [(p, 1 / (0.01 + 0.99 / p + 0.0009 * (p - 1)))
             for p in range(1, 65)]
    picture.line(curve, ink=INKS[1], dashed=True)
    picture.say(12, 1, "dashed: 1% serial, and an overhead", INKS[1])
    return picture


def drift():
    picture = Picture("Thirty runs in time order", (0, 31), (60, 105),
                      "run", "milliseconds")
    picture.axes({i: str(i) for i in (1, 5, 10, 15, 20, 25, 30)},
                 {ms: str(ms) for ms in (60, 70, 80, 90, 100)})
    for new in (False, True):
        ink = INKS[1 if new else 0]
        runs = range(16, 31) if new else range(1, 16)
        times = [(i, 100 - 1.05 * i + math.sin(5.0 * i)) for i in runs]
        for i, ms in times:
            picture.dot(i, ms, ink)
        middle = sorted(ms for _, ms in times)[7]
        picture.line([(runs[0], middle), (runs[-1], middle)], ink=ink,
                     dashed=True)
        picture.say(runs[-1] - (0 if new else 5), middle + (2 if new else 7),
                    f"{'new' if new else 'old'}: median {middle:.0f}", ink,
                    "end" if new else "start")
    return picture


def steps_of(row, rows, columns=240, most=200):
    """Steps of a row of lab 10's picture."""
    total = 0
    for column in range(columns):
        c = complex(-2 + 2.5 * (column + 0.5) / columns,
                    -1.25 + 2.5 * (row + 0.5) / rows)
        z, steps = 0j, 0
        while steps < most and abs(z) <= 2:
            z, steps = z * z + c, steps + 1
        total += steps
    return total


def imbalance():
    rows = 120
    steps = [steps_of(row, rows) for row in range(rows)]
    top = max(steps) * 1.12
    picture = Picture("Steps of each row", (0, rows), (0, top),
                      "row of the picture", "steps")
    for strip in range(4):
        part = sum(steps[strip * 30:strip * 30 + 30]) / sum(steps)
        picture.box(strip * 30, 0, strip * 30 + 30, top,
                    "#f2f5f9" if strip % 2 else "#ffffff")
        picture.say(strip * 30 + 15, top * 0.93,
                    f"rank {strip}: {part:.0%}", anchor="middle")
    picture.axes({row: str(row) for row in range(0, 121, 30)},
                 {0: "0", 10000: "10 000", 20000: "20 000"})
    picture.line([(row + 0.5, s) for row, s in enumerate(steps)],
                 ink=INKS[0])
    return picture


def first_touch():
    """Pages of a matrix, by who uses and by who touched: three fills."""
    picture = Picture("Pages by the node that holds each page", (0, 30),
                      (0, 10), "", "")
    shades = ("#9fc3e8", "#f0c49a")

    def matrix(x, words, node):
        for row in range(6):
            for column in range(8):
                at = (x + column, 7.4 - row)
                picture.box(at[0], at[1] - 1, at[0] + 1, at[1],
                            shades[node(row, column)])
        picture.say(x + 4, 8.6, words, anchor="middle")

    matrix(0.5, "rank 0 fills all", lambda row, column: 0)
    matrix(11, "strips of rows fill", lambda row, column: row // 3)
    matrix(21.5, "users fill", lambda row, column: column // 4)
    for x, far in ((4.5, "far: 1 of 2"), (15, "far: 1 of 2"),
                   (25.5, "far: none")):
        picture.say(x, 0.4, far, anchor="middle")
    picture.box(0.5, -1.2, 1.5, -0.4, shades[0])
    picture.say(1.8, -1.15, "on node 0")
    picture.box(7.5, -1.2, 8.5, -0.4, shades[1])
    picture.say(8.8, -1.15, "on node 1.  Ranks of node 0 use the left four "
                "columns of pages")
    return picture


def lanes():
    """Three troubles on the lanes of three ranks."""
    picture = Picture("Three traces of three ranks", (0, 30), (0, 10), "", "")
    work, wait = "#9fc3e8", "#ffffff"

    def lane(x, row, parts):
        for busy, length in parts:
            y = 7.2 - 2.2 * row
            picture.box(x, y - 1.5, x + length, y, work if busy else wait,
                        "work" if busy and length >= 2.5 else "")
            x += length

    for x, words, rows in (
            (0.5, "serial part",
             [[(1, 3), (1, 3), (0, 2)], [(0, 3), (1, 3), (0, 2)],
              [(0, 3), (1, 3), (0, 2)]]),
            (10.8, "imbalance",
             [[(1, 3), (0, 5)], [(1, 8)], [(1, 4), (0, 4)]]),
            (21, "late sender",
             [[(1, 5), (1, 1), (0, 2)], [(1, 2), (0, 3), (1, 3)],
              [(1, 2), (0, 3), (1, 3)]])):
        picture.say(x + 4, 8.4, words, anchor="middle")
        for row, parts in enumerate(rows):
            lane(x, row, parts)
    for row in range(3):
        picture.say(-0.2, 6.2 - 2.2 * row, f"r{row}", anchor="end")
    picture.box(0.5, -1, 1.5, -0.2, wait)
    picture.say(1.8, -0.95, "a wait: at a barrier, or for a message that rank "
                "0 sends after its first work")
    return picture


FIGURES = {
    "05-latency-bandwidth": latency,
    "09-scaling-laws": scaling,
    "10-imbalance": imbalance,
    "13-first-touch": first_touch,
    "18-profile-by-trace": lanes,
    "20-honest-measuring": drift,
}


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here
    for name, draw in FIGURES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "figure.svg").write_text(draw().whole(),
                                                  encoding="utf-8")


if __name__ == "__main__":
    main()
