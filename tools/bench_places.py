"""bench_places.py - the directories that tools/bench.sh compares

A place holds the same entries as every other, one set for each reader.  Places
that this machine lacks say why (Absent): they become a line of the page.
"""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import time

import bench_calls
import mounted


class Absent(Exception):
    """This machine has it not; the text says what is missing."""


def run(*command):
    """Raises Absent with what the command said."""
    try:
        got = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as e:
        raise Absent(f"{command[0]}: {e.strerror}") from e
    if got.returncode:
        raise Absent(f"{command[0]}: {(got.stderr or got.stdout).strip().splitlines()[-1:]}")
    return got.stdout


class Place:
    """A directory that is measured."""

    def __init__(self, name, root, buffers):
        self.name, self.root, self.buffers = name, root, buffers
        self.entries, self.exact = None, True
        os.makedirs(root, exist_ok=True)

    def prefix(self, reader):
        return os.path.join(self.root, f"t{reader}")

    def files(self, reader):
        return [(f"{self.prefix(reader)}.{i}", len(plain))
                for i, plain in enumerate(self.entries.bytes)]

    def can(self, how):
        """Whether its files open that way."""
        try:
            os.close(os.open(self.files(0)[0][0],
                             os.O_RDONLY | (os.O_DIRECT if how == "O_DIRECT" else 0)))
        except OSError:
            return False
        return True

    def read(self, how, readers, repeat=1):
        return bench_calls.read_files([self.files(t) for t in range(readers)], how,
                                      self.buffers, repeat)

    def write(self, writers, sync):
        self.clear()
        return bench_calls.timed(
            [lambda t=t: bench_calls.write_files(self.prefix(t), self.entries, sync)
             for t in range(writers)])

    def fill(self, entries, readers):
        """Writes all sets and reads them back."""
        self.clear()
        self.entries = entries
        self.write(readers, False)
        self.settle()
        self.verify(readers)

    def verify(self, readers):
        for t in range(readers):
            for (path, size), plain in zip(self.files(t), self.entries.bytes):
                with open(path, "rb") as f:
                    got = f.read()
                if len(got) != size or self.exact and got != plain:
                    sys.exit(f"bench: {self.name} returned other bytes")

    def settle(self):
        """Nothing of what was written is still on its way to the disk."""
        for path in glob.glob(os.path.join(self.root, "t*")):
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)

    def chill(self):
        """As after a restart."""
        return mounted.drop_caches()

    def clear(self):
        for path in glob.glob(os.path.join(self.root, "t*")):
            os.unlink(path)

    def close(self):
        self.clear()


class MountPlace(Place):
    """Through adaptcachefs."""

    def __init__(self, where, options, buffers, exact=True):
        super().__init__("mount", os.path.join(where, "mount"), buffers)
        self.backing, self.options, self.exact = os.path.join(where, "backing"), options, exact
        os.mkdir(self.backing)
        self.daemon = mounted.Daemon(self.backing, self.root, options)

    def remount(self, options=None):
        self.daemon.unmount()
        self.options = self.options if options is None else options
        self.daemon = mounted.Daemon(self.backing, self.root, self.options)

    def chill(self):
        self.daemon.unmount()
        dropped = mounted.drop_caches()
        self.daemon = mounted.Daemon(self.backing, self.root, self.options)
        return dropped

    def facts(self, name, readers=1):
        return [os.getxattr(path, f"user.kv.stat.{name}").decode()
                for t in range(readers) for path, _ in self.files(t)]

    def tier(self, readers):
        return " and ".join(sorted(set(self.facts("tier", readers))))

    def pack_away(self, readers):
        """Until all is packed in DRAM, as far as waiting and reading help.

        What a reader had open when the policy let the plain copies go may keep
        one: a restart does away with that.  The rows say what came of it."""
        def tiers():
            return set(self.facts("tier", readers))

        end = time.monotonic() + 5
        while "dram-plain" in tiers() and time.monotonic() < end:
            time.sleep(0.1)
        if "dram-plain" in tiers():
            self.remount()
        end = time.monotonic() + 20
        while tiers() != {"dram-packed"} and time.monotonic() < end:
            self.read("read", readers)
            time.sleep(0.1)

    def stored_share(self):
        return sum(map(int, self.facts("stored"))) / self.entries.total

    def thread_names(self):
        names = set()
        for path in glob.glob(f"/proc/{self.daemon.process.pid}/task/*/comm"):
            with contextlib.suppress(OSError), open(path, encoding="utf-8") as f:
                names.add(f.read().strip())
        return sorted(names)

    def processor_s(self):
        """Processor time of all threads that the daemon has now."""
        total = 0
        for path in glob.glob(f"/proc/{self.daemon.process.pid}/task/*/schedstat"):
            with contextlib.suppress(OSError), open(path, encoding="ascii") as f:
                total += int(f.read().split()[0])
        return total * 1e-9

    def close(self):
        self.daemon.unmount()
        shutil.rmtree(self.backing)

    def kill(self):
        self.daemon.kill()


class LoopPlace(Place):
    """A file system in a file on the measured disk."""

    def __init__(self, name, where, buffers):
        super().__init__(name, os.path.join(where, "mount"), buffers)
        self.image = os.path.join(where, "image")

    def attach(self, *options):
        # --direct-io: the pages are cached once, not in the image as well
        device = run("losetup", "-f", "--show", "--direct-io=on", self.image).strip()
        try:
            run("mount", *options, device, self.root)
        finally:
            run("losetup", "-d", device)  # goes with its last user

    def detach(self):
        if mounted.is_mounted(self.root):
            subprocess.run(["umount", self.root], check=False)

    def close(self):
        self.detach()


class Btrfs(LoopPlace):
    NAME = "btrfs zstd:1"

    def __init__(self, where, buffers, size):
        super().__init__(self.NAME, where, buffers)
        with open(self.image, "wb") as f:
            f.truncate(size)
        run("mkfs.btrfs", "-q", "-m", "single", self.image)
        self.attach("-o", "compress=zstd:1")
        self.empty = self.used()

    def used(self):
        run("btrfs", "filesystem", "sync", self.root)
        v = os.statvfs(self.root)
        return (v.f_blocks - v.f_bfree) * v.f_frsize

    def stored_share(self):
        """Of what the entries of one reader take, by the space that is free."""
        sets = len(glob.glob(os.path.join(self.root, "t*.0")))
        return (self.used() - self.empty) / self.entries.total / sets


class Squashfs(LoopPlace):
    """Packed from the files of another place."""
    NAME = "squashfs zstd"

    def __init__(self, where, buffers, source):
        super().__init__(self.NAME, where, buffers)
        self.source = source
        run("mksquashfs", "-version")

    def fill(self, entries, readers):
        self.detach()
        self.entries = entries
        run("mksquashfs", self.source.root, self.image, "-comp", "zstd",
            "-Xcompression-level", "1", "-no-duplicates", "-noappend", "-quiet", "-no-progress")
        self.attach("-t", "squashfs", "-o", "ro")
        self.verify(readers)

    def clear(self):
        pass

    def stored_share(self):
        sets = len(glob.glob(os.path.join(self.root, "t*.0")))
        return os.path.getsize(self.image) / self.entries.total / sets


class Passthrough(Place):
    """libfuse's own example over the files of another place."""
    NAME = "passthrough_hp"

    def __init__(self, where, buffers, source):
        super().__init__(self.NAME, os.path.join(where, "mount"), buffers)
        self.source, self.process = source, None
        self.program = os.path.join(os.environ.get("ADAPTCACHE_PREFIX", ""),
                                    "peers/passthrough_hp")
        if not os.access(self.program, os.X_OK):
            raise Absent("not built (tools/setup.sh --peers)")

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--foreground", self.source.root, self.root],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not mounted.serves(self.root):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Absent("it does not start")
            time.sleep(0.01)

    def fill(self, entries, readers):
        self.close()  # it keeps names for a day, and the source has other files
        self.start()
        self.entries = entries
        self.verify(readers)

    def clear(self):
        pass

    def close(self):
        if self.process:
            mounted.lazy_unmount(self.root)
            self.process.terminate()
            self.process.wait()
            self.process = None
