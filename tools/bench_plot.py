"""bench_plot.py - the main table and the scaling as SVGs, from plain strings"""

import math

WIDTH, LEFT, TOP, RIGHT, BOTTOM, LINE = 760, 250, 34, 24, 40, 17
COLOURS = ["#1f6fb4", "#c0392b", "#8fbbe0", "#e59c94", "#555555"]
PANEL, HEIGHT = 380, 320


def svg(width, height, title, lines):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">', f"<title>{title}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>', *lines, "</svg>"]) + "\n"


def save(path, *args):
    with open(path, "w", encoding="utf-8") as f:
        f.write(svg(*args))


def ratios(path, groups, title):
    """groups: {title: [(label, spread, required or None)]}; a logarithmic axis."""
    rows = [row for group in groups.values() for row in group]
    low = min(0.125, *(s["low"] for _, s, _ in rows))
    low, high = math.log2(low), math.log2(max(4, *(s["high"] for _, s, _ in rows)))
    height = round(TOP + BOTTOM + LINE * (len(rows) + 1.3 * len(groups) + 1))

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(value) - low) / (high - low)

    out = []
    for e in range(math.ceil(low), math.floor(high) + 1):
        colour = "#888" if e == 0 else "#e5e5e5"
        out.append(f'<path d="M{x(2.0 ** e):.1f} {TOP}V{height - BOTTOM}" stroke="{colour}"/>'
                   f'<text x="{x(2.0 ** e):.1f}" y="{height - BOTTOM + 16}" '
                   f'text-anchor="middle">{2.0 ** e:g}</text>')
    y = TOP
    for i, (name, group) in enumerate(groups.items()):
        y += LINE * 1.3
        out.append(f'<text x="10" y="{y:.1f}" font-weight="bold">{name}</text>')
        for label, spread, required in group:
            y += LINE
            colour = COLOURS[i % len(COLOURS)]
            out.append(f'<text x="{LEFT - 8}" y="{y:.1f}" text-anchor="end">{label}</text>'
                       f'<path d="M{x(spread["low"]):.1f} {y - 4:.1f}H{x(spread["high"]):.1f}" '
                       f'stroke="{colour}" stroke-width="2"/>'
                       f'<circle cx="{x(spread["median"]):.1f}" cy="{y - 4:.1f}" r="3.5" '
                       f'fill="{colour}"/>')
            if required:
                out.append(f'<path d="M{x(required):.1f} {y - 10:.1f}v12" stroke="#000" '
                           'stroke-width="2"/>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="{height - 8}" text-anchor="end">rate of the mount '
               'over that of the other; the line is the middle half, | what is required</text>')
    save(path, WIDTH, height, title, out)


class Axis:
    def __init__(self, values, start, length, up):
        self.least, self.most = math.log10(min(values)), math.log10(max(values))
        if self.most - self.least < 0.5:
            self.least, self.most = self.least - 0.3, self.most + 0.3
        self.start, self.length, self.up = start, length, up

    def at(self, value):
        share = (math.log10(value) - self.least) / (self.most - self.least)
        return self.start + self.length * (1 - share if self.up else share)

    def ticks(self):
        """The decades; what lies between, too, where there are few."""
        between = (1,) if self.most - self.least > 1.5 else (1, 2, 5)
        all_of = [k * 10.0 ** e for e in range(math.floor(self.least), math.ceil(self.most) + 1)
                  for k in between]
        return [v for v in all_of if self.least <= math.log10(v) <= self.most]


def panel(left, title, across, series, ticks=None):
    """series: {name: [(x, y)]}, both axes logarithmic; ticks: [(x, label)]."""
    points = [p for line in series.values() for p in line]
    x = Axis([p[0] for p in points], left + 60, PANEL - 84, False)
    y = Axis([p[1] for p in points], 34, HEIGHT - 130, True)
    out = [f'<text x="{left + PANEL / 2:.0f}" y="18" text-anchor="middle" '
           f'font-weight="bold">{title}</text>']
    for v in y.ticks():
        out.append(f'<path d="M{left + 60} {y.at(v):.1f}h{PANEL - 84}" stroke="#ddd"/>'
                   f'<text x="{left + 54}" y="{y.at(v) + 4:.1f}" text-anchor="end">{v:g}</text>')
    for v, label in ticks or [(v, f"{v:,.0f}") for v in x.ticks()]:
        out.append(f'<text x="{x.at(v):.1f}" y="{HEIGHT - 80}" '
                   f'text-anchor="middle">{label}</text>')
    out.append(f'<text x="{left + PANEL / 2:.0f}" y="{HEIGHT - 64}" '
               f'text-anchor="middle">{across}</text>')
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        dots = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in line)
        out.append(f'<polyline points="{dots}" fill="none" stroke="{colour}"/>')
        out += [f'<circle cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="3" fill="{colour}"/>'
                for a, b in line]
        at_x, at_y = left + 60 + 160 * (i % 2), HEIGHT - 44 + 16 * (i // 2)
        out.append(f'<circle cx="{at_x}" cy="{at_y - 4}" r="4" fill="{colour}"/>'
                   f'<text x="{at_x + 9}" y="{at_y}">{name}</text>')
    return out


def panels(path, wanted, title):
    """wanted: arguments of panel, without left, from left to right."""
    out = []
    for i, arguments in enumerate(wanted):
        out += panel(i * PANEL, *arguments)
    save(path, PANEL * len(wanted), HEIGHT, title, out)
