"""
test_caps.py - memory= and size= hold at every moment under who writes too fast

ADAPTCACHE_CAPS_S=600 tests/mount/run.py caps writes for ten minutes in place of
20 seconds.
"""

import contextlib
import errno
import os
import random
import re
import stat
import time
import traceback

import kit
from kit import MIB

SECONDS = float(os.environ.get("ADAPTCACHE_CAPS_S", "20"))
LIMITS = {"test_caps_hold_under_writers_that_outrun_all": SECONDS + 120}
MEMORY, SIZE, THREADS = 96 * MIB, 160 * MIB, 2
PER_THREAD = 8 * MIB  # beside memory=, as the man page says
NAMES = 60


def writer(m, seed, until):
    """Whole files one after another, some synced, some renamed, some given up."""
    rng = random.Random(seed)
    pieces = [os.urandom(MIB) for _ in range(8)] + [kit.content("llama", MIB, i) for i in range(8)]
    done = 0
    while time.monotonic() < until:
        path = m.path(f"w{seed}-{rng.randrange(NAMES)}")
        n = rng.choice((0, 1, 1, 2, 4, 4, 8, 24))
        try:
            fd = os.open(path + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                for _ in range(n):
                    os.write(fd, rng.choice(pieces))
                os.write(fd, rng.choice(pieces)[:rng.randrange(MIB)])
                if rng.random() < 0.1:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(path + ".tmp", path)
            done += 1
        except OSError as e:
            assert e.errno in (errno.ENOSPC, errno.ENOENT), e
    assert done > SECONDS / 4, done


def reader(m, until):
    while time.monotonic() < until:
        for name in os.listdir(m.root):
            try:
                kit.read_file(m.path(name))
            except OSError as e:
                assert e.errno in (errno.ENOENT, errno.ESTALE), e
            if time.monotonic() > until:
                return


def held_open(pid):
    """Nameless files that the daemon holds, as (device, inode) -> stat."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):  # closed meanwhile
            st = os.stat(f"/proc/{pid}/fd/{fd}")
            if stat.S_ISREG(st.st_mode) and not st.st_nlink:
                found[st.st_dev, st.st_ino] = st
    return found


def backing_bytes(m, pid):
    """
    What has not changed since before the look began was all there at that
    moment: an inode that went and came again, or moved, is younger.  What is
    being written just then is left out.
    """
    since = time.time_ns() - 20_000_000  # inodes have the time of the last tick
    dev = os.stat(m.backing).st_dev
    found = {ino: st for (d, ino), st in held_open(pid).items() if d == dev}
    for d, _, names in os.walk(m.backing):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                st = os.lstat(os.path.join(d, name))
                found[st.st_ino] = st
    return sum(st.st_blocks * 512 for st in found.values() if st.st_ctime_ns <= since)


def own_bytes(pid):
    """The daemon's own memory, but for what each of its threads may work with."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = dict(re.findall(r"(\w+):\s+(\d+)", f.read()))
    return int(status["RssAnon"]) * 1024 - int(status["Threads"]) * PER_THREAD


def dram_bytes(m, pid):
    """
    With its files in a tmpfs: of these what a look before and one after both
    saw, for there no inode's number comes twice.
    """
    dev = os.stat(m.backing).st_dev
    one = held_open(pid)
    own = own_bytes(pid)
    two = held_open(pid)
    return own + sum(min(st.st_blocks, two[k].st_blocks) * 512
                     for k, st in one.items() if k in two and k[0] != dev)


def sample(m, pid):
    """Bytes held at one moment: on the backing, of DRAM; what the daemon says of both."""
    says = m.stats()
    return (backing_bytes(m, pid), dram_bytes(m, pid),
            says["disk_used_bytes"] + says["disk_promised_bytes"],
            says["memory_dirty_bytes"] + says["memory_clean_bytes"])


def children(*functions):
    pids = []
    for function in functions:
        pids.append(os.fork())
        if not pids[-1]:
            status = 1
            try:
                function()
                status = 0
            except BaseException:
                traceback.print_exc()
            os._exit(status)
    return pids


def test_caps_hold_under_writers_that_outrun_all():
    kit.needs_daemon()
    kit.needs_root()  # to see what the daemon holds
    with kit.mount(f"memory={MEMORY},size={SIZE},threads={THREADS},quality=fair") as m:
        pid, until = m.daemon.process.pid, time.monotonic() + SECONDS
        left = children(*(lambda i=i: writer(m, i, until) for i in range(3)),
                        lambda: reader(m, until))
        most, n = (0,) * 4, 0
        while time.monotonic() < until:
            most = tuple(map(max, most, sample(m, pid)))
            n += 1
        states = [os.waitpid(child, 0)[1] for child in left]
        stats = m.stats()
        print(n, "looks; at most", [round(x / MIB, 1) for x in most], "MiB;",
              {k: v for k, v in stats.items() if v and not k.startswith("policy")})
        assert not any(states), states
        assert n >= SECONDS / 2, n
        assert most[0] <= SIZE and most[2] <= SIZE, most
        assert most[1] <= MEMORY and most[3] <= MEMORY, most
        assert stats["evicted"] and stats["write_waits"], stats
