"""scale.py - what many small entries cost: start, memory, names, idle hours

A backing of N entries is made by copying one container, which the daemon wrote,
under N names; at most NAMES_MOST in a directory.  Everything else is measured
through a mount of it.  Needs the build, root for --cold, perf for the last row.

usage: tools/scale.py [--entries N...] [--dir DIR] [--cold] [--keep] [--out FILE]
"""

import argparse
import contextlib
import hashlib
import os
import platform
import random
import shutil
import subprocess
import time

import mounted

ENTRY_BYTES = 2048
NAMES_MOST = 100_000
IDLE_S = 20
LOAD_S = 10
LOOKUPS = 50_000
OPTIONS = "memory=256M"
# What decides and keeps house, its own time only; by symbol.
POLICY = ("plan_", "price_", "curve_", "heat_", "heap_", "ledger_", "ghosts_", "mover_", "ask_",
          "meter_", "look_", "expire_", "settings_", "weight_", "lru_")


def name_of(i):
    """68 characters, as of those who name by a digest."""
    return hashlib.sha256(str(i).encode()).hexdigest() + ".bin"


def place_of(root, i):
    return os.path.join(root, f"d{i // NAMES_MOST}", name_of(i))


@contextlib.contextmanager
def mount(where):
    """The daemon and the seconds from its start to the mount."""
    began = time.monotonic()
    daemon = mounted.Daemon(os.path.join(where, "backing"), os.path.join(where, "mount"), OPTIONS)
    try:
        yield daemon, time.monotonic() - began
        daemon.unmount()
    finally:
        daemon.kill()


def make(where, n):
    root = os.path.join(where, "mount")
    os.mkdir(root)
    os.mkdir(os.path.join(where, "backing"))
    tree = os.path.join(where, "backing", "tree")
    with mount(where), open(os.path.join(root, "one"), "wb") as f:
        f.write(random.Random(1).randbytes(ENTRY_BYTES))
    with open(os.path.join(tree, "one"), "rb") as f:
        container = f.read()
    os.unlink(os.path.join(tree, "one"))
    for i in range(n):
        if i % NAMES_MOST == 0:
            os.mkdir(os.path.join(tree, f"d{i // NAMES_MOST}"))
        fd = os.open(place_of(tree, i), os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(fd, container)
        os.close(fd)
    os.sync()


def status(pid, key):
    """The number behind a key, over all threads for what is a thread's."""
    if key == "VmRSS":
        tasks = [pid]
    else:
        tasks = [f"{pid}/task/{t}" for t in os.listdir(f"/proc/{pid}/task")]
    total = 0
    for task in tasks:
        with open(f"/proc/{task}/status", encoding="ascii", errors="replace") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith(key))
    return total


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stats(where):
    with open(os.path.join(where, "mount", ".kv", "stats"), encoding="ascii") as f:
        return dict(line.split() for line in f)


def per_s(call, names):
    """Calls of it a second, one thread; errors are answers, too."""
    began = time.monotonic()
    for name in names:
        call(name)
    return len(names) / (time.monotonic() - began)


def has(name):
    return os.access(name, os.F_OK)


def read(name):
    with open(name, "rb", buffering=0) as f:
        return len(f.read())


def measure_names(where, row):
    root = os.path.join(where, "mount")
    some = [place_of(root, i) for i in random.Random(2).sample(range(row["entries"]), 20_000)]
    missing = [os.path.join(root, "d0", f"no{i}") for i in range(LOOKUPS)]
    row["first misses/s"] = per_s(has, missing)
    row["misses/s"] = per_s(has, missing)
    row["first hits/s"] = per_s(os.stat, some)
    row["hits/s"] = per_s(os.stat, some)
    row["directory"] = min(row["entries"], NAMES_MOST)
    for key in ("list, s", "again, s"):
        began = time.monotonic()
        with os.scandir(os.path.join(root, "d0")) as names:
            got = sum(e.stat().st_size == ENTRY_BYTES for e in names)
        row[key] = time.monotonic() - began
        assert got == row["directory"], got


def measure_load(where, daemon, row):
    """Opens and reads entries at random; what of that the policy took."""
    root = os.path.join(where, "mount")
    rng = random.Random(3)
    data = os.path.join(where, "perf.data")
    pid = daemon.process.pid
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-p", str(pid), "-o", data]
    perf = subprocess.Popen(record) if shutil.which("perf") else None
    time.sleep(1)
    used, began, n = cpu_s(pid), time.monotonic(), 0
    while time.monotonic() < began + LOAD_S:
        assert read(place_of(root, rng.randrange(row["entries"]))) == ENTRY_BYTES
        n += 1
    took = time.monotonic() - began
    row["reads/s"] = n / took
    row["load"] = (cpu_s(pid) - used) / took
    if not perf:
        return
    perf.terminate()
    perf.wait()
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "sym", "-g", "none"],
                            capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in report.splitlines() if "%" in line and line[0] != "#"]
    row["policy"] = sum(float(x[0].rstrip("%")) for x in lines
                        if x[-2] == "[.]" and x[-1].startswith(POLICY)) / 100


def measure_start(where, daemon, began, row):
    assert read(place_of(os.path.join(where, "mount"), row["entries"] // 2)) == ENTRY_BYTES
    row["first read, s"] = time.monotonic() - began
    row["peak"] = 0
    for key in ("scanned", "looked_at"):
        while stats(where)[key] != "1":
            row["peak"] = max(row["peak"], status(daemon.process.pid, "VmRSS"))
            time.sleep(0.5)
        row[key] = time.monotonic() - began
    row["rss"] = status(daemon.process.pid, "VmRSS")


def measure_idle(daemon, row):
    pid = daemon.process.pid
    time.sleep(1)
    before = status(pid, "voluntary_ctxt_switches"), cpu_s(pid)
    time.sleep(IDLE_S)
    row["idle switches"] = status(pid, "voluntary_ctxt_switches") - before[0]
    row["idle cpu"] = cpu_s(pid) - before[1]


def measure(where, n, cold, only_start=False):
    row = {"entries": n}
    if cold:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")
    began = time.monotonic()
    with mount(where) as (daemon, row["mounted, s"]):
        measure_start(where, daemon, began, row)
        if not only_start:
            measure_idle(daemon, row)
            measure_names(where, row)
            row["rss looked at"] = status(daemon.process.pid, "VmRSS")
            measure_load(where, daemon, row)
    return row


def made(parent, n):
    """The directory of n entries; making it is slow, so it may be there already."""
    where = os.path.join(parent, f"adaptcache-scale-{n}")
    if not os.path.exists(os.path.join(where, "made")):
        shutil.rmtree(where, ignore_errors=True)
        os.mkdir(where)
        make(where, n)
        with open(os.path.join(where, "made"), "w", encoding="ascii"):
            pass
    return where


LINES = [
    ("from exec to mounted", lambda r, _: f"{r['mounted, s']:.2f} s"),
    ("from exec to the first entry read", lambda r, _: f"{r['first read, s']:.2f} s"),
    ("from exec until room can be made of all", lambda r, _: f"{r['scanned']:.1f} s"),
    ("from exec until all heads were read", lambda r, _: f"{r['looked_at']:.1f} s"),
    ("DRAM an entry, nothing looked at yet",
     lambda r, empty: f"{(r['rss'] - empty['rss']) * 1024 / r['entries']:.0f} bytes"),
    ("the same at the peak of the scan",
     lambda r, empty: f"{(r['peak'] - empty['rss']) * 1024 / r['entries']:.0f} bytes"),
    ("access() of a name that is not there, first time", lambda r, _: f"{r['first misses/s']:,.0f}/s"),
    ("the same again", lambda r, _: f"{r['misses/s']:,.0f}/s"),
    ("stat() of a name, first time", lambda r, _: f"{r['first hits/s']:,.0f}/s"),
    ("the same again", lambda r, _: f"{r['hits/s']:,.0f}/s"),
    ("scandir and stat of {:,} names, first time", lambda r, _: f"{r['list, s']:.2f} s"),
    ("the same again", lambda r, _: f"{r['again, s']:.2f} s"),
    (f"wake-ups in {IDLE_S} s with nothing to do", lambda r, _: f"{r['idle switches']}"),
    ("processor time in these", lambda r, _: f"{r['idle cpu']:.2f} s"),
    ("open, read and close at random", lambda r, _: f"{r['reads/s']:,.0f}/s"),
    ("the daemon's processors meanwhile", lambda r, _: f"{100 * r['load']:.0f} %"),
    ("policy and housekeeping, of one processor",
     lambda r, _: f"{100 * r['policy'] * r['load']:.1f} %" if "policy" in r else "no perf"),
]


def page(rows, empty, args):
    heads = "".join(f" {r['entries']:,} entries |" for r in rows)
    out = ["# Many entries", "", "Written by `tools/scale.py`; one command measures it again:", "",
           "    tools/scale.py --entries " + " ".join(str(n) for n in args.entries)
           + (" --cold" if args.cold else ""), "",
           f"Entries of {ENTRY_BYTES} bytes under names of {len(name_of(0))}, at most {NAMES_MOST:,} "
           "in a directory.  One client with one thread, in",
           f"Python.  Mount options: `{OPTIONS}`.  DRAM is the daemon's resident memory above that of a "
           "mount of nothing", f"({empty['rss'] / 1024:.0f} MiB).  "
           + ("The kernel's caches were dropped before." if args.cold
              else "The kernel's caches were warm."),
           f"{platform.system()} {platform.release()}, {os.cpu_count()} processors, load at the start "
           f"{args.load:.1f}.", "", "| |" + heads, "|---|" + "---|" * len(rows)]
    for name, show in LINES:
        out.append(f"| {name.format(min(rows[-1]['entries'], NAMES_MOST))} |"
                   + "".join(f" {show(r, empty)} |" for r in rows))
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--entries", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dir", default="/var/tmp")
    parser.add_argument("--cold", action="store_true", help="drop the kernel's caches first")
    parser.add_argument("--keep", action="store_true", help="the entries, for the next time")
    parser.add_argument("--out", help="the page; else it is printed")
    args = parser.parse_args()
    args.load = os.getloadavg()[0]
    empty = measure(made(args.dir, 1), 1, False, only_start=True)
    rows = [measure(made(args.dir, n), n, args.cold) for n in args.entries]
    text = page(rows, empty, args)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            f.write(text)
    else:
        print(text, end="")
    for n in [] if args.keep else [1] + args.entries:
        shutil.rmtree(made(args.dir, n))


if __name__ == "__main__":
    main()
