"""kvfile.py - the tensors in a llama.cpp state file, and a container's errors

Only what the judge's own files need: one stream, version 4, no sliding window,
V not transposed.  codec/layout/llama.c knows the format in full.
"""

import struct

import numpy as np


class KvFile:
    """A state file's bytes; K[l] and V[l] are float arrays, tokens x channels."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.bytes = bytearray(f.read())
        magic, version, n_words = struct.unpack_from("<III", self.bytes)
        if magic != 0x67677371 or version != 4:
            raise ValueError(f"{path}: not a sequence state of version 4")
        at = 12 + 4 * n_words
        n_stream, cells = struct.unpack_from("<II", self.bytes, at)
        at += 8 + 12 * cells  # of each cell: position, 1, sequence
        transposed, n_layers = struct.unpack_from("<II", self.bytes, at)
        if n_stream != 1 or transposed:
            raise ValueError(f"{path}: several streams, or V transposed")
        at += 16
        self.tokens, self.n_layers, self.where = cells, n_layers, {}
        for role in "KV":
            for layer in range(n_layers):
                kind, row = struct.unpack_from("<iQ", self.bytes, at)
                self.where[role, layer] = at + 12, row
                at += 12 + row * cells
        if at != len(self.bytes):
            raise ValueError(f"{path}: {len(self.bytes) - at} bytes too many")
        self.dtype = {0: "f32", 1: "f16", 30: "bf16"}[kind]
        self.width = 4 if kind == 0 else 2

    def tensors(self):
        return list(self.where)

    def values(self):
        return sum(row // self.width * self.tokens for _, row in self.where.values())

    def view(self, key):
        at, row = self.where[key]
        word = np.uint32 if self.width == 4 else np.uint16
        words = np.frombuffer(self.bytes, word, row // self.width * self.tokens, at)
        return words.reshape(self.tokens, -1)

    def get(self, key):
        words = self.view(key)
        if self.dtype == "f32":
            return words.view(np.float32)
        if self.dtype == "f16":
            return words.view(np.float16).astype(np.float32)
        return (words.astype(np.uint32) << 16).view(np.float32)

    def put(self, key, x):
        if self.dtype == "f32":
            words = np.ascontiguousarray(x, np.float32).view(np.uint32)
        elif self.dtype == "f16":
            words = x.astype(np.float16).view(np.uint16)
        else:
            bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
            words = ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype(np.uint16)
        self.view(key)[:] = words

    def wide(self):
        """The bytes of the file with its values as f32."""
        parts, end = [], 0
        for key, (at, row) in self.where.items():
            parts += [self.bytes[end:at - 12], struct.pack("<iQ", 0, row // self.width * 4),
                      self.get(key).tobytes()]
            end = at + row * self.tokens
        return b"".join(parts) + self.bytes[end:]

    def write(self, path):
        with open(path, "wb") as f:
            f.write(self.bytes)

    def errors(self, lossy, sinks=4):
        """{role: per layer, MSE / variance about the channels' means}"""
        found = {"K": [], "V": []}
        for role, layer in self.where:
            x = self.get((role, layer))[sinks:]
            y = lossy.get((role, layer))[sinks:]
            variance = ((x - x.mean(0)) ** 2).mean()
            found[role].append(float(((x - y) ** 2).mean() / variance))
        return found
