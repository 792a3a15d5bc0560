"""headline_plot.py - the plane of delay and damage as an SVG, from plain strings"""

import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 460, 62, 20, 24, 44
COLOURS = {"ours": "#1f6fb4", "one rung": "#8fbbe0", "exact": "#555555", "others": "#c0392b"}
LEAST = 1e-4  # what is less damage, or none, is drawn here


def plot(path, points, hull, title):
    """points: (name, group, seconds, kld); hull: (seconds, kld) of ours."""
    most = max(d for _, _, d, _ in points) * 1.08
    high = math.ceil(math.log10(max(2 * LEAST, *(k for _, _, _, k in points))))
    low = math.log10(LEAST)

    def x(seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / most

    def y(kld):
        share = (math.log10(max(kld, LEAST)) - low) / (high - low)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="11">',
           f'<title>{title}</title>',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for e in range(round(low), high + 1):
        label = "none" if e == round(low) else f"{10.0 ** e:g}"
        out.append(f'<path d="M{LEFT} {y(10.0 ** e):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(10.0 ** e) + 4:.1f}" '
                   f'text-anchor="end">{label}</text>')
    step = 10 ** math.floor(math.log10(most)) / 2
    for i in range(int(most / step) + 1):
        at = x(i * step)
        out.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
                   f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" '
                   f'text-anchor="middle">{i * step * 1e3:g}</text>')
    out.append(f'<text x="{x(most / 2):.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
               'mean delay of a request, ms</text>'
               f'<text transform="translate(13 {HEIGHT / 2:.0f}) rotate(-90)" '
               'text-anchor="middle">mean KLD, nats</text>')
    ours = " ".join(f"{x(d):.1f},{y(k):.1f}" for d, k in hull)
    out.append(f'<polyline points="{ours}" fill="none" stroke="{COLOURS["ours"]}"/>')
    for name, group, seconds, kld in points:
        colour = COLOURS[group]
        right = x(seconds) > WIDTH - 170
        label = name.replace(" + LRU", "")
        out.append(f'<circle cx="{x(seconds):.1f}" cy="{y(kld):.1f}" r="3.5" '
                   f'fill="{colour}"/>'
                   f'<text x="{x(seconds) + (-6 if right else 6):.1f}" '
                   f'y="{y(kld) - 5:.1f}" fill="{colour}"'
                   f'{" text-anchor=" + chr(34) + "end" + chr(34) if right else ""}>'
                   f'{label}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n</svg>\n")
