"""bench_engine.py - llama.cpp restores a slot from the mount and from tmpfs

One server, and one slot directory on tmpfs in which one file lies and another
leads to the mount: so the two are restored one right after the other by the
same process.  What counts is the time that the server says it took.
"""

import os
import statistics
import sys

import bench_places
import demo
import engine
from bench_rounds import spread

FILES = {"mount": "mount.bin", "tmpfs": "tmpfs.bin"}
MIB = 1 << 20


def restore(llama, place):
    llama.slot("erase")
    took, reply = demo.timed(llama.slot, "restore", FILES[place])
    return reply.get("timings", {}).get("restore_ms", 1e3 * took) / 1e3


def rounds_of(llama, mount, n, cold):
    """Seconds of n restores each, one after the other."""
    took = {"mount": [], "tmpfs": []}
    for i in range(n):
        order = ["mount", "tmpfs"]
        for place in order if i % 2 == 0 else reversed(order):
            if cold and place == "mount":
                mount.chill()
            elif not cold:
                restore(llama, place)
            took[place].append(restore(llama, place))
    return {"mount_s": statistics.median(took["mount"]),
            "tmpfs_s": statistics.median(took["tmpfs"]),
            "ratio": spread([b / a for a, b in zip(took["mount"], took["tmpfs"])])}


def measure(where, tmpfs_dir, buffers, rounds):
    """Raises engine.EngineError where there is no engine."""
    python = engine.python()
    slots = os.path.join(tmpfs_dir, "slots")
    os.mkdir(slots)
    mount = bench_places.MountPlace(where, "", buffers)
    try:
        os.symlink(os.path.join(mount.root, "slot.bin"), os.path.join(slots, FILES["mount"]))
        with open(demo.DOCUMENT, encoding="utf-8") as f:
            text = f.read(demo.DOCUMENT_BYTES)
        with engine.Engine(python, slots) as llama:
            timings = llama.complete(text, 1)["timings"]
            for name in FILES.values():
                n_bytes = llama.slot("save", name)["n_written"]
            os.sync()
            out = {"tokens": timings["prompt_n"], "prefill_s": timings["prompt_ms"] / 1e3,
                   "bytes": n_bytes, "hot": rounds_of(llama, mount, rounds, False)}
            out["tier"] = os.getxattr(os.path.join(mount.root, "slot.bin"),
                                      "user.kv.stat.tier").decode()
            out["cold"] = rounds_of(llama, mount, rounds, True)
    except BaseException:
        mount.kill()
        raise
    mount.close()
    print(f"llama.cpp: {out['tokens']} tokens in {out['prefill_s']:.2f} s; restored in "
          f"{out['hot']['mount_s'] * 1e3:.1f} ms, tmpfs {out['hot']['tmpfs_s'] * 1e3:.1f}, cold "
          f"{out['cold']['mount_s'] * 1e3:.1f}", file=sys.stderr, flush=True)
    return out
