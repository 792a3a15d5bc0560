"""headline_report.py - the tables and the plot of the experiment"""

from headline_contexts import TASKS
from headline_plot import plot

PAPER = 1.43  # delay at equal quality, against the best static baseline
SLIGHT = 1e-3  # nats that top-1 hardly shows: where exactness is not the point


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return "\n".join([line(*head), "|" + "---|" * len(head), *(line(*r) for r in rows)])


def speed(device):
    if not device:
        return "as it is"
    return f"{device / 1e9:g} GB/s" if device >= 1e9 else f"{device / 1e6:g} MB/s"


def ms(seconds):
    return "-" if seconds is None else f"{seconds * 1e3:.1f}"


def nats(kld):
    return "-" if kld is None else "0" if not kld else f"{kld:.2g}"


def front(points):
    """The lower left of (delay, kld), convex: what a mixture of ours reaches."""
    hull = []
    for d, k in sorted(set(points)):
        if hull and k >= hull[-1][1]:
            continue
        while len(hull) > 1 and ((hull[-1][0] - hull[-2][0]) * (k - hull[-2][1]) <=
                                 (hull[-1][1] - hull[-2][1]) * (d - hull[-2][0])):
            hull.pop()
        hull.append((d, k))
    return hull


def delay_at(hull, kld):
    """Least delay at no more damage than kld; None: ours has no such point."""
    if kld >= hull[0][1]:
        return hull[0][0]
    for (d0, k0), (d1, k1) in zip(hull, hull[1:]):
        if k0 >= kld >= k1:
            return d1 if k0 == k1 else d0 + (d1 - d0) * (k0 - kld) / (k0 - k1)
    return None


def kld_at(hull, delay):
    """Least damage at no more delay."""
    if delay < hull[0][0]:
        return None
    for (d0, k0), (d1, k1) in zip(hull, hull[1:]):
        if d0 <= delay <= d1:
            return k0 + (k1 - k0) * (delay - d0) / (d1 - d0)
    return hull[-1][1]


def by_means(rows):
    """The same rows, every hit at its own time, whatever disturbed it."""
    return [r | {"delay": r["delay"] + (r["mean"] - r["load"]) * (1 - r["miss"])}
            for r in rows]


def of_ours(rows):
    return front([(r["delay"], r["kld"]) for r in rows if r["group"] == "ours"])


def plane_table(rows):
    found = []
    for r in rows:
        s = r["stats"]
        found.append([r["name"], ms(r["delay"]), nats(r["kld"]), f"{100 * r['top1']:.1f}",
                      f"{100 * r['miss']:.0f}", ms(r["load"]),
                      ms(r["mean"]),
                      *(f"{s[k]:.0f}" for k in ("hits_plain", "hits_packed",
                                                "hits_backing"))])
    return table(["", "delay, ms", "KLD", "top-1, %", "misses, %", "a hit, ms", "mean",
                  "plain", "packed in DRAM", "SSD"], found)


def equal_table(rows):
    hull, found = of_ours(rows), []
    for r in rows:
        if r["group"] == "ours":
            continue
        delay, kld = delay_at(hull, r["kld"]), kld_at(hull, r["delay"])
        ratio = "-" if delay is None else f"**{r['delay'] / delay:.2f}**"
        found.append([r["name"], ms(r["delay"]), nats(r["kld"]), ms(delay), ratio, nats(kld)])
    return table(["baseline", "its delay, ms", "its KLD", "ours at that KLD, ms", "ratio",
                  "our KLD at that delay"], found)


def best_ratio(rows, groups, least_kld):
    """(ratio, name) of the hardest baseline of the groups: the least of all."""
    hull = of_ours(rows)
    return min((r["delay"] / (delay_at(hull, max(r["kld"], least_kld)) or float("inf")),
                r["name"]) for r in rows if r["group"] in groups)


def task_table(rows):
    found = []
    for r in rows:
        cells = [r["name"]]
        for task in TASKS:
            xs = r["tasks"].get(task, [])
            if not xs:
                cells += ["-", "-"]
                continue
            cells += [nats(sum(x[1] for x in xs) / len(xs)),
                      f"{100 * sum(x[2] for x in xs) / len(xs):.1f}"]
        found.append(cells)
    return table(["hits alone"] + [f"{t}: {w}" for t in TASKS for w in ("KLD", "top-1, %")],
                 found)


def verdict(rows):
    """Those that decode here as we do, and those that need not."""
    kinds = (("one lossy rate for all, decoded here", ("one rung",), 0),
             ("nothing lost, nor by ours", ("exact",), 0),
             (f"nothing lost, ours {SLIGHT:g} nats", ("exact",), SLIGHT),
             ("others' rates, decoded nowhere", ("others",), 0))
    out = []
    for device, found in rows.items():
        for label, groups, least in kinds:
            if not any(r["group"] in groups for r in found):
                continue
            ratio, name = best_ratio(found, groups, least)
            mean, its_name = best_ratio(by_means(found), groups, least)
            out.append([speed(device), label, name, f"**{ratio:.2f}**",
                        "reached" if ratio >= PAPER else "not reached",
                        f"{mean:.2f} ({its_name})"])
    return table(["backing", "baselines", "hardest of them", "its delay / ours",
                  f"the paper's {PAPER}", "by plain means"], out)


def report(rows, svg):
    """{marker: text}; svg: where the plot goes, or None."""
    sections = {"verdict": verdict(rows)}
    sections["equal"] = "\n\n".join(
        f"Backing {speed(device)}:\n\n{equal_table(found)}" for device, found in rows.items())
    sections["plane"] = "\n\n".join(
        f"Backing {speed(device)}:\n\n{plane_table(found)}" for device, found in rows.items())
    first = next(iter(rows.values()))
    sections["tasks"] = task_table(first)
    if svg:
        plot(svg, [(r["name"], r["group"], r["delay"], r["kld"]) for r in first],
             of_ours(first), f"delay against damage, backing {speed(next(iter(rows)))}")
    return sections
