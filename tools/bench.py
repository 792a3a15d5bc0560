"""bench.py - the mount against plain files on tmpfs and on the backing's disk

Run by tools/bench.sh, which builds first.  A pair is the mount and one plain
file system, measured one right after the other with the same bytes and the
same calls; what counts is the ratio within a pair, since both share the
machine's mood.  The order within a pair alternates.  Every read goes into the
same buffers, 1 MiB a call, and is compared once, outside of what is timed.
"""

import argparse
import contextlib
import glob
import json
import mmap
import os
import platform
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

import mounted

MIB = 1 << 20
TOOL = os.path.join(mounted.ROOT, "build/tools/adaptcache")
PAGE = os.path.join(mounted.ROOT, "docs/performance.md")


# Data.

def synthetic_state(rng, n_tokens, n_layers=24, width=256):
    """A llama.cpp slot file: Gaussian f16, each channel with its own mean."""
    words = [-1, 1, n_tokens] + [rng.randrange(49152) for _ in range(n_tokens)] + [0]
    out = [b"qsgg", struct.pack("<II", 4, len(words)), struct.pack(f"<{len(words)}i", *words),
           struct.pack("<II", 1, n_tokens)]
    out += [struct.pack("<iIi", i, 1, 0) for i in range(n_tokens)]
    out.append(struct.pack("<IIQ", 0, n_layers, 0))
    for scale in (2.0, 0.4):  # K, V
        for _ in range(n_layers):
            mean = [rng.gauss(0, 1.5 * scale) for _ in range(width)]
            sigma = [scale * rng.lognormvariate(0, 0.5) for _ in range(width)]
            out.append(struct.pack("<iQ", 1, 2 * width))
            for _ in range(n_tokens):
                out.append(struct.pack(f"<{width}e", *map(rng.gauss, mean, sigma)))
    return b"".join(out)


def slot_files():
    """llama.cpp slot files that the demo's engine may have left."""
    found = []
    prefix = os.environ.get("ADAPTCACHE_PREFIX", "")
    for path in sorted(glob.glob(os.path.join(prefix, "**", "*.bin"), recursive=True)):
        with contextlib.suppress(OSError), open(path, "rb") as f:
            if f.read(4) == b"qsgg" and os.path.getsize(path) >= MIB:
                found.append(path)
    return found[:4]


class Data:
    """The files' bytes, and where they are for `adaptcache bench`."""

    def __init__(self, paths, quick, where):
        self.source = "the files named on the command line"
        if not paths:
            paths, self.source = slot_files(), "slot files that a llama.cpp server left"
        if not paths:
            self.source = "made up: Gaussian f16, each channel with its own mean and scale"
            paths = []
            for i in range(2):
                path = os.path.join(where, f"synthetic-{i}.bin")
                with open(path, "wb") as f:
                    f.write(synthetic_state(random.Random(i), 128 if quick else 512))
                paths.append(path)
        self.paths = paths
        self.bytes = []
        for path in paths:
            with open(path, "rb") as f:
                self.bytes.append(f.read())
        self.total = sum(map(len, self.bytes))
        self.views = [[memoryview(b)[i:i + MIB] for i in range(0, len(b), MIB)]
                      for b in self.bytes]


# What is timed.

def write_files(data, prefix, sync):
    for i, views in enumerate(data.views):
        fd = os.open(f"{prefix}.{i}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            for view in views:
                if os.write(fd, view) != len(view):
                    raise OSError("a short write")
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)


def read_files(data, prefix, flags, buffer):
    for i, plain in enumerate(data.bytes):
        fd = os.open(f"{prefix}.{i}", os.O_RDONLY | flags)
        try:
            off = 0
            while off < len(plain):
                n = os.preadv(fd, [buffer], off)
                if not n:
                    raise OSError(f"{len(plain) - off} bytes missing")
                off += n
        finally:
            os.close(fd)


def timed(functions):
    """Seconds until all have returned, each on a thread of its own."""
    failed = []

    def run(function, gate):
        gate.wait()
        try:
            function()
        except OSError as e:
            failed.append(e)

    gate = threading.Barrier(len(functions) + 1)
    threads = [threading.Thread(target=run, args=(f, gate)) for f in functions]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    if failed:
        raise failed[0]
    return took


def drop_caches():
    """True when the kernel's caches could be dropped (root)."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")
    except OSError:
        return False
    return True


class Place:
    """A directory that is measured.  Threads have files of their own."""

    def __init__(self, name, root, data, flags=0):
        self.name, self.root, self.data, self.flags = name, root, data, flags
        self.exact = True
        self.buffers = [mmap.mmap(-1, MIB) for _ in range(2)]

    def prefix(self, thread):
        return os.path.join(self.root, f"t{thread}")

    def write(self, threads, sync):
        self.clear()
        took = timed([lambda t=t: write_files(self.data, self.prefix(t), sync)
                      for t in range(threads)])
        self.settle()
        return took

    def read(self, threads):
        return timed([lambda t=t: read_files(self.data, self.prefix(t), self.flags,
                                             self.buffers[t])
                      for t in range(threads)])

    def fill(self, threads):
        self.write(threads, False)
        for t in range(threads):
            for i, plain in enumerate(self.data.bytes):
                with open(f"{self.prefix(t)}.{i}", "rb") as f:
                    got = f.read()
                    if got != plain if self.exact else len(got) != len(plain):
                        sys.exit(f"bench: {self.name} returned other bytes")

    def settle(self):
        """Nothing of what was written is still on its way to the disk."""
        for path in glob.glob(os.path.join(self.root, "t*")):
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)

    def chill(self):
        """As after a restart.  False: only the file's own pages went."""
        dropped = drop_caches()
        if not dropped:
            for path in glob.glob(os.path.join(self.root, "t*")):
                fd = os.open(path, os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)
        return dropped

    def clear(self):
        for path in glob.glob(os.path.join(self.root, "t*")):
            os.unlink(path)

    def close(self):
        self.clear()


class MountPlace(Place):
    """The same through a mount."""

    def __init__(self, backing, root, data, options, exact=True):
        super().__init__("mount", root, data)
        self.backing, self.options, self.exact = backing, options, exact
        self.daemon = mounted.Daemon(backing, root, options)

    def chill(self):
        self.daemon.unmount()
        dropped = drop_caches()
        self.daemon = mounted.Daemon(self.backing, self.root, self.options)
        return dropped

    def tier(self):
        """Where the entries are, by what the mount says."""
        tiers = {os.getxattr(path, "user.kv.stat.tier").decode()
                 for path in glob.glob(os.path.join(self.root, "t0.*"))}
        return " and ".join(sorted(tiers))

    def stored(self):
        return sum(int(os.getxattr(f"{self.prefix(0)}.{i}", "user.kv.stat.stored"))
                   for i in range(len(self.data.bytes)))

    def close(self):
        self.daemon.unmount()


# Policies of one rate: packed in DRAM, and on the disk, never plain.
RATES = [("exact", "policy=lru-exact"), ("refine1", "policy=lru-refine1,quality=kld:10")]


# Pairs.

def measure(label, mount, plain, threads, pairs, prepare, run):
    """One row: the mount against plain, interleaved."""
    rates, ratios, tier = {mount: [], plain: []}, [], "new"
    volume = mount.data.total * threads / MIB
    if label.startswith("read"):
        prepare(mount)  # asking warms the entry: not within a pair
        tier = mount.tier()
    for i in range(pairs):
        got = {}
        for place in (mount, plain) if i % 2 == 0 else (plain, mount):
            prepare(place)
            got[place] = volume / run(place)
            rates[place].append(got[place])
        ratios.append(got[mount] / got[plain])
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive")
    row = {"what": label, "threads": threads, "against": plain.name, "pairs": pairs,
           "mount_mib_s": statistics.median(rates[mount]),
           "plain_mib_s": statistics.median(rates[plain]),
           "ratio": statistics.median(ratios), "ratio_min": min(ratios),
           "ratio_low": quartiles[0], "ratio_high": quartiles[2],
           "ratio_max": max(ratios), "tier": tier}
    print("{what:22} {threads} thread(s), against {against:14}: {mount_mib_s:8.0f} : "
          "{plain_mib_s:8.0f} MiB/s, ratio {ratio:.2f} ({ratio_low:.2f} to {ratio_high:.2f})"
          .format(**row), file=sys.stderr, flush=True)
    return row


def nothing(_place):
    return None


def measure_all(mount, tmpfs, disk, direct, pairs):
    rows = []
    plain = [p for p in (tmpfs, disk) if p]
    for threads in (1, 2):
        def add(label, other, prepare, run, threads=threads):
            rows.append(measure(label, mount, other, threads, pairs, prepare, run))

        for other in plain:
            add("write", other, nothing, lambda p: p.write(threads, False))
        add("write and fsync", disk, nothing, lambda p: p.write(threads, True))
        for place in (mount, *plain):
            place.fill(threads)
        for other in plain:
            add("read, warm", other, lambda p: p.read(threads), lambda p: p.read(threads))
        for other in (disk, direct):
            add("read, cold", other, lambda p: p.chill(), lambda p: p.read(threads))
        rows[-1]["stored_share"] = mount.stored() / mount.data.total
    return rows


def measure_rates(where, data, tmpfs, direct, pairs):
    """Entries that lie packed in DRAM, or on the disk, at one rate."""
    rows = []
    for name, options in RATES:
        backing = os.path.join(where, name)
        os.mkdir(backing)
        mount = MountPlace(backing, os.path.join(where, "mount"), data, options, name == "exact")
        for threads in (1, 2):
            mount.fill(threads)
            direct.fill(threads)
            if tmpfs:
                tmpfs.fill(threads)
                rows.append(measure(f"read, packed, {name}", mount, tmpfs, threads, pairs,
                                    lambda p: p.read(threads), lambda p: p.read(threads)))
            rows.append(measure(f"read, cold, {name}", mount, direct, threads, pairs,
                                lambda p: p.chill(), lambda p: p.read(threads)))
        rows[-1]["share_of_rate"] = name, mount.stored() / data.total
        mount.close()
    return rows


# Codecs.

def codec_rows(paths):
    """What `adaptcache bench codec` says, per file and codec."""
    got = subprocess.run([TOOL, "bench", "codec", "--json", *paths], check=False,
                         stdout=subprocess.PIPE, text=True)
    return [{"file": os.path.basename(file["file"]), **row}
            for file in json.loads(got.stdout) for row in file["rows"]]


def codec_speed(row, way):
    if f"{way}_gb_s" not in row:
        return "- | -"
    return f"{row[f'{way}_gb_s']:.2f} | {row[f'{way}_of_memcpy']:.3f}"


def codec_page(rows):
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
                   f"{codec_speed(row, 'encode')} | {codec_speed(row, 'decode')} |")
    return out


# The page.

def first_line(*command):
    try:
        got = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return ((got.stdout or got.stderr).splitlines() or ["unknown"])[0].strip()


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def disk_name(path):
    """The file system, and whether its disk turns."""
    kind = first_line("stat", "-f", "-c", "%T", path)
    if kind == "ext2/ext3":
        kind = "ext4"
    device = os.stat(path).st_dev
    try:
        base = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
        if not os.path.exists(os.path.join(base, "queue")):
            base = os.path.dirname(base)
        name = os.path.basename(base)
        return kind, kind + (" on a virtual disk" if name.startswith("vd") else f" on {name}")
    except OSError:
        return kind, kind


def machine(disk_dir):
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = int(f.readline().split()[1]) / (1 << 20)
    return [
        ("processor", f"{cpu_name()}, {len(os.sched_getaffinity(0))} processors"),
        ("memory", f"{memory:.0f} GiB"),
        ("disk", disk_name(disk_dir)[1]),
        ("kernel", platform.release()),
        ("compiler", first_line(os.environ.get("CC", "cc"), "--version")),
        ("libfuse", first_line("pkg-config", "--modversion", "fuse3")),
        ("libzstd", first_line("pkg-config", "--modversion", "libzstd")),
        ("Python", platform.python_version()),
        ("load at the start", "%.2f" % os.getloadavg()[0]),
    ]


def page(facts, args, data, rows, codecs, cold):
    names = ", ".join(os.path.basename(p) for p in data.paths)
    out = [
        "# Performance", "",
        "Written by `tools/bench.sh`; one command measures it again:", "",
        f"    tools/bench.sh --pairs {args.pairs}" +
        (" --data " + " ".join(os.path.basename(p) for p in args.data) if args.data else ""), "",
        "The machine is shared and noisy: compare the ratios, which come from pairs measured one",
        "right after the other, and look at their spread before believing a difference.", "",
        "| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in facts), "",
        f"Data: {data.source} ({names}),",
        f"{data.total / MIB:.1f} MiB a thread; each thread has files of its own.  Mount options: " +
        (f"`{args.options}`." if args.options else "the defaults."), "",
        "## Through the mount", "",
        "MiB of plain bytes a second, medians; the ratio is the mount's rate over the other's, the",
        f"median of {args.pairs} pairs.  Calls are of 1 MiB; open and close are timed, too.",
        "*Middle half* is where half of the ratios lie, *all pairs* the least to the most.",
        "", "| | threads | against | mount | other | ratio | middle half | all pairs | entry is |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        out.append("| {what} | {threads} | {against} | {mount_mib_s:.0f} | {plain_mib_s:.0f} | "
                   "**{ratio:.2f}** | {ratio_low:.2f} to {ratio_high:.2f} | "
                   "{ratio_min:.2f} to {ratio_max:.2f} | {tier} |".format(**r))
    share = next(r["stored_share"] for r in rows if "stored_share" in r)
    out += [
        "", f"On the backing the files take {share:.1%} of their plain bytes" +
        "".join(f"; {name}, {part:.1%}" for name, part in
                (r["share_of_rate"] for r in rows if "share_of_rate" in r)) + ".", "",
        "- *write*: until close returns; the mount holds the bytes in DRAM and packs them later,",
        "  the others hold them in the page cache.  Between two measurements everything is synced.",
        "- *write and fsync*: the mount has packed, synced and published when fsync returns.",
        "- *read, warm*: read once just before.  *entry is* says where the mount had it.",
        "- *read, cold*: the mount is unmounted, "
        + ("the kernel's caches are dropped" if cold else "(the kernel's caches stay: not root)")
        + ", and it is mounted again;",
        "  the others are plain files on the same disk after the same drop, read through the page",
        "  cache or with O_DIRECT.  A virtual disk may still be served from its host's memory.",
        "- *read, packed* and *read, cold* with a rate: under a policy of that one rate, which keeps",
        "  no plain copies: " + "; ".join(f"{n} by `{o}`" for n, o in RATES) + ".  What is",
        "  decoded is as large as ever.", "",
        *codec_page(codecs),
    ]
    return "\n".join(out) + "\n"


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench.sh", description="measures the mount")
    parser.add_argument("--data", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--pairs", type=int, default=0, help="at least 5 (3 with --quick)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", default=PAGE, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dir", default="/var/tmp", help="on the disk to measure")
    parser.add_argument("-o", dest="options", default="", metavar="MOUNT_OPTIONS")
    args = parser.parse_args()
    args.pairs = max(args.pairs, 3 if args.quick else 5)
    return args


def main():
    args = arguments()
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(tempfile.TemporaryDirectory(prefix="adaptcache-bench-",
                                                                dir=args.dir))
        data = Data(args.data, args.quick, where)
        facts = machine(where)
        for name in ("backing", "mount", "plain"):
            os.mkdir(os.path.join(where, name))
        disk_kind = disk_name(where)[0]
        tmpfs = None
        if first_line("stat", "-f", "-c", "%T", "/dev/shm") == "tmpfs":
            shm = tempfile.mkdtemp(prefix="adaptcache-bench-", dir="/dev/shm")
            stack.callback(shutil.rmtree, shm, ignore_errors=True)
            tmpfs = Place("tmpfs", shm, data)
        plain = os.path.join(where, "plain")
        disk = Place(disk_kind, plain, data)
        direct = Place(disk_kind + ", O_DIRECT", plain, data, os.O_DIRECT)
        mount = MountPlace(os.path.join(where, "backing"), os.path.join(where, "mount"), data,
                           args.options)
        stack.callback(lambda: mount.daemon.kill())
        rows = measure_all(mount, tmpfs, disk, direct, args.pairs)
        mount.close()
        if not args.options:
            rows += measure_rates(where, data, tmpfs, direct, args.pairs)
        codecs = codec_rows(data.paths)
        os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)
        with open(args.out, "w", encoding="utf-8") as f:
            f.write(page(facts, args, data, rows, codecs, drop_caches()))
        if args.json:
            print(json.dumps({"machine": dict(facts), "data_bytes": data.total,
                              "mount": rows, "codecs": codecs}, indent=1))


if __name__ == "__main__":
    main()
