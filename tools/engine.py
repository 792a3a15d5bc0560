"""engine.py - starts llama.cpp's server on a slot directory and talks to it

Shared by the demo and by the engine test.  Only the standard library here; the
server runs in the environment that tools/engine.sh made.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


class EngineError(Exception):
    """What the engine, or the want of one, has to say."""


def python():
    """The python that has the engine's packages; raises EngineError."""
    got = subprocess.run([os.path.join(HERE, "engine.sh")], capture_output=True,
                         text=True, timeout=600)
    if got.returncode:
        raise EngineError(got.stderr.strip().replace("\n", "; "))
    return got.stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Engine:
    """One running server; a context manager that always stops it."""

    def __init__(self, python_path, slots, threads=0, start_s=120):
        threads = threads or os.cpu_count()
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [python_path, os.path.join(HERE, "llama_server.py"), slots, str(self.port),
             str(threads)],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        try:
            self.wait_ready(start_s)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_ready(self, limit_s):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                if self.call("/health", timeout=5)["status"] == "ok":
                    return
            except (OSError, ValueError, EngineError):
                pass  # not listening, or still loading the model
            time.sleep(0.05)
        raise EngineError("the engine did not start:\n" + self.log_tail())

    def log_tail(self):
        self.log.seek(0)
        return self.log.read()[-1500:].decode(errors="replace")

    def call(self, path, body=None, timeout=300):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data,
                                         {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as e:
            raise EngineError(f"{path}: {e.code} {e.read().decode(errors='replace')}")

    def complete(self, prompt, n_predict):
        """Greedy; the reply has content, tokens and timings."""
        return self.call("/completion", {
            "prompt": prompt, "n_predict": n_predict, "temperature": 0, "id_slot": 0,
            "cache_prompt": True, "return_tokens": True})

    def slot(self, action, name=None):
        body = {"filename": name} if name else {}
        return self.call(f"/slots/0?action={action}", body)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()
