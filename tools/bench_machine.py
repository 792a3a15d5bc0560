"""bench_machine.py - the machine and the software of a run, by name"""

import os
import platform
import re
import subprocess


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
    """The file system; and the same with what its disk is."""
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


def peer_version(*command):
    found = re.search(r"\d+\.\d+[.\d]*", first_line(*command))
    return found.group() if found else "-"


def facts(disk_dir):
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
        ("btrfs-progs", peer_version("mkfs.btrfs", "--version")),
        ("squashfs-tools", peer_version("mksquashfs", "-version")),
        ("Python", platform.python_version()),
        ("load at the start", f"{os.getloadavg()[0]:.2f}"),
    ]
