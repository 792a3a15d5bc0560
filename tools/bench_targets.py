"""bench_targets.py - what was required, whether it is reached, what bounds it

Pure: from the figures of one run to the rows of a table.
"""

from bench_table import PLAIN_SIZE

LOSSY = "4-5 b/v"
FULL = 0.85  # of the processors: what is missing is measured poorly
DEVICE = "O_DIRECT at depth"  # in the name of the disk's best reader


def find(rows, section, what, threads):
    for row in rows:
        if (row["section"], row["what"], row["threads"], row["entry_bytes"]) == (
                section, what, threads, PLAIN_SIZE):
            return row
    return None


def against(row, name):
    return next((a for key, a in row["against"].items() if name in key), None)


def counted(n, what):
    return f"{n} {what}" + ("s" if n > 1 else "")


def busy(row):
    daemon, reader = row["processors"]["daemon"], row["processors"]["reader"]
    return (f"processors {daemon:.0%} in the daemon's threads and {reader:.0%} in the client's" +
            (": full" if daemon + reader >= FULL else ""))


def target(name, row, required, reached, ok, bound, least=None):
    """least: of the ratio, where the plot is to show it."""
    return {"name": name, "row": row, "required": required, "reached": reached, "ok": ok,
            "bound": bound, "least": least}


def ratio_target(name, row, other, least, bound=""):
    ratio = against(row, other)["ratio"]
    return target(name, row, f"≥ {least:g} x {other}",
                  f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
                  ratio["median"] >= least, "; ".join(t for t in (bound, busy(row)) if t), least)


def of_decoder(row, decoder, other):
    """The mount cannot be faster than the decoder is with all processors."""
    most = decoder / against(row, other)["mib_s"]["median"]
    return (f"the decoder alone, on all processors, would be {most:.2f} x {other}; the mount "
            f"reaches {row['mount']['median'] / decoder:.0%} of it")


def cold_exact(row, decoder):
    got = against(row, DEVICE)
    least = min(1.15, decoder / got["mib_s"]["median"])
    return target(f"cold, bit-exact, {counted(row['threads'], 'reader')}", row,
                  f"≥ min(1.15 x O_DIRECT, the decoder): {least:.2f}",
                  f"{got['ratio']['median']:.2f} ({got['ratio']['low']:.2f} to "
                  f"{got['ratio']['high']:.2f})",
                  got["ratio"]["median"] >= least, f"{of_decoder(row, decoder, DEVICE)}; {busy(row)}", least)


def cold_lossy(row, decoder, share):
    """Three times the device, or nearly what device and decoder allow."""
    got = against(row, DEVICE)
    device = got["mib_s"]["median"] / share
    limit, what = min((device, "the device"), (decoder, "the decoder"))
    part = row["mount"]["median"] / limit
    return target(f"cold, {LOSSY}, {counted(row['threads'], 'reader')}", row,
                  "≥ 3 x O_DIRECT, or 0.9 of what device and decoder allow",
                  f"{got['ratio']['median']:.2f} x, {part:.2f} of what they allow",
                  got["ratio"]["median"] >= 3 or part >= 0.9,
                  f"{what} allows least: device {device:.0f} MiB/s of plain bytes, decoder "
                  f"{decoder:.0f}; {busy(row)}", 3)


def packed(rows, section, least, decoder):
    for threads in (1, 2):
        row = find(rows, section, "read", threads)
        if row and against(row, "tmpfs"):
            yield ratio_target(f"{section.replace('exact', 'bit-exact')}, {counted(threads, 'reader')}",
                               row, "tmpfs", least, of_decoder(row, decoder, "tmpfs"))


def table_targets(rows, decoder, shares):
    for how, name in (("read", "hot, read() of 1 MiB"), ("mmap", "hot, mmap")):
        for threads in (1, 2):
            row = find(rows, "hot", how, threads)
            if row:
                yield ratio_target(f"{name}, {counted(threads, 'thread')}", row, "tmpfs", 1)
    yield from packed(rows, f"packed {LOSSY}", 0.5, decoder[LOSSY])
    yield from packed(rows, "packed exact", 0.3, decoder["exact"])
    for threads in (1, 2):
        row = find(rows, "cold", "read", threads)
        if row:
            yield cold_exact(row, decoder["exact"])
    for threads in (1, 2):
        row = find(rows, f"cold {LOSSY}", "read", threads)
        if row:
            yield cold_lossy(row, decoder[LOSSY], shares[LOSSY])
    for threads in (1, 2):
        row = find(rows, "write", "write", threads)
        if row:
            yield ratio_target(f"write acknowledged, {counted(threads, 'thread')}", row, "tmpfs", 0.8)


def targets(result):
    out = list(table_targets(result["rows"], result["decoder"], result["shares"]))
    llama = result["engine"]
    if "hot" in llama:
        hot = llama["hot"]["ratio"]
        out.append(target("llama.cpp restores a slot, hot", None, "≥ 1 x tmpfs",
                          f"{hot['median']:.2f} ({hot['low']:.2f} to {hot['high']:.2f})",
                          hot["median"] >= 1, f"the slot is {llama['tier']}"))
    for names in result.get("names", [])[-1:]:
        out += [target(f"misses answered by the kernel, {names['names']:,} names", None,
                       "≥ 100,000/s", f"{names['miss']:,.0f}/s", names["miss"] >= 1e5,
                       f"tmpfs, the same calls: {names['tmpfs']['miss']:,.0f}/s"),
                target(f"list and stat {names['names']:,} names", None, "< 1 s for 100,000",
                       f"{names['list_s']:.2f} s", names["list_s"] * 1e5 / names["names"] < 1,
                       f"tmpfs: {names['tmpfs']['list_s']:.2f} s")]
    return out
