#!/usr/bin/env python3
"""with_mount.py - runs a command in a fresh mount, and judges how both end

usage: with_mount.py [-o OPTIONS] COMMAND [ARG...]

The command's working directory is the mount.  Its exit status is ours, 1 if the
daemon dies or ends badly.  KIT_PLAIN=1 takes a plain directory instead.
"""

import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mount"))
import kit  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", dest="options", default="")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    with kit.mount(args.options) as m:
        return subprocess.run(args.command, cwd=m.root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
