"""headline_run.py - one load on one mount: delays, and the bytes it served

A client asks for caches by name, Zipf-distributed, one at a time.  A hit is
read whole, in requests of 1 MiB, and its time is taken.  A miss costs what
recomputing is said to cost; then the client writes the cache, and goes on when
the mount has packed it.  So no request waits for another's work.
"""

import mmap
import os
import random
import shutil
import tempfile
import time
from typing import NamedTuple

import mounted
from judged import digest

MEMORY = 192 << 20  # and the SSD four times that
SIZE = 4 * MEMORY
NAMES_PER_CONTEXT = 9
SKEW = 1.0

# Of the floor: what searches its context suffers 2 to 5 times as much.
FLOOR_SHARE = {"documents": 0.25, "code": 1, "chat": 1}
PIECE = 1 << 20
WHERE = ("plain", "packed", "backing")  # as the mount counts hits
THINK_S = 0.02      # between requests: promotions and packing are through


class Config(NamedTuple):
    """What is compared.  scheme: others', stored in files of that size."""
    name: str
    group: str        # "ours", "one rung", "exact", "others"
    options: str      # of the mount
    scheme: str = ""  # "raw": nothing is done
    floor: float = 0   # damage that is accepted, in nats; tasks have a share of it


class Entry(NamedTuple):
    name: str
    context: object
    path: str  # of the original cache


def requests(n_names, n, seed):
    """Indices of names: Zipf, the ranks shuffled."""
    rng = random.Random(seed)
    ranks = list(range(n_names))
    rng.shuffle(ranks)
    weights = [(1 + rank) ** -SKEW for rank in ranks]
    return rng.choices(range(n_names), weights, k=n)


class Served:
    """Copies that mounts served, one file per content."""

    def __init__(self, folder):
        self.folder, self.known = folder, {}

    def put(self, data):
        name = digest(data)
        if name not in self.known:
            self.known[name] = os.path.join(self.folder, name)
            with open(self.known[name], "wb") as f:
                f.write(data)
        return name

    def path(self, name):
        return self.known[name]


class Result(NamedTuple):
    config: Config
    hits: list    # (entry index, seconds, digest or None, from where)
    missed: list  # entry indices
    stats: dict   # of the mount, what was added while requests counted

    def n(self):
        return len(self.hits) + len(self.missed)


class Run:
    """A mount of one configuration, and its client."""

    def __init__(self, config, entries, sizes, served, device_rate):
        self.config, self.entries, self.sizes = config, entries, sizes
        self.served = served
        self.temp = tempfile.mkdtemp(prefix="adaptcache-headline-", dir="/var/tmp")
        self.mount = os.path.join(self.temp, "mount")
        backing = os.path.join(self.temp, "backing")
        os.mkdir(self.mount)
        os.mkdir(backing)
        options = f"memory={MEMORY},size={SIZE},{config.options}"
        if device_rate:
            options += f",device_rate={device_rate}"
        self.daemon = mounted.Daemon(backing, self.mount, options)
        for task, share in FLOOR_SHARE.items():
            folder = os.path.join(self.mount, task)
            os.mkdir(folder)
            if config.floor:
                os.setxattr(folder, "user.kv.quality", f"kld:{share * config.floor:g}".encode())
        self.buffer = mmap.mmap(-1, max(sizes) + PIECE)  # page-aligned
        self.noise = os.urandom(max(sizes)) if config.scheme else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.daemon.kill()  # nothing it has is wanted
        finally:
            shutil.rmtree(self.temp, ignore_errors=True)

    def stats(self):
        with open(os.path.join(self.mount, ".kv/stats"), encoding="ascii") as f:
            return {key: float(value) for key, value in
                    (line.split() for line in f if len(line.split()) == 2)}

    def settle(self):
        """Waits until nothing is staged."""
        end = time.monotonic() + 60
        while self.stats()["memory_dirty_bytes"] and time.monotonic() < end:
            time.sleep(0.005)

    def path(self, i):
        entry = self.entries[i]
        return os.path.join(self.mount, entry.context.task, entry.name)

    def read(self, i):
        """Seconds, or None where it is not there."""
        view, at = memoryview(self.buffer), 0
        since = time.perf_counter()
        try:
            fd = os.open(self.path(i), os.O_RDONLY)
        except OSError:
            return None
        try:
            while n := os.preadv(fd, [view[at:at + PIECE]], at):
                at += n
        finally:
            os.close(fd)
        took = time.perf_counter() - since
        if at != self.sizes[i]:
            raise mounted.MountError(f"{self.entries[i].name}: {at} bytes were read "
                                     f"where {self.sizes[i]} were written")
        return took

    def write(self, i):
        if self.noise:
            data = memoryview(self.noise)[:self.sizes[i]]
        else:
            with open(self.entries[i].path, "rb") as f:
                data = memoryview(f.read())
        fd = os.open(self.path(i), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for at in range(0, len(data), PIECE):
            os.pwrite(fd, data[at:at + PIECE], at)
        os.close(fd)
        self.settle()

    def request(self, i):
        """(seconds, digest of what was served, from where), or None for a miss."""
        before = self.stats()
        took = self.read(i)
        if took is None:
            self.write(i)
            time.sleep(THINK_S)
            return None
        name = None
        if not self.config.scheme:
            name = self.served.put(memoryview(self.buffer)[:self.sizes[i]])
        after = self.stats()
        where = max(WHERE, key=lambda w: after["hits_" + w] - before["hits_" + w])
        time.sleep(THINK_S)
        return took, name, where


def run(config, entries, sizes, order, n_warm, served, device_rate):
    """Result of the requests of order behind the first n_warm.

    A name's first request is a miss whoever keeps it, and does not count."""
    mounted.drop_caches()
    hits, missed, met = [], [], set()
    with Run(config, entries, sizes, served, device_rate) as r:
        before = {}
        for at, i in enumerate(order):
            if at == n_warm:
                before = r.stats()
            got, new = r.request(i), i not in met
            met.add(i)
            if at < n_warm or new:
                continue
            if got:
                hits.append((i, *got))
            else:
                missed.append(i)
        after = r.stats()
    return Result(config, hits, missed, {k: v - before.get(k, 0) for k, v in after.items()})
