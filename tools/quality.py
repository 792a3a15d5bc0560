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
from channels import channel_weights
from judged import Judged, digest, read
from kvfile import KvFile
from measure_profile import Profile, columns, damage, sensitivities
import quality_tables

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ("prose", "code", "chat", "list")

# Base steps of the rungs that are judged.
STEPS = {"base": (0.25, 0.36, 0.42, 0.5, 0.75, 1.08, 1.5, 2.0),
         "refine1": (0.5, 1.08, 2.0), "refine2": (0.5, 1.08, 2.0), "head": (1.08,)}
QUICK = {"base": (0.5, 1.08), "refine1": (1.08,), "refine2": (1.08,), "head": ()}


class Quality:
    def __init__(self, tool, judged, quick):
        self.tool, self.judged = tool, judged
        self.names = TEXTS[:2] if quick else TEXTS
        self.steps = QUICK if quick else STEPS
        self.texts = {n: os.path.join(HERE, "../tests/texts", n + ".txt")
                      for n in self.names}
        self.w = {n: sensitivities(judged, t) for n, t in self.texts.items()}
        self.channels = {n: channel_weights(judged, t) for n, t in self.texts.items()}
        self.cols = columns(judged, self.texts[self.names[0]])
        self.profiles = {n: self.profile([m for m in self.names if m != n])
                         for n in self.names}
        self.original = {}

    def profile(self, names):
        return Profile([self.w[n] for n in names],
                       [self.channels[n] for n in names], *self.cols)

    def run(self, *words):
        got = subprocess.run([self.tool, *words], capture_output=True, text=True)
        if got.returncode:
            sys.exit(f"quality: {' '.join(words)}: {got.stderr.strip()}")
        return got.stdout

    def pack(self, name, dtype, step, profiled, layers):
        """A container of the text's cache; its path and bits up to each layer."""
        kv = self.judged.kv(self.texts[name], dtype)
        out = self.judged.scratch(".pack")
        words = ["pack", kv, out, "--codec", "grid", "--step", f"{step:g}"]
        if "window" in layers:
            words.append("--window")
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
                for layer in layers}
        return out, bits

    def values(self, kv):
        if kv not in self.original:
            self.original[kv] = KvFile(kv)
        return self.original[kv].values()

    def judge(self, name, kv, lossy, row):
        """Adds what the model says of a copy to the row of its text."""
        verdict = self.judged.verdict(self.texts[name], kv, lossy)
        profile = self.profiles[name]
        by_shift = f"errors {digest(profile.shift_bytes())}"
        if "errors" not in verdict or by_shift not in verdict:
            self.values(kv)
            copy = KvFile(lossy)
            verdict["errors"] = self.original[kv].errors(copy)
            verdict[by_shift] = profile.errors(self.original[kv], copy)
            self.judged.save()
        row[name].update(verdict, weighted=profile.weighted(verdict[by_shift]))

    def depth(self, name, step, layer):
        """(b/v, bits that the error left is worth: the mean of -log2(e) / 2)."""
        kv, out = self.judged.kv(self.texts[name]), self.judged.scratch(".kv")
        packed, bits = self.pack(name, "f16", step, False, (layer,))
        self.run("unpack", packed, out, "--layers", layer)
        self.values(kv)
        errors = self.original[kv].errors(KvFile(out))
        os.unlink(packed)
        os.unlink(out)
        logs = [-math.log2(e) / 2 for role in "KV" for e in errors[role]]
        return bits[layer], sum(logs) / len(logs)

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

    def wide(self, text, dtype):
        """{codec: figures} of the text's cache of this type, in f32."""
        kv, out = self.judged.kv(text, dtype), self.judged.scratch(".kv")
        with open(out, "wb") as f:
            f.write(KvFile(kv).wide())
        found = json.loads(self.run("bench", "codec", out, "--runs", "3", "--json"))
        os.unlink(out)
        return {row["name"]: row for row in found[0]["rows"]}

    def rungs(self, step, profiled, layers, dtype="f16"):
        """{layer: row} of one packing."""
        rows = {layer: {n: {} for n in self.names} for layer in layers}
        for name, text in self.texts.items():
            kv, out = self.judged.kv(text, dtype), self.judged.scratch(".kv")
            packed, bits = self.pack(name, dtype, step, profiled, layers)
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
    report = quality_tables.Report(q, args.quick)
    sections = report.sections()
    if not args.quick:
        report.figure(os.path.join(args.out, "quality.svg"))
        write_sections(os.path.join(args.out, "quality.md"), sections)
        whole = q.profile(q.names)
        whole.damage = damage(judged, list(q.texts.values()), whole)
        whole.write(os.path.join(HERE, "profiles/smollm2-135m-instruct.profile"),
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
