"""demo.py - a real engine's KV cache through the mount, timed and compared

Run by tools/demo.sh, which installs and builds first.  Every figure is measured
in this run.  What is compared: the text that the engine goes on with while it
still holds the prompt's KV in memory, and the text after the KV went through
save, unmount, mount and restore.  Both start with the same tokens in the same
batches, so any difference is the file system's.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import engine
import mounted

DOCUMENT = "/usr/share/common-licenses/GPL-3"
DOCUMENT_BYTES = 6800  # about 1,500 tokens
CONTINUE_TOKENS = 48
SLOT = "document.bin"


def timed(function, *args):
    start = time.monotonic()
    result = function(*args)
    return time.monotonic() - start, result


class Store:
    """The slot directory on the mount, or with --plain on a plain directory."""

    def __init__(self, plain, options):
        self.plain, self.options, self.daemon = plain, options, None
        # /var/tmp, not /tmp: a tmpfs there would make SSD of DRAM.
        self.temp = tempfile.TemporaryDirectory(prefix="adaptcache-demo-", dir=plain or "/var/tmp")
        self.backing = os.path.join(self.temp.name, "backing")
        self.root = self.backing if plain else os.path.join(self.temp.name, "mount")
        os.makedirs(self.backing)
        os.makedirs(self.root, exist_ok=True)
        self.slots = os.path.join(self.root, "llama")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon:
            self.daemon.kill()
        self.temp.cleanup()

    def mount(self):
        if not self.plain:
            self.daemon = mounted.Daemon(self.backing, self.root, self.options)
        os.makedirs(self.slots, exist_ok=True)

    def unmount(self):
        if self.daemon:
            self.daemon.unmount()
            self.daemon = None


def first_pass(python, store, text, out):
    """Without the cache: computes the prompt, saves it, goes on."""
    with engine.Engine(python, store.slots) as llama:
        out["ttft_without_cache_s"], reply = timed(llama.complete, text, 1)
        out["prompt_tokens"] = reply["timings"]["prompt_n"]
        out["prefill_s"] = reply["timings"]["prompt_ms"] / 1000
        out["save_s"], saved = timed(llama.slot, "save", SLOT)
        out["bytes_written"] = saved["n_written"]
        return llama.complete(text, CONTINUE_TOKENS)["content"]


def second_pass(python, store, text, out):
    """A new engine on a new mount: restores cold, goes on, restores warm."""
    out["caches_dropped"] = mounted.drop_caches()  # before the engine loads its model
    with engine.Engine(python, store.slots) as llama:
        out["restore_cold_s"], restored = timed(llama.slot, "restore", SLOT)
        out["bytes_read"] = restored["n_read"]
        first_s, _ = timed(llama.complete, text, 1)
        out["ttft_with_cache_s"] = out["restore_cold_s"] + first_s
        reply = llama.complete(text, CONTINUE_TOKENS)
        llama.slot("erase")
        out["restore_warm_s"], _ = timed(llama.slot, "restore", SLOT)
        return reply["content"]


def run(python, store):
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read(DOCUMENT_BYTES)
    out = {"document": DOCUMENT, "cores": os.cpu_count(), "plain": bool(store.plain)}
    store.mount()
    before = first_pass(python, store, text, out)
    out["unmount_s"], _ = timed(store.unmount)
    store.mount()
    st = os.stat(os.path.join(store.slots, SLOT))
    out["logical_bytes"], out["stored_bytes"] = st.st_size, st.st_blocks * 512
    out["ratio"] = st.st_size / max(1, st.st_blocks * 512)
    after = second_pass(python, store, text, out)
    store.unmount()
    out["text_identical"] = before == after
    out["text"] = after
    return out


def table(out):
    def seconds(key):
        v = out[key]
        return f"{v:.2f} s" if v >= 1 else f"{v * 1000:.0f} ms"

    cold = "from the backing" if out["caches_dropped"] else "page cache not dropped: needs root"
    rows = [
        ("prompt", f"{out['prompt_tokens']} tokens of {out['document']}, {out['cores']} cores"),
        ("prefill without the cache", seconds("prefill_s")),
        ("save", seconds("save_s")),
        ("unmount (what is staged is packed)", seconds("unmount_s")),
        ("restore, cold", f"{seconds('restore_cold_s')}   ({cold})"),
        ("restore, warm", f"{seconds('restore_warm_s')}   (from DRAM)"),
        ("time to first token, without", seconds("ttft_without_cache_s")),
        ("time to first token, with, cold", seconds("ttft_with_cache_s")),
        ("logical bytes", f"{out['logical_bytes']:,}"),
        ("stored bytes", f"{out['stored_bytes']:,}"),
        ("ratio", f"{out['ratio']:.2f}"),
        ("text identical", "yes" if out["text_identical"] else "NO"),
    ]
    where = "a plain directory" if out["plain"] else "AdaptCache"
    print(f"llama.cpp's server, SmolLM2-135M, slot files on {where}")
    for name, value in rows:
        print(f"  {name:<36} {value}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--plain", metavar="DIR", help="the baseline: a plain directory in DIR")
    parser.add_argument("-o", dest="options", default="", help="mount options")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(Store(args.plain, args.options))
            out = run(engine.python(), store)
    except (engine.EngineError, mounted.MountError, OSError, subprocess.SubprocessError) as e:
        sys.exit(f"demo: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
    if args.json:
        print(json.dumps(out, indent=2))
    else:
        table(out)
    sys.exit(0 if out["text_identical"] else 1)


if __name__ == "__main__":
    main()
