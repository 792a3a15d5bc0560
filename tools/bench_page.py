"""bench_page.py - docs/performance.md and its plots, from the figures of one run"""

import os

import bench_codec
import bench_plot
import bench_targets
from bench_rounds import size_name
from bench_table import PLAIN_SIZE, RATES

SECTIONS = [
    ("hot", "Hot", "Read once just before: the mount has a plain copy in DRAM that the kernel reads by "
     "itself (passthrough).\nThe others have theirs in the page cache."),
    ("packed exact", "Packed in DRAM, bit-exact", f"`-o {RATES['exact']}`, which keeps no plain "
     "copies: every read decodes."),
    ("packed 4-5 b/v", "Packed in DRAM, at 4-5 bits a value", f"`-o {RATES['4-5 b/v']}`.  What is "
     "decoded is as large as ever."),
    ("cold", "Cold, bit-exact", "The mount is unmounted, the kernel's caches are dropped, and it is "
     "mounted again; the others are read after the\nsame drop. *O_DIRECT at depth* has that many reads of "
     "a MiB on their way, the files open before. A virtual disk may still be\nserved from its host's memory."),
    ("cold 4-5 b/v", "Cold, at 4-5 bits a value", "As above; the entries are cut to what the rate "
     "needs."),
    ("write", "Write", "*write*: until close returns; the mount holds the bytes in DRAM and packs them "
     "later, the others hold them in the\npage cache. *write and fsync*: the mount has packed, synced "
     "and published when fsync returns. Between two\nmeasurements everything is synced."),
]


def cell(other):
    r = other["ratio"]
    return (f"{other['mib_s']['median']:.0f}: **{r['median']:.2f}** "
            f"({r['low']:.2f} to {r['high']:.2f})")


def section_table(rows):
    names = list(dict.fromkeys(name for row in rows for name in row["against"]))
    out = ["| calls | entries of | threads | entry is | mount | processors: daemon, client |" +
           "".join(f" {name} |" for name in names), "|---" * (6 + len(names)) + "|"]
    for row in rows:
        p = row["processors"]
        out.append(f"| {row['what']} | {size_name(row['entry_bytes'])} | {row['threads']} | "
                   f"{row['tier']} | {row['mount']['median']:.0f} | {p['daemon']:.0%}, "
                   f"{p['reader']:.0%} |" +
                   "".join(f" {cell(row['against'][n])} |" if n in row["against"] else " - |"
                           for n in names))
    return out


def target_table(targets):
    out = ["| | required | reached | | what bounds it |", "|---|---|---|---|---|"]
    for t in targets:
        out.append(f"| {t['name']} | {t['required']} | **{t['reached']}** | "
                   f"{'yes' if t['ok'] else 'NO'} | {t['bound']} |")
    return out


def profiles(targets):
    """Where the daemon's time goes in what misses."""
    out = []
    for t in targets:
        if t["ok"] or not (t["row"] or {}).get("profile"):
            continue
        shares = ", ".join(f"{symbol}{' (kernel)' if where == 'k' else ''} {share}"
                           for share, where, symbol in t["row"]["profile"])
        out.append(f"- {t['name']}: {shares}.")
    if out:
        out = ["", "Shares of the daemon's samples (`perf`), of what misses:", "", *out]
    return out


def share_text(shares):
    named = {"mount": "through the mount", "btrfs": "on btrfs", "squashfs": "in the squashfs image"}
    return ("Of their plain bytes the entries take " +
            ", ".join(f"{share:.1%} {named.get(name, 'at ' + name)}"
                      for name, share in shares.items()) + ".")


def engine_page(got):
    if "absent" in got:
        return ["", "## llama.cpp", "", f"Not measured: {got['absent']}"]
    out = ["", "## llama.cpp", "",
           f"llama.cpp's server, SmolLM2-135M, a prompt of {got['tokens']} tokens, a slot file of "
           f"{got['bytes'] / (1 << 20):.1f} MiB; the\nserver's own clock, the same process for both, "
           "one right after the other.", "",
           "| | mount | tmpfs | ratio | prefill instead | times as long |", "|---|---|---|---|---|---|"]
    for name in ("hot", "cold"):
        r = got[name]
        out.append(f"| restore, {name} | {r['mount_s'] * 1e3:.1f} ms | {r['tmpfs_s'] * 1e3:.1f} ms | "
                   f"**{r['ratio']['median']:.2f}** ({r['ratio']['low']:.2f} to "
                   f"{r['ratio']['high']:.2f}) | {got['prefill_s']:.2f} s | "
                   f"{got['prefill_s'] / r['mount_s']:.0f} |")
    return out + ["", "The cold one against a tmpfs that stays warm."]


def names_page(rows):
    out = ["## Lookups", "",
           "One thread, entries of 4 KiB in one directory, a fresh mount. *First*: the mount meets the "
           "name for the first time;\n*again*: the kernel answers. *list*: `os.scandir`, and stat of "
           "each. *miss*: access. *read*: open, 4 KiB, close. In brackets: tmpfs.", "",
           "| names | stat, first | stat, again | miss, first | miss, again | read, first | "
           "read, again | list |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        cells = [f"{row[k]:,.0f}/s ({row['tmpfs'][k]:,.0f})"
                 for k in ("first_stat", "stat", "first_miss", "miss", "first_read", "read")]
        out.append(f"| {row['names']:,} | " + " | ".join(cells) +
                   f" | {row['list_s']:.3f} s ({row['tmpfs']['list_s']:.3f}) |")
    return out


def scaling_page(result, plot):
    out = ["", *names_page(result["names"]), "", "## Scaling", "", f"![scaling]({plot})", "",
           "Left: what one lookup or read costs as names grow in number. Middle: the rate of one "
           "reader as entries grow in\nsize (MiB/s). Right: one reader of packed entries, by the "
           "daemon's threads (`-o threads=`).", "",
           "| entries of | hot | tmpfs | packed, exact | cold, exact |", "|---|---|---|---|---|"]
    for size, row in result["sizes"].items():
        rates = [row["hot"]["mount"], row["hot"]["against"]["tmpfs"]["mib_s"],
                 row["packed exact"]["mount"], row["cold"]["mount"]]
        out.append(f"| {size_name(size)} | " + " | ".join(f"{r['median']:.0f}" for r in rates) + " |")
    out += ["", "| threads | " + " | ".join(f"packed, {r}" for r in result["threads"]) + " |",
            "|---" * (1 + len(result["threads"])) + "|"]
    for i, n in enumerate(n for n, _ in next(iter(result["threads"].values()))):
        out.append(f"| {n} | " + " | ".join(
            f"{rows[i][1]['mount']['median']:.0f} MiB/s, **"
            f"{rows[i][1]['against']['tmpfs']['ratio']['median']:.2f}** x tmpfs"
            for rows in result["threads"].values()) + " |")
    return out


def command(args):
    return ("tools/bench.sh" + (" --quick" if args.quick else "") + f" --rounds {args.rounds}" +
            (" --profile" if args.profile else "") +
            (f" --names {args.names}" if args.names != args.names_default else "") +
            (" --large" if args.large else "") +
            (f" -o {args.options}" if args.options else "") +
            (" --data " + " ".join(map(os.path.basename, args.data)) if args.data else ""))


def page(result, args):
    targets = bench_targets.targets(result)
    stem = os.path.splitext(os.path.basename(args.out))[0]
    out = [
        "# Performance", "",
        "Written by `tools/bench.sh`; one command measures it again:", "",
        f"    {command(args)}", "",
        "The machine is shared and noisy: compare the ratios, which come from rounds in which all were "
        "measured one right\nafter the other, and look at their spread before believing a difference.",
        "", "## Required and reached", "", *target_table(targets), *profiles(targets), "",
        f"Entries of {size_name(PLAIN_SIZE)}; medians, and where the middle half of the ratios lies.",
        "", "## Machine and data", "",
        "| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in result["machine"]), "",
        f"Data: {result['source']}, the tokens cut off or come around again to make entries of the "
        "size wanted; each thread has\nfiles of its own. Mount options: " +
        (f"`{args.options}`." if args.options else "the defaults.") +
        f" {share_text(result['shares'])}", "",
        *(f"Not measured: {name}: {why}\n" for name, why in result["absent"].items()),
        "## Through the mount", "", f"![ratios]({stem}.svg)", "",
        "MiB of plain bytes a second, medians; of each of the others its rate, then the mount's over "
        f"it: the median of {args.rounds}\nrounds, in brackets the middle half. Calls are of 1 MiB; "
        "open and close are timed, too. *processors*: the share of all\nof them that the daemon's "
        "threads and the measuring process took.",
    ]
    for section, title, text in SECTIONS:
        rows = sorted((r for r in result["rows"] if r["section"] == section),
                      key=lambda r: r["entry_bytes"])
        if rows:
            out += ["", f"### {title}", "", text, "", *section_table(rows)]
    decoders = ", ".join(f"{rate:.0f} MiB/s {name}" for name, rate in result["decoder"].items())
    out += ["", f"The decoders alone, all processors at once, by processor time: {decoders}.",
            *engine_page(result["engine"]),
            *scaling_page(result, f"{stem}-scaling.svg"), "",
            *bench_codec.page(result["codecs"])]
    return "\n".join(out) + "\n", targets


def plot_groups(result, targets):
    required = {id(t["row"]): t for t in targets}
    groups = {}
    for section, title, _ in SECTIONS:
        for row in sorted((r for r in result["rows"] if r["section"] == section),
                          key=lambda r: r["entry_bytes"]):
            reference = "tmpfs" if "tmpfs" in row["against"] else next(iter(row["against"]))
            t = required.get(id(row))
            least = t["least"] if t else None
            label = f"{row['what']}, {size_name(row['entry_bytes'])}, {row['threads']} thr."
            groups.setdefault(f"{title}: against {reference}", []).append(
                (label, row["against"][reference]["ratio"], least))
    return groups


def plots(result, targets, out):
    stem = os.path.splitext(out)[0]
    bench_plot.ratios(f"{stem}.svg", plot_groups(result, targets), "The mount against others")
    names = result["names"]
    cost = {title: [(r["names"], 1e6 / r[key]) for r in names] for title, key in (
        ("stat, first", "first_stat"), ("stat, again", "stat"), ("miss, again", "miss"),
        ("read, first", "first_read"), ("read, again", "read"))}
    sizes = result["sizes"]
    rate = {title: [(size, row[section]["mount"]["median"]) for size, row in sizes.items()]
            for title, section in (("hot", "hot"), ("packed, exact", "packed exact"),
                                   ("cold, exact", "cold"))}
    rate["tmpfs"] = [(size, row["hot"]["against"]["tmpfs"]["mib_s"]["median"])
                     for size, row in sizes.items()]
    threads = {f"packed, {name}": [(n, row["mount"]["median"]) for n, row in rows]
               for name, rows in result["threads"].items()}
    bench_plot.panels(f"{stem}-scaling.svg", [
        ("microseconds a call", "names", cost),
        ("MiB/s by size", "bytes of an entry", rate, [(s, size_name(s)) for s in sizes]),
        ("MiB/s by threads", "threads of the daemon", threads, [(n, str(n)) for n in (1, 2, 4)]),
    ], "Cost against number, size and threads")
