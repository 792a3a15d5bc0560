"""bench_scaling.py - what a lookup and a read cost as entries grow in number and size

Names: containers are copied into the backing directory, as another daemon
would publish them there; a fresh mount then meets every name for the first
time.  One thread asks.
"""

import os
import random
import resource
import sys
import time

import mounted
from bench_rounds import Contender

MIB = 1 << 20
ASKED = 10000  # names asked for, at most
READ = 1000  # entries read, at most
ENTRY = 4096
SIZES = [64 << 10, MIB, 16 * MIB, 128 * MIB, 1 << 30]


def rate(function, items):
    start = time.perf_counter()
    for item in items:
        function(item)
    return len(items) / (time.perf_counter() - start)


def miss(path):
    """By access: an exception in Python costs more than the call."""
    if os.access(path, os.F_OK):
        raise OSError(f"{path} is there")


def read_small(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        if len(os.pread(fd, ENTRY + 1, 0)) != ENTRY:
            raise OSError(f"{path} is not as long as it was")
    finally:
        os.close(fd)


def list_all(path):
    """Seconds to list a directory and stat what is in it."""
    start, n = time.perf_counter(), 0
    with os.scandir(path) as found:
        for entry in found:
            n += entry.stat().st_size == ENTRY
    return time.perf_counter() - start, n


def ask(folder, n):
    """What n names cost, met for the first time and again."""
    rng = random.Random(n)
    names = [f"{folder}/{i:07}" for i in rng.sample(range(n), min(n, ASKED))]
    none = [f"{folder}/no-{i:07}" for i in range(min(n, ASKED))]
    again = max(1, ASKED // len(names))
    row = {"names": n, "first_stat": rate(os.stat, names), "stat": rate(os.stat, names * again),
           "first_miss": rate(miss, none), "miss": rate(miss, none * again)}
    row["first_read"] = rate(read_small, names[:READ])
    row["read"] = rate(read_small, names[:READ])
    return row


class Names:
    """A backing directory with more and more entries in one folder."""

    def __init__(self, where, tmpfs_dir):
        self.backing, self.root = os.path.join(where, "backing"), os.path.join(where, "mount")
        for path in (self.backing, self.root):
            os.makedirs(path)
        self.tmpfs = os.path.join(tmpfs_dir, "names")
        os.mkdir(self.tmpfs)
        self.n = 0
        daemon = mounted.Daemon(self.backing, self.root)
        os.mkdir(os.path.join(self.root, "d"))
        with open(os.path.join(self.root, "d/model"), "wb") as f:
            f.write(random.Random(0).randbytes(ENTRY))
        daemon.unmount()
        model = os.path.join(self.backing, "tree/d/model")
        with open(model, "rb") as f:
            self.container = f.read()
        os.unlink(model)

    def grow(self, n):
        for i in range(self.n, n):
            for path, content in ((f"{self.backing}/tree/d/{i:07}", self.container),
                                  (f"{self.tmpfs}/{i:07}", bytes(ENTRY))):
                fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
                os.write(fd, content)
                os.close(fd)
        self.n = n
        os.sync()

    def on_mount(self, function):
        daemon = mounted.Daemon(self.backing, self.root)
        try:
            got = function(os.path.join(self.root, "d"))
        except BaseException:
            daemon.kill()
            raise
        daemon.unmount()
        return got

    def measure(self, n):
        self.grow(n)
        row = self.on_mount(lambda folder: ask(folder, n))
        row["list_s"], listed = self.on_mount(list_all)
        if listed != n:
            raise OSError(f"{listed} of {n} names listed")
        plain = ask(self.tmpfs, n)
        row["tmpfs"] = {**plain, "list_s": list_all(self.tmpfs)[0]}
        print("{names:8} names: {first_stat:.0f} first stats/s, {stat:.0f} again; misses "
              "{first_miss:.0f}, {miss:.0f}; reads {first_read:.0f}, {read:.0f}; listed in "
              "{list_s:.2f} s".format(**row), file=sys.stderr, flush=True)
        return row


def names(where, tmpfs_dir, most):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    found = Names(where, tmpfs_dir)
    counts, n = [], 100
    while n <= most:
        counts.append(n)
        n *= 10
    return [found.measure(n) for n in counts]


def sizes(table, largest):
    """{size: {"hot": row, "packed": row, "cold": row}}, one reader."""
    found = {}
    for size in [s for s in [*SIZES, 4 << 30] if s <= largest]:
        entries = table.source.entries(size, 32 * MIB)
        found[size] = {}
        for section, options in (("hot", ""), ("packed exact", "policy=lru-exact")):
            mount = table.mount(f"{section[:3]}-{size}", options)
            try:
                for place in (table.tmpfs, mount):
                    place.fill(entries, 1)
                if options:
                    mount.pack_away(1)
                both = [Contender(p, "read") for p in (mount, table.tmpfs)]
                found[size][section] = table.row(section, 1, "read", both)
                if section != "hot":
                    found[size]["cold"] = table.row("cold", 1, "read", both[:1])
            except BaseException:
                mount.kill()
                raise
            mount.close()
        table.tmpfs.clear()
    return found
