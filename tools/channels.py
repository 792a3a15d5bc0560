"""channels.py - what an error in a channel of K costs, from the model's queries

An error in a channel of K changes a token's score by it times what the query
has in that channel; what that does to the layer's output depends on how much
the token is attended to and on how its value differs from the mean of all.
Per channel and query head, with p the attention to token j and o the output:

  weight = mean over queries of q^2 sum over j of p^2 |W (v_j - o)|^2

The model is run in plain NumPy, so this knows one architecture, Llama's; of
another it says nothing, and no channel gets a shift.
"""

import os
import struct

import numpy as np

from judge import CONTEXT, ModelError

WARM = 256  # tokens whose queries see too little to count
SINKS = 4   # tokens that are kept exact
LEAST, MOST = -2, 1  # log2 of a channel's step over the layer's: shifts less 2
POWER = -0.4  # of a weight: a little less than theory has, for weights are of other texts

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?",
           10: "Q", 11: "q", 12: "d"}
STRING, ARRAY, F32, F16 = 8, 9, 0, 1


class Gguf:
    """A model's file: facts, and tensors of F32 or F16."""

    def __init__(self, path):
        self.bytes = np.memmap(path, np.uint8, "r")
        self.at = 4
        if bytes(self.bytes[:4]) != b"GGUF":
            raise ModelError(f"{path}: not a GGUF file")
        self.one("I")
        n_tensors, n_facts = self.one("Q"), self.one("Q")
        self.facts = {}
        for _ in range(n_facts):
            name = self.string()
            self.facts[name] = self.value(self.one("I"))
        self.places = {}
        for _ in range(n_tensors):
            name = self.string()
            dims = [self.one("Q") for _ in range(self.one("I"))]
            self.places[name] = dims[::-1], self.one("I"), self.one("Q")
        align = self.facts.get("general.alignment", 32)
        self.data = (self.at + align - 1) // align * align

    def one(self, form):
        value, = struct.unpack_from("<" + form, self.bytes, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def string(self):
        n = self.one("Q")
        self.at += n
        return bytes(self.bytes[self.at - n:self.at]).decode("utf-8", "replace")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, n = self.one("I"), self.one("Q")
            return [self.value(kind) for _ in range(n)]
        return self.one(SCALARS[kind])

    def tensor(self, name):
        dims, kind, off = self.places[name]
        if kind not in (F32, F16):
            raise ModelError(f"{name}: not F32")
        form = np.float32 if kind == F32 else np.float16
        x = np.frombuffer(self.bytes, form, int(np.prod(dims)), self.data + off)
        return x.astype(np.float32).reshape(dims)


class Llama:
    def __init__(self, gguf):
        def fact(name):
            return gguf.facts["llama." + name]
        self.tensor = gguf.tensor
        self.n_layers, self.heads = fact("block_count"), fact("attention.head_count")
        self.kv_heads = fact("attention.head_count_kv")
        self.dims = fact("embedding_length") // self.heads
        self.eps = fact("attention.layer_norm_rms_epsilon")
        self.theta = fact("rope.freq_base")

    def norm(self, x, name):
        return (x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) *
                self.tensor(name + "_norm.weight"))

    def turn(self, x):
        """Heads of rows turned by position; pairs lie side by side."""
        n = len(x)
        angle = np.arange(n)[:, None] * self.theta ** (-np.arange(0, self.dims, 2) / self.dims)
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = np.moveaxis(x.reshape(n, -1, self.dims // 2, 2), -1, 0)
        return np.stack([a * c - b * s, b * c + a * s],
                        -1).reshape(n, -1, self.dims).astype(np.float32)

    def head(self, q, k, v, w):
        """One query head: (its output, weight of each of K's channels)."""
        n = len(q)
        score = q @ k.T / np.sqrt(self.dims) + np.triu(np.full((n, n), -np.inf, np.float32), 1)
        p = np.exp(score - score.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        out = p @ v
        p2 = p[WARM:] ** 2
        p2[:, :SINKS] = 0
        g, o = w.T @ w, out[WARM:]
        vg, og = v @ g, o @ g
        apart = (p2 @ (vg * v).sum(-1) - 2 * ((p2 @ v) * og).sum(-1) +
                 p2.sum(-1) * (og * o).sum(-1))
        return out, (apart[:, None] * q[WARM:] ** 2).mean(0)

    def weights(self, tokens):
        """layers x channels of K."""
        x = self.tensor("token_embd.weight")[tokens]
        n, found = len(tokens), np.zeros((self.n_layers, self.kv_heads, self.dims))
        for l in range(self.n_layers):
            name = f"blk.{l}."
            y = self.norm(x, name + "attn")
            q = self.turn(y @ self.tensor(name + "attn_q.weight").T)
            k = self.turn(y @ self.tensor(name + "attn_k.weight").T)
            v = (y @ self.tensor(name + "attn_v.weight").T).reshape(n, -1, self.dims)
            wo = self.tensor(name + "attn_output.weight")
            out = np.zeros((n, self.heads, self.dims), np.float32)
            for h in range(self.heads):
                kv = h // (self.heads // self.kv_heads)
                w = wo[:, h * self.dims:(h + 1) * self.dims]
                out[:, h], weight = self.head(q[:, h], k[:, kv], v[:, kv], w)
                found[l, kv] += weight
            x = x + out.reshape(n, -1) @ wo.T
            y = self.norm(x, name + "ffn")
            gate = y @ self.tensor(name + "ffn_gate.weight").T
            up = y @ self.tensor(name + "ffn_up.weight").T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ self.tensor(name + "ffn_down.weight").T
        return found.reshape(self.n_layers, -1)


def channel_weights(judged, text):
    """layers x channels of K, kept beside the text's cache; None: not known."""
    path = os.path.splitext(judged.kv(text))[0] + ".channels.npy"
    if not os.path.exists(path):
        gguf = Gguf(judged.judge().model.path)
        if gguf.facts["general.architecture"] != "llama":
            return None
        np.save(path, Llama(gguf).weights(judged.judge().tokens(text)[:CONTEXT]))
    return np.load(path)


def shifts(weights):
    """From such of one text or more: log2 of each channel's step over the layer's.

    Steps as weight^POWER, in powers of two; two channels that turn together get
    the same."""
    w = np.exp(np.mean([np.log(x + 1e-30) for x in weights], 0))
    w = np.repeat(w.reshape(len(w), -1, 2).mean(-1), 2, 1)
    middle = np.exp(np.log(w).mean(1, keepdims=True))
    return np.clip(np.rint(POWER * np.log2(w / middle)), LEAST, MOST).astype(int)
