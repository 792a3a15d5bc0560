"""bench_table.py - the rows of the main table: which entries, calls, places

Small, ordinary and large entries; by one reader, by one a processor, by many.
Not every combination: what is left out lies between two that are there.
"""

import os
import sys

import bench_calls
import bench_places
import bench_rounds
from bench_rounds import Contender, Work

MIB = 1 << 20
SIZES = [2 * MIB, 32 * MIB, 512 * MIB]
PLAIN_SIZE = 32 * MIB  # the size that most is measured with
VOLUME = 64 * MIB  # of a reader's entries, at least
HOT_VOLUME = 512 * MIB  # read at once: a hot MiB takes 0.1 ms

# Policies of one rate: packed in DRAM and on the disk, never plain.
RATES = {"exact": "policy=lru-exact", "4-5 b/v": "policy=lru-refine2,quality=kld:10"}

# (size, threads, calls)
HOT = [(0, 1, "read"), (0, 2, "read"), (1, 1, "read"), (1, 2, "read"), (1, 8, "read"),
       (1, 1, "mmap"), (1, 2, "mmap"), (1, 1, "O_DIRECT"), (1, 2, "O_DIRECT"),
       (2, 1, "read"), (2, 2, "read"), (2, 1, "mmap")]
PACKED = [(0, 1, "read"), (1, 1, "read"), (1, 2, "read"), (1, 8, "read"), (1, 1, "mmap"),
          (1, 2, "O_DIRECT"), (2, 1, "read"), (2, 2, "read")]
COLD = [(0, 1, "read"), (1, 1, "read"), (1, 2, "read"), (1, 8, "read"), (1, 1, "mmap"),
        (1, 1, "O_DIRECT"), (2, 1, "read")]
WRITE = [(0, 1, "write"), (1, 1, "write"), (1, 2, "write"), (1, 8, "write"),
         (1, 1, "write and fsync"), (2, 1, "write")]


class Table:
    """Fills places, and measures what is wanted on them."""

    def __init__(self, source, where, tmpfs_dir, args):
        self.where, self.options, self.source = where, args.options, source
        self.buffers = bench_calls.Buffers()
        self.absent = {}
        self.rows = []
        self.shares = {}
        self.quick, self.rounds, self.profile = args.quick, args.rounds, args.profile
        self.disk = bench_places.Place(args.disk_kind, os.path.join(where, "plain"),
                                       self.buffers)
        self.tmpfs = bench_places.Place("tmpfs", tmpfs_dir, self.buffers)
        self.peers = {}
        room = 8 << 30
        self.add_peer(bench_places.Btrfs, "btrfs", room)
        self.add_peer(bench_places.Squashfs, "squashfs", self.disk)
        self.add_peer(bench_places.Passthrough, "passthrough", self.tmpfs)

    def add_peer(self, kind, folder, argument):
        path = os.path.join(self.where, folder)
        os.mkdir(path)
        try:
            self.peers[folder] = kind(path, self.buffers, argument)
        except bench_places.Absent as e:
            self.absent[kind.NAME] = str(e)

    def close(self):
        for peer in self.peers.values():
            peer.close()

    def mount(self, name, options):
        path = os.path.join(self.where, name)
        os.mkdir(path)
        exact = "kld" not in options
        return bench_places.MountPlace(path, options, self.buffers, exact)

    def wanted(self, rows, size):
        """(threads, calls) of the rows of this size."""
        return [(threads, how) for at, threads, how in rows if SIZES[at] == size and
                not (self.quick and (threads > 2 or SIZES[at] > PLAIN_SIZE))]

    def entries(self, size):
        return self.source.entries(size, VOLUME)

    def fill(self, entries, readers, mount, peers):
        """The disk's and the tmpfs's first: others are made of them."""
        for place in (self.tmpfs, self.disk, mount):
            place.fill(entries, readers)
        for name, peer in list(peers.items()):
            try:
                peer.fill(entries, readers)
            except bench_places.Absent as e:
                self.absent[peer.name] = str(e)
                del peers[name]

    def row(self, section, threads, how, contenders, repeat=1):
        """A row of reads; the table does not keep it."""
        work = Work(section, how, threads, lambda c: c.place.read(c.how, threads, repeat), repeat)
        return bench_rounds.measure(work, contenders, self.rounds, self.profiled(contenders, work))

    def profiled(self, contenders, work):
        """Only what a requirement may be missed by."""
        return (self.profile and len(contenders) > 1 and work.threads <= 2 and
                work.what != "O_DIRECT")

    def measure(self, *args):
        self.rows.append(self.row(*args))

    def hot(self, mount, entries, todo):
        places = [mount, self.tmpfs, self.disk, *self.peers.values()]
        for threads, how in todo:
            repeat = max(1, HOT_VOLUME // (entries.total * threads))
            self.measure("hot", threads, how, [Contender(p, how) for p in places if p.can(how)],
                         repeat)

    def cold(self, section, mount, todo, peers):
        device = f"{self.disk.name}, O_DIRECT at depth {bench_calls.DEPTH}"
        for threads, how in todo:
            self.measure(section, threads, how,
                         [Contender(mount, how), Contender(self.disk, "deep", device),
                          *(Contender(p, how) for p in peers if p.can(how))])

    def writes(self, mount, todo):
        for threads, what in todo:
            sync = what != "write"
            places = [mount, *([] if sync else [self.tmpfs]), self.disk]
            if "btrfs" in self.peers:
                places.append(self.peers["btrfs"])
            work = Work("write", what, threads, lambda c: c.place.write(threads, sync))
            self.rows.append(bench_rounds.measure(
                work, [Contender(p, what) for p in places], self.rounds,
                self.profiled(places, work)))

    def ordinary(self):
        """The mount as it is by default: hot, cold, written."""
        mount = self.mount("default", self.options)
        try:
            for size in SIZES:
                todo = [self.wanted(rows, size) for rows in (HOT, COLD, WRITE)]
                if not any(todo):
                    continue
                entries = self.entries(size)
                self.fill(entries, max(t for rows in todo for t, _ in rows), mount, self.peers)
                self.hot(mount, entries, todo[0])
                self.cold("cold", mount, todo[1],
                          [self.disk, *(self.peers[p] for p in ("btrfs", "squashfs")
                                        if p in self.peers)])
                if size == PLAIN_SIZE:
                    self.weigh(mount)
                self.writes(mount, todo[2])
        except BaseException:
            mount.kill()
            raise
        mount.close()

    def weigh(self, mount):
        """What each stores of the entries, which the mount must have recognised."""
        if set(mount.facts("layout")) != {"llama-seq"}:
            sys.exit("bench: the mount does not recognise the entries")
        self.shares["mount"] = mount.stored_share()
        for name in ("btrfs", "squashfs"):
            if name in self.peers:
                self.shares[name] = self.peers[name].stored_share()

    def rate(self, name):
        """Entries packed in DRAM, and cold, at one rate; then by threads."""
        mount = self.mount(name.replace("/", ""), RATES[name])
        by_threads = []
        try:
            for size in (SIZES[0], SIZES[2], SIZES[1]):
                todo = self.wanted(PACKED, size)
                if not todo:
                    continue
                entries = self.entries(size)
                readers = max(2, *(t for t, _ in todo))  # two read cold
                self.fill(entries, readers, mount, {})
                mount.pack_away(readers)
                for threads, how in todo:
                    self.measure(f"packed {name}", threads, how,
                                 [Contender(mount, how), Contender(self.tmpfs, how)])
                if name != "exact" and size != SIZES[0]:
                    self.cold(f"cold {name}", mount, [(1, "read"), (2, "read")], [self.disk])
            self.shares[name] = mount.stored_share()
            by_threads = self.decode_threads(name, mount)
        except BaseException:
            mount.kill()
            raise
        mount.close()
        return by_threads

    def decode_threads(self, name, mount):
        """[(threads, row)] of one reader of packed entries."""
        found = []
        for n in (1, 2, 4):
            mount.remount(f"{RATES[name]},threads={n}")
            mount.pack_away(1)
            found.append((n, self.row(f"packed {name}", 1, "read",
                                      [Contender(mount, "read"), Contender(self.tmpfs, "read")])))
        return found
