"""bench_codec.py - the codecs' own speed, without the mount"""

import json
import os
import statistics
import subprocess

import mounted

TOOL = os.path.join(mounted.ROOT, "build/tools/adaptcache")
GB, MIB = 1e9, 1 << 20
# As the mount codes them: bit-exact, and at a floor that allows the coarsest base.
DECODERS = {"exact": "split16", "4-5 b/v": "grid refine2"}
COARSEST_STEP = "2"


def start(paths, *options):
    return subprocess.Popen([TOOL, "bench", "codec", "--json", *options, *paths],
                            stdout=subprocess.PIPE, text=True)


def rows_of(process):
    """What `adaptcache bench codec` says, per file and codec."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit("bench: adaptcache bench codec failed")
    return [{"file": os.path.basename(file["file"]), **row}
            for file in json.loads(said) for row in file["rows"]]


def table(paths, quick):
    return rows_of(start(paths[:1], "--runs", "3") if quick else start(paths))


def decoders(paths):
    """{rate: (MiB/s, bits a value)} of decoders on all processors at once."""
    running = [start(paths, "--step", COARSEST_STEP) for _ in os.sched_getaffinity(0)]
    got = [rows_of(p) for p in running]
    found = {}
    for rate, name in DECODERS.items():
        found[rate] = sum(statistics.median(r["decode_gb_s"] for r in rows if r["name"] == name)
                          for rows in got) * GB / MIB
    return found


def speed(row, way):
    if f"{way}_gb_s" not in row:
        return "- | -"
    return f"{row[f'{way}_gb_s']:.2f} | {row[f'{way}_of_memcpy']:.3f}"


def page(rows):
    out = [
        "## Codecs", "",
        "`adaptcache bench codec`, one thread, without the mount: K and V of the file, in tiles as the",
        "mount cuts them; CPU time, medians; *x memcpy* is the speed as a share of that of memcpy in",
        "the same run.  Bits a value have all heads, scales and tables in; *error* is the mean square",
        "error over the variance within a channel, the first four tokens left out.  *grid* is coded",
        "once and read up to the layer named.  From q8_0 on: reference schemes as the tool has them, in",
        "plain C, so that their bits and errors are theirs and their speed is not; cachegen counts the",
        "bits of an ideal coder.", "",
        "| file | codec | bits a value | K | V | error K | error V | encode GB/s | x memcpy | "
        "decode GB/s | x memcpy |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        out.append("| {file} | {name} | **{bits:.2f}** | {bits_k:.2f} | {bits_v:.2f} | {error_k:.2g} | "
                   "{error_v:.2g} | ".format(**row) +
                   f"{speed(row, 'encode')} | {speed(row, 'decode')} |")
    return out
