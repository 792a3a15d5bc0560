"""mounted.py - runs adaptcachefs over a backing directory, and ends it

Shared by the demo and by the mount tests.  The daemon stays in the foreground
(-f), so that its exit status and what it says on stderr are ours to read.
"""

import os
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("ADAPTCACHEFS", os.path.join(ROOT, "build/fs/adaptcachefs"))


class MountError(Exception):
    """The daemon did not start, did not end, or ended badly."""


def drop_caches():
    """True when the kernel's page cache could be dropped (root)."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")
    except OSError:
        return False
    return True


def mounts(path):
    """How many mounts lie on this path."""
    path = os.path.abspath(path)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        return sum(line.split()[4].replace("\\040", " ") == path for line in f)


def is_mounted(path):
    return mounts(path) > 0


def serves(path):
    """Mounted, and whoever serves it answers."""
    try:
        return is_mounted(path) and bool(os.statvfs(path))
    except OSError:
        return False  # a dead mount point


def lazy_unmount(path):
    for command in ([["umount", "-l", path]] * mounts(path) + [["fusermount3", "-uz", path]]):
        if is_mounted(path):
            subprocess.run(command, stderr=subprocess.DEVNULL, check=False, timeout=30)


class Daemon:
    """One running daemon.  start_s and stop_s bound every wait."""

    def __init__(self, backing, mountpoint, options="", start_s=30):
        self.mountpoint = mountpoint
        self.log = tempfile.TemporaryFile()
        command = [PROGRAM, backing, mountpoint, "-f"]
        if options:
            command += ["-o", options]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, cwd="/")
        end = time.monotonic() + start_s
        while not serves(mountpoint):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise MountError("not mounted:\n" + self.said())
            time.sleep(0.005)

    def alive(self):
        return self.process.poll() is None

    def said(self):
        """What the daemon wrote, the end of it."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), 6000, max(0, size - 6000)).decode(errors="replace")

    def wait(self, stop_s=120):
        """Waits for the daemon's own end, which drains what is staged."""
        try:
            status = self.process.wait(stop_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise MountError(f"still there {stop_s} s after the unmount:\n" + self.said())
        if status:
            raise MountError(f"ended with status {status}:\n" + self.said())

    def unmount(self, stop_s=120):
        subprocess.run(["fusermount3", "-u", self.mountpoint], check=True, timeout=stop_s)
        self.wait(stop_s)

    def terminate(self, stop_s=120):
        self.process.send_signal(signal.SIGTERM)
        self.wait(stop_s)

    def kill(self):
        """As a crash does; then clears the dead mount point away."""
        if self.alive():
            self.process.kill()
        self.process.wait()
        lazy_unmount(self.mountpoint)
