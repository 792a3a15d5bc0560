"""kit.py - what the mount tests share: a mount, contents, comparisons

A test is a function test_<behaviour>() in a file test_<subject>.py; run.py runs
each in a process of its own with a time limit.  Paths and options come from the
environment: ADAPTCACHEFS, ADAPTCACHE (the programs), ADAPTCACHE_MOUNT_OPTS
(options of every mount), ADAPTCACHE_TEST_DIR (where backing directories go).

KIT_PLAIN=1 runs the tests on a plain directory instead of the mount: what then
fails is the test's own fault.
"""

import contextlib
import hashlib
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import mounted  # noqa: E402

PLAIN = bool(os.environ.get("KIT_PLAIN"))
TOOL = os.environ.get("ADAPTCACHE", os.path.join(mounted.ROOT, "build/tools/adaptcache"))
OPTIONS = os.environ.get("ADAPTCACHE_MOUNT_OPTS", "")
TEST_DIR = os.environ.get("ADAPTCACHE_TEST_DIR", "/var/tmp")
KIB, MIB = 1 << 10, 1 << 20


class Skip(Exception):
    """The test cannot run here; the text says why."""


def needs_daemon():
    if PLAIN:
        raise Skip("needs the daemon")


def needs_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


class Mount:
    """A backing directory and the mount over it, one after another."""

    def __init__(self, options="", backing=None, start=True):
        self.options = ",".join(o for o in (OPTIONS, options) if o)
        self.temp = tempfile.mkdtemp(prefix="adaptcache-test-", dir=TEST_DIR)
        os.chmod(self.temp, 0o755)
        self.backing = backing or os.path.join(self.temp, "backing")
        self.root = os.path.join(self.temp, "mount")
        os.makedirs(self.backing, exist_ok=True)
        os.mkdir(self.root)
        self.daemon = None
        if start:
            self.start()

    def start(self):
        if PLAIN:
            subprocess.run(["mount", "--bind", self.backing, self.root], check=True)
        else:
            self.daemon = mounted.Daemon(self.backing, self.root, self.options)

    def stop(self):
        """Unmounts and waits until the daemon has drained and is gone."""
        if PLAIN:
            subprocess.run(["umount", self.root], check=True)
        elif self.daemon:
            daemon, self.daemon = self.daemon, None
            daemon.unmount()

    def terminate(self):
        needs_daemon()
        daemon, self.daemon = self.daemon, None
        daemon.terminate()

    def kill(self):
        needs_daemon()
        self.daemon.kill()
        self.daemon = None

    def abandon(self):
        """Kills the daemon and leaves the dead mount point as it is."""
        needs_daemon()
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon = None

    def remount(self):
        self.stop()
        self.start()

    def path(self, *names):
        return os.path.join(self.root, *names)

    def stats(self):
        """.kv/stats as a dict of its `name number` lines."""
        lines = read_file(self.path(".kv", "stats")).decode().splitlines()
        pairs = (line.split() for line in lines)
        return {p[0]: float(p[1]) for p in pairs if len(p) == 2 and is_number(p[1])}

    def containers(self):
        """Relative name -> path in the backing directory, of every container."""
        tree = os.path.join(self.backing, "tree")
        return {os.path.relpath(os.path.join(d, f), tree): os.path.join(d, f)
                for d, _, files in os.walk(tree) for f in files}

    def close(self):
        if self.daemon:
            if not self.daemon.alive():
                print("the daemon ended by itself, status", self.daemon.process.returncode)
            self.daemon.kill()
            print(self.daemon.said())
        if PLAIN and mounted.is_mounted(self.root):
            subprocess.run(["umount", "-l", self.root], check=False)
        shutil.rmtree(self.temp, ignore_errors=True)


@contextlib.contextmanager
def mount(options="", **kwargs):
    """A mount for one test.  It must end well, or the test has failed."""
    m = Mount(options, **kwargs)
    try:
        yield m
        if m.daemon:
            assert m.daemon.alive(), "the daemon died"
        m.stop()
    finally:
        m.close()


@contextlib.contextmanager
def tmpfs(size):
    """A small file system to fill up."""
    needs_root()
    where = tempfile.mkdtemp(prefix="adaptcache-tmpfs-", dir=TEST_DIR)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", where], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], check=False)
        os.rmdir(where)


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


# Contents.  All follow from a seed, so that they can be made again to compare.

def f16_high_bytes(sigma):
    """Table: a uniform byte to the high byte of a Gaussian half float."""
    gauss = statistics.NormalDist(0, sigma)
    return bytes(struct.pack("<e", gauss.inv_cdf((u + 0.5) / 256))[1] for u in range(256))


HIGH_K, HIGH_V = f16_high_bytes(2.0), f16_high_bytes(0.4)


def halves(n, rng, table=HIGH_V):
    """n half floats, normally distributed."""
    out = bytearray(2 * n)
    out[0::2] = rng.randbytes(n)
    out[1::2] = rng.randbytes(n).translate(table)
    return bytes(out)


def llama_state(n_tokens, rng, n_layers=4, width=192):
    """A llama.cpp slot file (sequence version 4): n_layers of f16 K, then V."""
    words = [-1, 1, n_tokens] + [rng.randrange(49152) for _ in range(n_tokens)] + [0]
    out = [b"qsgg", struct.pack("<II", 4, len(words)), struct.pack(f"<{len(words)}i", *words),
           struct.pack("<II", 1, n_tokens)]
    out += [struct.pack("<iIi", pos, 1, 0) for pos in range(n_tokens)]
    out.append(struct.pack("<IIQ", 0, n_layers, 0))
    for table in (HIGH_K, HIGH_V):
        for _ in range(n_layers):
            out.append(struct.pack("<iQ", 1, 2 * width))
            out.append(halves(n_tokens * width, rng, table))
    return b"".join(out)


def text(n, rng):
    words = [b"the", b"cache", b"of", b"keys", b"and", b"values", b"token", b"layer\n"]
    line = b" ".join(rng.choices(words, k=2000))
    return (line * (n // len(line) + 1))[:n]


KINDS = ("zeros", "text", "random", "f16", "llama")


def content(kind, size, seed):
    """About size bytes (exactly, but for llama) that follow from the seed."""
    rng = random.Random(f"{kind}/{size}/{seed}")
    if kind == "zeros":
        return bytes(size)
    if kind == "text":
        return text(size, rng)
    if kind == "random":
        return rng.randbytes(size)
    if kind == "f16":
        return halves(size // 2 + 1, rng)[:size]
    return llama_state(max(1, size // (4 * 2 * 192 * 2)), rng)


# Files.

def write_file(path, data, chunk=MIB, flags=os.O_CREAT | os.O_TRUNC, sync=False):
    """Writes all of data; a short write is an error, as for the engines."""
    fd = os.open(path, os.O_WRONLY | flags, 0o644)
    try:
        view = memoryview(data)
        for off in range(0, len(data), chunk):
            piece = view[off:off + chunk]
            n = os.write(fd, piece)
            assert n == len(piece), f"short write: {n} of {len(piece)} at {off}"
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def publish(path, data, sync=False):
    """As most engines store: a temporary name, then rename over the final."""
    temp = f"{path}.tmp.{os.getpid()}"
    write_file(temp, data, sync=sync)
    os.rename(temp, path)


def read_file(path):
    with open(path, "rb") as f:
        return f.read()


def digest(data):
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def assert_same(path, want):
    got = read_file(path)
    if got == want:
        return
    where = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    raise AssertionError(f"{path}: {len(got)} bytes for {len(want)}, first difference at {where}")


@contextlib.contextmanager
def raises(*errnos):
    """The block must fail with one of these errno values."""
    try:
        yield
    except OSError as e:
        assert e.errno in errnos, f"wrong error: {e}"
    else:
        raise AssertionError("no error")


def eventually(condition, limit_s=10):
    """Waits for what happens after a call has returned, such as a release."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not so after {limit_s} s"
        time.sleep(0.01)


def opens(path):
    """False when there is no such name; other errors are raised."""
    try:
        os.close(os.open(path, os.O_RDONLY))
    except FileNotFoundError:
        return False
    return True


def physical_bytes(directory):
    total = 0
    for d, _, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(d, name)).st_blocks * 512
    return total


def tool(*args):
    """Runs the adaptcache program; the completed process."""
    needs_daemon()
    return subprocess.run([TOOL, *args], capture_output=True, timeout=60, check=False)


def tool_json(*args):
    got = tool(*args, "--json")
    assert got.returncode == 0, got.stderr.decode()
    return json.loads(got.stdout)


def in_children(*functions):
    """Runs each function in a process of its own; all must succeed."""
    pids = []
    for function in functions:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                function()
                status = 0
            except BaseException as e:  # the parent reports it
                print(f"child: {type(e).__name__}: {e}", flush=True)
            os._exit(status)
        pids.append(pid)
    states = [os.waitpid(pid, 0)[1] for pid in pids]
    assert not any(states), f"children ended with {states}"
