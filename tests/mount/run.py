#!/usr/bin/env python3
"""run.py - runs the mount tests, one line each, and counts them

usage: run.py [-v] [--list] [-x NAME-PART]... [NAME-PART...]

Each test runs in a process group of its own under a time limit, so that neither
a hung daemon nor a hung call stops the rest.  The closing line is
`N passed, N failed, N skipped`; the exit status is 1 if any failed.
"""

import argparse
import glob
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import kit

LIMIT_S = 120  # a test's own LIMITS = {"name": seconds} goes before it
PASSED, FAILED, SKIPPED = 0, 1, 77


def discover():
    tests = []
    for path in sorted(glob.glob(os.path.join(kit.HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        limits = getattr(module, "LIMITS", {})
        for name, function in vars(module).items():
            if name.startswith("test_") and function.__module__ == module.__name__:
                tests.append((f"{module.__name__[5:]}.{name[5:]}", function,
                              limits.get(name, LIMIT_S)))
    return tests


def child(function, output):
    """Never returns: the exit status is the outcome, the output the reason."""
    os.setsid()
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    status = FAILED
    try:
        function()
        status = PASSED
    except kit.Skip as e:
        print(e)
        status = SKIPPED
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def mounts_below(prefix):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        return [p for p in (line.split()[4] for line in f) if p.startswith(prefix)]


def end_group(pid):
    """Ends what a failed test left: its daemon, its children, its mounts."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for path in mounts_below(kit.TEST_DIR + "/"):
        kit.mounted.lazy_unmount(path)


def run_one(function, limit_s):
    """Returns (outcome, what it printed)."""
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            child(function, output)
        end = time.monotonic() + limit_s
        done, state = os.waitpid(pid, os.WNOHANG)
        while not done and time.monotonic() < end:
            time.sleep(0.01)
            done, state = os.waitpid(pid, os.WNOHANG)
        if not done:
            end_group(pid)
            os.waitpid(pid, 0)
        outcome = os.waitstatus_to_exitcode(state) if done else FAILED
        if outcome != PASSED:
            end_group(pid)
        output.seek(0)
        said = output.read().decode(errors="replace")
        return outcome, said if done else said + f"\nended after {limit_s} s"


def unable():
    """Why no mount test can run here, or None."""
    if kit.PLAIN:
        return None
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", action="store_true", help="show what tests print")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-x", action="append", default=[], help="leave these out")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    tests = [t for t in discover() if (not args.names or any(n in t[0] for n in args.names))
             and not any(n in t[0] for n in args.x)]
    if args.list:
        print("\n".join(t[0] for t in tests))
        return 0
    kit.TEST_DIR = tempfile.mkdtemp(prefix="adaptcache-tests-", dir=kit.TEST_DIR)
    os.chmod(kit.TEST_DIR, 0o755)
    try:
        return run_all(tests, args.v)
    finally:
        shutil.rmtree(kit.TEST_DIR, ignore_errors=True)


def run_all(tests, verbose):
    reason = unable()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, function, limit_s in tests:
        start = time.monotonic()
        outcome, said = (SKIPPED, reason) if reason else run_one(function, limit_s)
        word = {PASSED: "passed", SKIPPED: "skipped"}.get(outcome, "failed")
        counts[word] += 1
        note = f"  ({said.strip()})" if word == "skipped" else ""
        print(f"{word:<8} {time.monotonic() - start:6.1f} s  {name}{note}", flush=True)
        if word == "failed" or verbose and said.strip() and not note:
            print("    " + said.strip().replace("\n", "\n    "), flush=True)
    print(", ".join(f"{n} {word}" for word, n in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
