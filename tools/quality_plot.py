"""quality_plot.py - bits against damage as an SVG, from plain strings"""

import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 440, 62, 20, 176, 44
COLOURS = ["#1f6fb4", "#8fbbe0", "#c0392b", "#e59c94"]


def ticks(least, most):
    return [10.0 ** e for e in range(math.floor(math.log10(least)),
                                     math.ceil(math.log10(most)) + 1)]


def plot(path, series, title):
    """series: {name: [(bits, kld, label)]}; the first are drawn as lines."""
    points = [p for group in series.values() for p in group]
    most_bits = max(b for b, _, _ in points) + 0.5
    decades = ticks(min(k for _, k, _ in points), max(k for _, k, _ in points))
    low, high = math.log10(decades[0]), math.log10(decades[-1])

    def x(bits):
        return LEFT + (WIDTH - LEFT - RIGHT) * bits / most_bits

    def y(kld):
        share = (math.log10(kld) - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="11">',
           f'<title>{title}</title>',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for kld in decades:
        out.append(f'<path d="M{LEFT} {y(kld):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(kld) + 4:.1f}" text-anchor="end">'
                   f'{kld:g}</text>')
    for bits in range(0, int(most_bits) + 1):
        out.append(f'<path d="M{x(bits):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
                   f'<text x="{x(bits):.1f}" y="{HEIGHT - BOTTOM + 16}" '
                   f'text-anchor="middle">{bits}</text>')
    out.append(f'<text x="{x(most_bits / 2):.1f}" y="{HEIGHT - 8}" '
               'text-anchor="middle">bits per value, all headers in</text>'
               f'<text transform="translate(13 {HEIGHT / 2:.0f}) rotate(-90)" '
               'text-anchor="middle">KLD, nats</text>')
    for i, (name, group) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        if i < 2:
            line = " ".join(f"{x(b):.1f},{y(k):.1f}" for b, k, _ in sorted(group))
            out.append(f'<polyline points="{line}" fill="none" stroke="{colour}"/>')
        for bits, kld, label in group:
            out.append(f'<circle cx="{x(bits):.1f}" cy="{y(kld):.1f}" r="3.5" '
                       f'fill="{colour}"/>')
            if label:
                out.append(f'<text x="{x(bits) + 6:.1f}" y="{y(kld) - 4:.1f}" '
                           f'fill="{colour}">{label}</text>')
        where = TOP + 16 + 18 * i
        out.append(f'<circle cx="{WIDTH - RIGHT + 14}" cy="{where - 4}" r="4" '
                   f'fill="{colour}"/>'
                   f'<text x="{WIDTH - RIGHT + 24}" y="{where}">{name}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n</svg>\n")
