#!/usr/bin/env python3
"""measure_profile.py - measures a model's profile (codec/profile.h)

usage: measure_profile.py PROFILE TEXT... [--model GGUF] [--cache FOLDER]

Makes each TEXT's cache (1,024 tokens; 1,152 and more are needed), spoils K or V
of one layer at a time, and notes the KLD that this causes per unit of
relative error, w: the geometric mean of continuing and recalling, and of the
texts.  Steps are (w / mean of w)^-1/3, and K's channels have shifts by what
the model's queries have in them (channels.py).  Then spoils K alone and V alone, at
three rates, for the curve from error to damage.  About 4 minutes a text.
"""

import argparse
import math

import numpy as np

from channels import channel_weights, shifts
from judge import ModelError, cache_folder
from judged import Judged
from kvfile import KvFile

STEP = 1.08           # how much, in rms deviations
RATES = (0.5, 1, 1.7)
POWER = -1 / 3        # with theory's 1/2 some steps leave the range where w holds
SINKS = 4             # tokens that are never spoilt


def geomean(xs):
    return math.exp(sum(math.log(max(x, 1e-9)) for x in xs) / len(xs))


def relative_error(x, y, times):
    """As a container records it: a channel's error counts over times^2."""
    return float((((y - x) / times) ** 2).mean() / ((x - x.mean(0)) ** 2).mean())


def spoil(kv, key, step, times):
    """Quantises one tensor, its channels by step * times; its relative error."""
    x = kv.get(key)
    rest = x[SINKS:]
    mean = rest.mean(0)
    unit = step * times * math.sqrt(((rest - mean) ** 2).mean())
    y = np.rint((rest - mean) / unit) * unit + mean
    kv.put(key, np.concatenate([x[:SINKS], y]))
    return relative_error(rest, y, times)


def nats(verdict):
    return geomean([verdict[task]["kld"] for task in ("continuation", "recall")])


def channel_times(shift, key):
    """What each channel's step is multiplied by."""
    role, layer = key
    return 2.0 ** shift[layer] if role == "K" and shift is not None else 1.0


def sensitivities(judged, text):
    """{(role, layer): nats per unit of relative error}, of one text."""
    original, weights = judged.kv(text), channel_weights(judged, text)
    shift = None if weights is None else shifts([weights])
    found = {}
    for role in "KV":
        for layer in range(KvFile(original).n_layers):
            kv, key = KvFile(original), (role, layer)
            error = spoil(kv, key, STEP, channel_times(shift, key))
            found[key] = nats(judged.verdict_of(text, original, kv)) / error
    return found


class Profile:
    def __init__(self, per_text, channels, k_cols, v_cols):
        """Of one text or more what sensitivities() and channel_weights() gave."""
        keys = list(per_text[0])
        known = all(c is not None for c in channels)
        self.shift = shifts(channels) if known else None
        self.w = {key: geomean([w[key] for w in per_text]) for key in keys}
        step = {key: w ** POWER for key, w in self.w.items()}
        # a step means about as many bits with a profile as without
        middle = geomean([step[key] * geomean(np.ravel(self.times(key)))
                          for key in keys])
        self.step = {key: s / middle for key, s in step.items()}
        self.n_layers, self.k_cols, self.v_cols = len(keys) // 2, k_cols, v_cols
        mean = {role: np.mean([self.w[role, l] for l in range(self.n_layers)])
                for role in "KV"}
        self.weight = {key: w / mean[key[0]] for key, w in self.w.items()}
        self.damage = (0.35, 1, 0.11, 1)

    def times(self, key):
        return channel_times(self.shift, key)

    def shift_bytes(self):
        return b"" if self.shift is None else self.shift.tobytes()

    def errors(self, original, lossy):
        """{role: per layer, the relative error as a container records it}"""
        found = {"K": [], "V": []}
        for key in original.tensors():
            found[key[0]].append(relative_error(
                original.get(key)[SINKS:], lossy.get(key)[SINKS:], self.times(key)))
        return found

    def weighted(self, errors):
        """The mean of a role's errors by layer, weighted: (eK, eV)."""
        return tuple(float(np.mean([self.weight[role, l] * e
                                    for l, e in enumerate(errors[role])]))
                     for role in "KV")

    def text(self, *comments):
        lines = ["adaptcache-profile 2", *(f"# {c}" for c in comments),
                 f"model {self.n_layers} {self.k_cols} {self.v_cols}",
                 "damage " + " ".join(f"{x:.3g}" for x in self.damage)]
        for l in range(self.n_layers):
            k, v = ("K", l), ("V", l)
            lines.append(f"layer {l} k {self.step[k]:.3f} {self.weight[k]:.3f} "
                         f"v {self.step[v]:.3f} {self.weight[v]:.3f}")
        if self.shift is not None:
            lines += [f"shifts {l} " + "".join(str(s + 2) for s in row)
                      for l, row in enumerate(self.shift)]
        return "\n".join(lines) + "\n"

    def write(self, path, *comments):
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.text(*comments))


def power_law(points):
    """(gain, power) of y = gain * x^power through the points, in logarithms."""
    x, y = np.log(np.array(points)).T
    power, gain = np.polyfit(x, y, 1)
    return float(np.exp(gain)), float(power)


def damage(judged, texts, profile):
    """(K gain, K power, V gain, V power) of the continuation's KLD."""
    constants = []
    for role in "KV":
        points = []
        for text in texts:
            original = judged.kv(text)
            for rate in RATES:
                kv, errors = KvFile(original), {"K": [0.0], "V": [0.0]}
                errors[role] = [spoil(kv, (role, l), rate * profile.step[role, l],
                                      profile.times((role, l)))
                                for l in range(profile.n_layers)]
                verdict = judged.verdict_of(text, original, kv)
                points.append((profile.weighted(errors)["KV".index(role)],
                               verdict["continuation"]["kld"]))
        constants += power_law(points)
    return tuple(constants)


def columns(judged, text):
    kv = KvFile(judged.kv(text))
    return tuple(kv.view((role, 0)).shape[1] for role in "KV")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("profile")
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--model")
    parser.add_argument("--cache", default=cache_folder())
    args = parser.parse_args()
    judged = Judged(args.cache, args.model)
    profile = Profile([sensitivities(judged, text) for text in args.texts],
                      [channel_weights(judged, text) for text in args.texts],
                      *columns(judged, args.texts[0]))
    profile.damage = damage(judged, args.texts, profile)
    profile.write(args.profile, f"{judged.model_name}, measured on "
                  f"{len(args.texts)} texts by tools/measure_profile.py")


if __name__ == "__main__":
    try:
        main()
    except ModelError as e:
        raise SystemExit(f"measure_profile: {e}")
