"""bench.py - the mount against other file systems, and against itself as it grows

Run by tools/bench.sh, which builds first.  bench_data makes the bytes,
bench_places the directories, bench_calls what is timed, bench_rounds the
ratios; bench_table says which rows there are, bench_targets what is required
of them, bench_page writes it down.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile

import bench_codec
import bench_data
import bench_engine
import bench_machine
import bench_page
import bench_scaling
import bench_table
import engine
import mounted

PAGE = os.path.join(mounted.ROOT, "docs/performance.md")
MIB = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench.sh", description="measures the mount")
    parser.add_argument("--data", nargs="+", default=[], metavar="SLOT_FILE")
    parser.add_argument("--rounds", type=int, default=0, help="at least 5 (3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer rows, smaller entries")
    parser.add_argument("--names", type=int, help="the most names, 100000 when not given")
    parser.add_argument("--large", action="store_true", help="an entry of 4 GiB as well")
    parser.add_argument("--profile", action="store_true", help="perf of the daemon by symbol")
    parser.add_argument("--out", default=PAGE, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dir", default="/var/tmp", help="on the disk to measure")
    parser.add_argument("-o", dest="options", default="", metavar="MOUNT_OPTIONS")
    args = parser.parse_args()
    args.rounds = max(args.rounds, 3 if args.quick else 5)
    args.names_default = 10000 if args.quick else 100000
    args.names = args.names or args.names_default
    return args


def directory(where, name):
    path = os.path.join(where, name)
    os.mkdir(path)
    return path


def engine_rows(where, shm, buffers, rounds):
    try:
        return bench_engine.measure(where, shm, buffers, rounds)
    except engine.EngineError as e:
        return {"absent": str(e)}


def measure(args, where, shm, stack):
    args.disk_kind = bench_machine.disk_name(where)[0]
    result = {"machine": bench_machine.facts(where)}
    source = bench_data.Source(args.data, where)
    result["source"] = f"{source.what} ({source.names()})"
    result["codecs"] = bench_codec.table(source.paths, args.quick)
    result["decoder"] = bench_codec.decoders(source.paths[:1])
    table = bench_table.Table(source, where, directory(shm, "plain"), args)
    stack.callback(table.close)
    table.ordinary()
    result["threads"] = {name: table.rate(name) for name in bench_table.RATES}
    result.update(rows=table.rows, shares=table.shares, absent=table.absent)
    largest = 16 * MIB if args.quick else 4 << 30 if args.large else 1 << 30
    result["sizes"] = bench_scaling.sizes(table, largest)
    result["engine"] = engine_rows(directory(where, "engine"), shm, table.buffers, args.rounds)
    result["names"] = bench_scaling.names(directory(where, "names"), shm, args.names)
    return result


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.geteuid() or bench_machine.first_line("stat", "-f", "-c", "%T", "/dev/shm") != "tmpfs":
        sys.exit("bench: needs root (mounts, dropped caches) and a tmpfs on /dev/shm")
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(tempfile.TemporaryDirectory(prefix="adaptcache-bench-",
                                                                dir=args.dir))
        shm = tempfile.mkdtemp(prefix="adaptcache-bench-", dir="/dev/shm")
        stack.callback(shutil.rmtree, shm, ignore_errors=True)
        result = measure(args, where, shm, stack)
    if args.json:
        print(json.dumps(result, indent=1))
    text, targets = bench_page.page(result, args)
    os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)
    with open(args.out, "w", encoding="utf-8") as f:
        f.write(text)
    bench_page.plots(result, targets, args.out)


if __name__ == "__main__":
    main()
