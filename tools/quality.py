#!/usr/bin/env python3
"""quality.py - writes the tables of docs/quality.md, judged by a real model

usage: quality.py ADAPTCACHE [--quick] [--cache FOLDER] [--out FOLDER]

ADAPTCACHE is the built tool.  Makes the caches of tests/texts, applies every
rate of ours and of others to them, and judges what comes back.  FOLDER of --out
(docs) gets quality.svg, and in quality.md the tables between the markers.
--quick judges two texts and fewer rates and writes nothing.
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys

from judge import CONTEXT, FOLLOW, ModelError, cache_folder
from judged import Judged, read
from kvfile import KvFile
from measure_profile import GROUP, Profile, columns, damage, geomean, sensitivities
from quality_fit import fit, miss, spearman
from quality_plot import plot
import quality_klt

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ("prose", "code", "chat", "list")
TASKS = ("continuation", "recall")

OTHERS = {"q8_0": "q8_0", "q5_0": "q5_0", "q4_0": "q4_0",
          "q4_0-had": "q4_0 + Hadamard", "kivi4": "KIVI-4, last 128 exact",
          "kivi2": "KIVI-2, last 128 exact", "cachegen": "CacheGen-like",
          "cachegen:2": "CacheGen-like, steps doubled"}
WINDOWS = {"window:0.5": "oldest half dropped", "window:0.25": "oldest 3/4 dropped"}
LAYERS = ("head", "base", "refine1", "refine2", "exact")

# Base steps of the rungs that are judged.
STEPS = {"base": (0.25, 0.36, 0.5, 0.75, 1.08, 1.5, 2.0),
         "refine1": (0.5, 1.08, 2.0), "refine2": (0.5, 1.08, 2.0), "head": (1.08,)}
QUICK = {"base": (0.5, 1.08), "refine1": (1.08,), "refine2": (1.08,), "head": ()}

GOALS = ((0.0002, 5.35), (0.0045, 3.0), (0.03, 1.95), (0.09, 1.5))
EXACT_GOALS = {"f16": 13.35, "bf16": 10.35}
PENALTY_GOAL = 0.12


class Quality:
    def __init__(self, tool, judged, quick):
        self.tool, self.judged = tool, judged
        self.names = TEXTS[:2] if quick else TEXTS
        self.steps = QUICK if quick else STEPS
        self.texts = {n: os.path.join(HERE, "../tests/texts", n + ".txt")
                      for n in self.names}
        self.w = {n: sensitivities(judged, t) for n, t in self.texts.items()}
        self.cols = columns(judged, self.texts[self.names[0]])
        self.profiles = {n: self.profile([m for m in self.names if m != n])
                         for n in self.names}
        self.original = {}
        self.rows = []  # of the fit: text, weighted, plain errors, KLD per task

    def profile(self, names):
        return Profile([self.w[n] for n in names], *self.cols)

    def run(self, *words):
        got = subprocess.run([self.tool, *words], capture_output=True, text=True)
        if got.returncode:
            sys.exit(f"quality: {' '.join(words)}: {got.stderr.strip()}")
        return got.stdout

    def pack(self, name, dtype, step, profiled):
        """A container of the text's cache; its path and facts."""
        kv = self.judged.kv(self.texts[name], dtype)
        out = self.judged.scratch(".pack")
        words = ["pack", kv, out, "--codec", "grid", "--step", f"{step:g}"]
        if profiled:
            path = self.judged.scratch(".profile")
            self.profiles[name].write(path)
            self.run(*words, "--profile", path)
            os.unlink(path)
        else:
            self.run(*words)
        facts = json.loads(self.run("info", out, "--json"))
        values = self.values(kv)
        bits = {layer: 8 * (facts[f"layer_{layer}_offset"] +
                            facts[f"layer_{layer}_bytes"]) / values
                for layer in LAYERS}
        return out, bits

    def values(self, kv):
        if kv not in self.original:
            self.original[kv] = KvFile(kv)
        return self.original[kv].values()

    def judge(self, name, kv, lossy, row):
        """Adds what the model says of a copy to the row of its text."""
        verdict = self.judged.verdict(self.texts[name], kv, lossy)
        if "errors" not in verdict:
            self.values(kv)
            verdict["errors"] = self.original[kv].errors(KvFile(lossy))
            self.judged.save()
        row[name].update(verdict)

    def other(self, scheme):
        row = {n: {} for n in self.names}
        for name, text in self.texts.items():
            kv, out = self.judged.kv(text), self.judged.scratch(".kv")
            facts = json.loads(self.run("bench", "codec", kv, "--scheme", scheme,
                                        "--write", out, "--head-dim", "64", "--json"))
            row[name]["bits"] = facts["bits"]
            self.judge(name, kv, out, row)
            os.unlink(out)
        return row

    def rungs(self, step, profiled, layers, dtype="f16"):
        """{layer: row} of one packing."""
        rows = {layer: {n: {} for n in self.names} for layer in layers}
        for name, text in self.texts.items():
            kv, out = self.judged.kv(text, dtype), self.judged.scratch(".kv")
            packed, bits = self.pack(name, dtype, step, profiled)
            for layer in layers:
                self.run("unpack", packed, out, "--layers", layer)
                rows[layer][name]["bits"] = bits[layer]
                self.judge(name, kv, out, rows[layer])
            os.unlink(packed)
            os.unlink(out)
        return rows

    def ours(self, profiled, dtype="f16", steps=None):
        """{(layer, step): row}, of all rungs."""
        steps, found = steps or self.steps, {}
        for step in sorted({s for values in steps.values() for s in values}):
            layers = [layer for layer in steps if step in steps[layer]]
            for layer, row in self.rungs(step, profiled, layers, dtype).items():
                found[layer, step] = row
        return found


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

    def __init__(self, q):
        self.q, self.sections = q, {}
        steps = q.steps
        print("others", file=sys.stderr)
        others = OTHERS if q.steps is STEPS else {"q4_0": "q4_0", "kivi2": "KIVI-2"}
        self.others = {label: q.other(s) for s, label in others.items()}
        self.sinks = {label: q.other(s + "+sinks") for s, label in others.items()}
        self.windows = {label: q.other(s) for s, label in WINDOWS.items()}
        print("ours", file=sys.stderr)
        self.plain = q.ours(False)
        self.profiled = q.ours(True)
        self.steps = steps

    def others_table(self):
        rows = [figures(label, row) for label, row in self.others.items()]
        rows += [figures(label + ", first 4 exact", row)
                 for label, row in self.sinks.items()]
        rows += [figures(label + ", first 4 exact", row)
                 for label, row in self.windows.items()]
        return table(HEAD, rows)

    def ours_table(self):
        rows = []
        for layer in ("head", "base", "refine1", "refine2"):
            for step in self.steps[layer]:
                for label, found in (("", self.plain), (", **profile**", self.profiled)):
                    rows.append(figures(f"{layer}, step {step:g}{label}",
                                        found[layer, step]))
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
            packed, bits = self.q.pack(name, dtype, step, False)
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
        """b/v of base + refine1 (+ refine2) above base alone at that step."""
        found = {}
        coarse = self.bits_only("f16", 1.08)
        # refine1's step is a third; refine2's the ninth or twelfth part, as the
        # steps that a tile can have fall: about the tenth
        for layer, step in (("refine1", 0.36), ("refine2", 0.1085)):
            found[layer] = coarse[layer] - self.bits_only("f16", step)["base"]
        return found


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
                    ek, ev = q.profiles[name].weighted(errors)
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


def figure(report, path):
    def points(found, label):
        return [(bits_of(r), mean(r, "continuation", "kld"), label(k))
                for k, r in found.items() if k[0] != "head"]
    plot(path, {
        "ours, with a profile": points(report.profiled, lambda k: ""),
        "ours, all layers alike": points(report.plain, lambda k: ""),
        "others, first 4 exact": points(report.sinks, lambda k: k.split(",")[0]),
        "others": points(report.others, lambda k: ""),
    }, "KLD against bits per value, geometric mean of four texts")


def bf16_table(report):
    steps = {layer: (1.08,) for layer in ("base", "refine1", "refine2")}
    rows = report.q.ours(True, "bf16", steps)
    return table(HEAD, [figures(f"{layer}, step {step:g}, profile", row)
                        for (layer, step), row in rows.items()])


def where_table(q):
    """What an error in each group of layers costs, and what the steps become."""
    p = q.profile(q.names)
    rows = []
    for first in range(0, p.n_layers, GROUP):
        keys = [(role, first) for role in "KV"]
        rows.append([f"{first}-{min(p.n_layers, first + GROUP) - 1}",
                     *(f"{p.w[k]:.4f}" for k in keys),
                     *(f"{p.step[k]:.2f}" for k in keys),
                     *(" ".join(f"{q.w[n][k]:.4f}" for n in q.names) for k in keys)])
    return table(["layers", "K", "V", "step of K, times", "of V",
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


def write_sections(path, sections):
    """Puts each text between its markers."""
    page = read(path).decode()
    for name, text in sections.items():
        pattern = f"(<!-- {name} -->\n).*?(<!-- end -->)"
        page, n = re.subn(pattern, lambda m, t=text: f"{m[1]}\n{t}\n\n{m[2]}", page,
                          flags=re.S)
        if n != 1:
            sys.exit(f"quality: {path} has no markers for {name}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(page)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("tool")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", default=cache_folder())
    parser.add_argument("--out", default=os.path.join(HERE, "../docs"))
    args = parser.parse_args()

    judged = Judged(args.cache)
    q = Quality(args.tool, judged, args.quick)
    report = Report(q)
    exact_table, exact = report.exact_table()
    sections = {"goals": goals_table(report, exact, report.penalties()),
                "ours": report.ours_table(), "others": report.others_table(),
                "profile": report.profile_table(), "exact": exact_table,
                "texts": report.texts_table(), "curve": fit_table(report)}
    sections["coder"] = coder_text(q)
    if not args.quick:
        sections["where"] = where_table(q)
        sections["klt"] = klt_table(report)
        sections["bf16"] = bf16_table(report)
        figure(report, os.path.join(args.out, "quality.svg"))
        write_sections(os.path.join(args.out, "quality.md"), sections)
        whole = q.profile(q.names)
        whole.damage = damage(judged, list(q.texts.values()), whole)
        whole.write(os.path.join(HERE, "../profiles/smollm2-135m-instruct.profile"),
                    "SmolLM2-135M-Instruct, measured by tools/quality.sh")
    for name, text in sections.items():
        print(f"\n## {name}\n\n{text}")
    print(f"\n{CONTEXT} tokens of context, {FOLLOW} fed; {judged.n_judged} copies "
          "judged now", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except ModelError as e:
        raise SystemExit(f"quality: {e}")
