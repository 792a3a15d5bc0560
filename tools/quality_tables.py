"""quality_tables.py - the tables of docs/quality.md, from what was judged

A row is {text: {"bits": b/v, task: {"kld", "median", "p99", "dnll", "top1"},
"errors": {"K", "V": per layer}}}.
"""

import math
import os
import subprocess
import sys

import numpy as np

import quality_klt
from measure_profile import geomean
from quality_fit import fit, miss, spearman
from quality_plot import plot

TASKS = ("continuation", "recall")
OTHERS = {"q8_0": "q8_0", "q5_0": "q5_0", "q4_0": "q4_0",
          "q4_0-had": "q4_0 + Hadamard", "kivi4": "KIVI-4, last 128 exact",
          "kivi2": "KIVI-2, last 128 exact", "cachegen": "CacheGen-like",
          "cachegen:2": "CacheGen-like, steps doubled"}
WINDOWS = {"window:0.5": "oldest half dropped", "window:0.25": "oldest 3/4 dropped"}
WINDOW_STEPS = (0.5, 1.08)  # of ours
LAYERS = ("head", "base", "refine1", "refine2", "exact")

GOALS = ((0.0002, 5.35), (0.0045, 3.0), (0.03, 1.95), (0.09, 1.5))
EXACT_GOALS = {"f16": 13.35, "bf16": 10.35}
PENALTY_GOAL = 0.12


def say(what):
    print(f"quality: {what}", file=sys.stderr)


def mean(row, task, figure):
    """Over the texts: geometric for what is never negative."""
    xs = [text[task][figure] for text in row.values()]
    return geomean(xs) if figure in ("kld", "median", "p99") else sum(xs) / len(xs)


def bits_of(row):
    return geomean([text["bits"] for text in row.values()])


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return "\n".join([line(*head), "|" + "---|" * len(head), *(line(*r) for r in rows)])


def figures(label, row):
    cells = [label, f"{bits_of(row):.2f}"]
    for task in TASKS:
        cells += [f"{mean(row, task, 'kld'):.2g}", f"{mean(row, task, 'median'):.2g}",
                  f"{mean(row, task, 'p99'):.2g}", f"{mean(row, task, 'dnll'):+.3f}",
                  f"{mean(row, task, 'top1'):.3f}"]
    return cells


HEAD = ["codec", "b/v", "KLD", "median", "p99", "dNLL", "top-1",
        "recall: KLD", "median", "p99", "dNLL", "top-1"]


def crossing(points, kld):
    """Bits where the line through (bits, KLD), logarithmic, reaches a KLD."""
    points = sorted(points)
    for (b0, k0), (b1, k1) in zip(points, points[1:]):
        if k0 >= kld >= k1:
            share = (math.log(k0) - math.log(kld)) / (math.log(k0) - math.log(k1))
            return b0 + share * (b1 - b0)
    return None


def front(points):
    """Those that no other beats in both."""
    best, least = [], float("inf")
    for bits, kld in sorted(points):
        if kld < least:
            best.append((bits, kld))
            least = kld
    return best


def bits_at(rows, kld, task="continuation"):
    points = [(bits_of(row), mean(row, task, "kld")) for row in rows.values()]
    return crossing(front(points), kld)


def shown(bits):
    return "beyond the rows" if bits is None else f"{bits:.2f}"


class Report:
    """The sections of docs/quality.md, by the name of their marker."""

    def __init__(self, q, quick):
        self.q, self.steps, self.quick = q, q.steps, quick
        others = {s: OTHERS[s] for s in (("q4_0", "kivi2") if quick else OTHERS)}
        say("others")
        self.others = {label: q.other(s) for s, label in others.items()}
        self.sinks = {label: q.other(s + "+sinks") for s, label in others.items()}
        self.windows = {label: q.other(s) for s, label in WINDOWS.items()}
        say("ours")
        self.plain = q.ours(False)
        self.profiled = q.ours(True)
        self.dropped = {step: q.rungs(step, True, ["window"])["window"]
                        for step in WINDOW_STEPS}

    def sections(self):
        exact, bits = self.exact_table()
        found = {"ours": self.ours_table(), "others": self.others_table(), "equal": self.equal_table(),
                 "profile": self.profile_table(), "exact": exact,
                 "wide": wide_table(self.q),
                 "texts": self.texts_table(), "curve": fit_table(self),
                 "where": where_table(self.q), "coder": coder_text(self.q)}
        if not self.quick:
            found["goals"] = goals_table(self, bits, self.penalties())
            say("bets")
            found["klt"] = klt_table(self)
            found["bf16"] = bf16_table(self)
        return found

    def others_table(self):
        rows = [figures(label, row) for label, row in self.others.items()]
        rows += [figures(label + ", first 4 exact", row)
                 for label, row in self.sinks.items()]
        rows += [figures(label + ", first 4 exact", row)
                 for label, row in self.windows.items()]
        return table(HEAD, rows)

    def equal_table(self):
        """What our rungs take for the quality of each of the others."""
        rows = []
        for label, row in self.sinks.items():
            cells = [label, f"{bits_of(row):.2f}"]
            for task in TASKS:
                kld = mean(row, task, "kld")
                cells += [f"{kld:.2g}", shown(bits_at(self.profiled, kld, task))]
            rows.append(cells)
        return table(["first 4 exact", "b/v", "KLD", "ours there", "recall: KLD",
                      "ours there"], rows)

    def ours_table(self):
        rows = []
        for layer in ("head", "base", "refine1", "refine2"):
            for step in self.steps[layer]:
                for label, found in (("", self.plain), (", **profile**", self.profiled)):
                    rows.append(figures(f"{layer}, step {step:g}{label}",
                                        found[layer, step]))
        for step, row in self.dropped.items():
            rows.append(figures(f"window: half dropped, base, step {step:g}, **profile**", row))
        return table(HEAD, rows)

    def texts_table(self):
        """The spread behind the means."""
        rows = []
        for label, row in (*((k + ", first 4 exact", v) for k, v in self.sinks.items()),
                           *((f"{l}, step {s:g}, profile", r)
                             for (l, s), r in self.profiled.items())):
            rows.append([label, *(f"{row[n][t]['kld']:.2g}" for t in TASKS
                                  for n in self.q.names)])
        return table(["codec", *self.q.names, *(f"recall: {n}" for n in self.q.names)],
                     rows)

    def profile_table(self):
        """Bits with and without at equal damage."""
        rows = []
        for kld in (0.0002, 0.002, 0.0045, 0.03, 0.09):
            for task in TASKS:
                plain = bits_at(self.plain, kld, task)
                profiled = bits_at(self.profiled, kld, task)
                saved = f"{plain - profiled:+.2f}" if plain and profiled else ""
                rows.append([f"{kld:g}, {task}", shown(plain), shown(profiled), saved])
        return table(["KLD", "all layers alike, b/v", "profile, b/v", "saved"], rows)

    def bits_only(self, dtype, step):
        """Mean bits of a packing, by layer; errors are the recorded ones."""
        rows = []
        for name in self.q.names:
            packed, bits = self.q.pack(name, dtype, step, False, LAYERS)
            os.unlink(packed)
            rows.append(bits)
        return {layer: sum(r[layer] for r in rows) / len(rows) for layer in LAYERS}

    def exact_table(self):
        """(table, {dtype: best b/v}, penalties)."""
        rows, best = [], {}
        for dtype in EXACT_GOALS:
            for step in (0.25, 0.5, 1.08, 2.0):
                bits = self.bits_only(dtype, step)
                rows.append([dtype, f"{step:g}", *(f"{bits[l]:.2f}" for l in LAYERS)])
                if step == 1.08:
                    best[dtype] = bits["exact"]
        return table(["type", "step", *LAYERS], rows), best

    def penalties(self):
        """b/v of base + refine1 (+ refine2) above base alone at equal error.

        Base alone does not go as fine as refine2: from step 0.28 on it is
        continued by one bit per halving of the step.
        """
        above = {"refine1": [], "refine2": []}
        for name in self.q.names:
            alone = [self.q.depth(name, step, "base") for step in (0.46, 0.36, 0.28)]
            finest, depths = alone[-1], [depth for _, depth in alone]
            for layer, found in above.items():
                bits, depth = self.q.depth(name, 1.08, layer)
                one = (np.interp(depth, depths, [b for b, _ in alone]) +
                       max(0, depth - finest[1]))
                found.append(bits - one)
        return {layer: float(np.mean(found)) for layer, found in above.items()}

    def figure(self, path):
        def points(found, label):
            return [(bits_of(r), mean(r, "continuation", "kld"), label(k))
                    for k, r in found.items() if k[0] != "head"]
        plot(path, {
            "ours, with a profile": points(self.profiled, lambda k: ""),
            "ours, all layers alike": points(self.plain, lambda k: ""),
            "others, first 4 exact": points(self.sinks, lambda k: k.split(",")[0]),
            "others": points(self.others, lambda k: ""),
        }, "KLD against bits per value, geometric mean of four texts")


def fit_rows(report, weighted):
    """[(text, eK, eV, {task: KLD})] of all rows with exact sinks."""
    q, rows = report.q, []
    for found in (report.sinks, report.plain, report.profiled):
        for key, row in found.items():
            if key == ("head", 1.08):
                continue
            for name in q.names:
                errors = row[name]["errors"]
                if weighted:
                    ek, ev = row[name]["weighted"]
                else:
                    ek, ev = (sum(errors[r]) / len(errors[r]) for r in "KV")
                rows.append((name, ek, ev, {t: row[name][t]["kld"] for t in TASKS}))
    return rows


def fit_table(report):
    rows = []
    for label, weighted in (("mean over the layers", False), ("profile's weights", True)):
        data = fit_rows(report, weighted)
        for task in TASKS:
            points = [(n, (ek, ev, max(kld[task], 1e-7))) for n, ek, ev, kld in data]
            all_of = fit([p for _, p in points])
            out, bias = [], []
            for name in report.q.names:
                held = [p for n, p in points if n == name]
                b, rms = miss(fit([p for n, p in points if n != name]), held)
                out.append(rms)
                bias.append(f"{b:.2f}")
            a, p, b, v = all_of
            said = [a * x ** p + b * y ** v for _, (x, y, _) in points]
            rows.append([f"{label}, {task}",
                         f"{a:.2f} eK^{p:.2f} + {b:.2f} eV^{v:.2f}",
                         f"{spearman(said, [p[2] for _, p in points]):.3f}",
                         f"x{miss(all_of, [p for _, p in points])[1]:.2f}",
                         f"x{geomean(out):.2f}", " ".join(bias)])
    return table(["errors", "KLD, nats", "Spearman", "rms", "left-out text: rms",
                  "bias of each"], rows)


def goals_table(report, exact, penalties):
    rows = []
    for kld, goal in GOALS:
        got = bits_at(report.profiled, kld)
        alike = bits_at(report.plain, kld)
        rows.append([f"KLD <= {kld:g}", f"{goal:g}", shown(got),
                     "yes" if got and got <= goal else "**no**",
                     f"without a profile {shown(alike)}; recall "
                     f"{shown(bits_at(report.profiled, kld, 'recall'))}"])
    for dtype, goal in EXACT_GOALS.items():
        rows.append([f"bit-exact {dtype}", f"{goal:g}", f"{exact[dtype]:.2f}",
                     "yes" if exact[dtype] <= goal else "**no**", "base step 1.08"])
    for layer, got in penalties.items():
        rows.append([f"base to {layer}, above one quantiser", f"{PENALTY_GOAL:g}",
                     f"{got:.2f}", "yes" if got <= PENALTY_GOAL else "**no**", ""])
    return table(["figure", "required, b/v", "reached", "", ""], rows)


def wide_table(q):
    """f32, bit-exact: as the model makes it, and 16 bits in the place of 32."""
    rows = []
    for label, dtype in (("f32", "f32"), ("f16, as f32", "f16"), ("bf16, as f32", "bf16")):
        zstd, ours, speed = [], [], []
        for text in q.texts.values():
            found = q.wide(text, dtype)
            zstd.append(found["zstd -1"]["bits"])
            ours.append(found["split32"]["bits"])
            speed.append(found["split32"]["decode_gb_s"] / found["zstd -1"]["decode_gb_s"])
        rows.append([label, f"{geomean(zstd):.2f}", f"{geomean(ours):.2f}",
                     f"{100 * (1 - geomean(ours) / geomean(zstd)):.1f} %",
                     f"x{geomean(speed):.1f}"])
    return table(["values", "zstd -1", "split32", "saved", "decoding, of zstd's speed"], rows)


def bf16_table(report):
    steps = {layer: (1.08,) for layer in ("base", "refine1", "refine2")}
    rows = report.q.ours(True, "bf16", steps)
    return table(HEAD, [figures(f"{layer}, step {step:g}, profile", row)
                        for (layer, step), row in rows.items()])


def where_table(q):
    """What an error in each layer costs, and what the steps become."""
    p = q.profile(q.names)
    rows = []
    for layer in range(p.n_layers):
        keys = [(role, layer) for role in "KV"]
        rows.append([str(layer),
                     *(f"{p.w[k]:.4f}" for k in keys),
                     *(f"{p.step[k]:.2f}" for k in keys),
                     *(" ".join(f"{q.w[n][k]:.4f}" for n in q.names) for k in keys)])
    return table(["layer", "K", "V", "step of K, times", "of V",
                  "K, each text", "V, each text"], rows)


def klt_table(report):
    """The KLT against the grid, both with the other texts' profile."""
    found = quality_klt.rows(report.q)
    rows = []
    for step, row in found.items():
        cells = [f"KLT, step {step:g}", f"{bits_of(row):.2f}"]
        for task in TASKS:
            kld = mean(row, task, "kld")
            ours = bits_at(report.profiled, kld, task)
            cells += [f"{kld:.2g}", shown(ours),
                      f"{ours - bits_of(row):+.2f}" if ours else ""]
        rows.append(cells)
    return table(["", "b/v, ideal coder", "KLD", "grid there, real bytes", "saved",
                  "recall: KLD", "grid there", "saved"], rows)


def coder_text(q):
    """What bench_entropy prints, of all texts."""
    program = os.path.join(os.path.dirname(q.tool), "../tests/bench/bench_entropy")
    files, out = [q.judged.kv(t) for t in q.texts.values()], []
    for step in ("0.5", "1.08", "2"):
        got = subprocess.run([program, "-s", step, *files], capture_output=True,
                             text=True, check=True)
        out.append(f"step {step}\n{got.stdout}")
    return "```\n" + "\n".join(out).strip() + "\n```"
