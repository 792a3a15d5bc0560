"""bench_rounds.py - rounds in which every contender is measured once

A round measures the mount and its contenders one right after the other with
the same bytes and the same calls; what counts is the ratio within a round,
since all share the machine's mood.  The order turns from round to round.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
PROFILE_S, ATTACH_S = 1.5, 1  # of samples, at least; until perf takes them


class Contender:
    """A place, and the calls that it is measured by."""

    def __init__(self, place, how, name=None):
        self.place, self.how, self.name = place, how, name or place.name


def spread(values):
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": statistics.median(values), "low": quartiles[0], "high": quartiles[2],
            "min": min(values), "max": max(values)}


class Work:
    """One row: what is timed, and what comes before and after it."""

    def __init__(self, section, what, threads, run, repeat=1):
        self.section, self.what, self.threads = section, what, threads
        self.run, self.repeat = run, repeat
        self.cold, self.new = section.startswith("cold"), section == "write"

    def before(self, c):
        """Cold is as after a restart; else all was read just before."""
        if self.cold:
            c.place.chill()
        elif not self.new:
            c.place.read(c.how, self.threads)

    def after(self, c):
        """What is written is packed and synced before another is measured."""
        if self.new:
            c.place.settle()


class Clock:
    """Processor time while the mount is measured: the daemon's, and ours."""

    def __init__(self, mount):
        self.mount, self.daemon_s, self.reader_s, self.wall_s = mount, 0, 0, 0

    def run(self, function):
        daemon, reader = self.mount.processor_s(), time.process_time()
        took = function()
        self.wall_s += took
        self.daemon_s += self.mount.processor_s() - daemon
        self.reader_s += time.process_time() - reader
        return took

    def shares(self):
        """Of all processors."""
        room = max(self.wall_s, 1e-9) * len(os.sched_getaffinity(0))
        return {"daemon": self.daemon_s / room, "reader": self.reader_s / room}


def profile(work, mount):
    """Shares of the daemon's samples by symbol; [] where perf cannot.

    Of the whole machine, sorted by name: a cold read has a new daemon each."""
    with tempfile.TemporaryDirectory() as where:
        out = os.path.join(where, "perf.data")
        try:
            perf = subprocess.Popen(["perf", "record", "-q", "-a", "-F", "1999", "-o", out],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError:
            return []
        time.sleep(ATTACH_S)  # it does not say when it has begun
        end = time.monotonic() + PROFILE_S
        while True:
            work.before(mount)
            work.run(mount)
            work.after(mount)
            if time.monotonic() > end:
                break
        perf.terminate()
        perf.wait()
        got = subprocess.run(["perf", "report", "-i", out, "--stdio", "-q", "--no-children",
                              "--comm", ",".join(mount.place.thread_names()),
                              "--percentage", "relative", "--sort", "symbol",
                              "--percent-limit", "2"],
                             capture_output=True, text=True, check=False)
    return re.findall(r"([\d.]+%)\s+\[(.)\]\s+(\S+)", got.stdout)[:8]


def measure(work, contenders, rounds, profiled=False):
    """One row; the mount is the first of the contenders."""
    mount = contenders[0]
    total = mount.place.entries.total
    volume = total * work.threads * work.repeat / MIB
    rates = {c: [] for c in contenders}
    tier, clock = "new", Clock(mount.place)
    if not work.new:
        work.before(mount)  # asking warms the entry: not within a round
        tier = mount.place.tier(work.threads)
    for i in range(rounds):
        order = contenders[i % len(contenders):] + contenders[:i % len(contenders)]
        for c in order if i % 2 == 0 else reversed(order):
            work.before(c)
            took = clock.run(lambda c=c: work.run(c)) if c is mount else work.run(c)
            work.after(c)
            rates[c].append(volume / took)
    row = {"section": work.section, "what": work.what, "threads": work.threads,
           "entry_bytes": mount.place.entries.size, "tier": tier, "rounds": rounds,
           "mount": spread(rates[mount]), "processors": clock.shares(), "against": {}}
    for c in contenders[1:]:
        row["against"][c.name] = {
            "mib_s": spread(rates[c]),
            "ratio": spread([m / other for m, other in zip(rates[mount], rates[c])])}
    if profiled:
        row["profile"] = profile(work, mount)
    say(row)
    return row


def size_name(size):
    for unit, name in ((1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


def say(row):
    ratios = ", ".join(f"{name} {a['ratio']['median']:.2f}" for name, a in row["against"].items())
    print(f"{row['section']:12} {row['what']:16} {size_name(row['entry_bytes']):>8} x "
          f"{row['threads']} thread(s): {row['mount']['median']:6.0f} MiB/s; {ratios}",
          file=sys.stderr, flush=True)
