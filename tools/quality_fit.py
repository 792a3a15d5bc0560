"""quality_fit.py - the curve from recorded errors to damage

KLD = a eK^p + b eV^q, fitted in logarithms: what policy/damage.h computes.
"""

import math

import numpy as np


def predict(constants, k_error, v_error):
    a, p, b, q = constants
    return a * k_error ** p + b * v_error ** q


def residuals(logs, rows):
    """logs: log a, p, log b, q; rows: eK, eV, KLD."""
    a, p, b, q = logs
    ek, ev, kld = rows.T
    said = np.exp(np.clip(a + p * np.log(ek), -50, 50)) + np.exp(
        np.clip(b + q * np.log(ev), -50, 50))
    return np.log(said) - np.log(kld)


def fit(rows):
    """The constants with the least squares of log(predicted / measured), by
    damped Newton steps on a numeric derivative."""
    rows = np.array(rows)
    at = np.array([math.log(0.3), 1.0, math.log(0.1), 1.0])
    damping, worth = 1e-2, np.sum(residuals(at, rows) ** 2)
    for _ in range(200):
        r = residuals(at, rows)
        slope = np.array([(residuals(at + 1e-5 * unit, rows) - r) / 1e-5
                          for unit in np.eye(4)]).T
        # powers stay near 1: the two errors rise together and tell little apart
        pull = np.diag([0, 2.0, 0, 2.0])
        off = np.array([0, 2.0 * (at[1] - 1), 0, 2.0 * (at[3] - 1)])
        matrix = slope.T @ slope + pull + damping * np.eye(4)
        step = np.linalg.solve(matrix, -(slope.T @ r + off))
        new = np.sum(residuals(at + step, rows) ** 2)
        if new < worth:
            at, worth, damping = at + step, new, damping / 3
        else:
            damping *= 4
    return math.exp(at[0]), at[1], math.exp(at[2]), at[3]


def miss(constants, rows):
    """(bias, rms factor) of predictions, as factors."""
    logs = [math.log(predict(constants, ek, ev) / kld) for ek, ev, kld in rows]
    bias = sum(logs) / len(logs)
    return math.exp(bias), math.exp(math.sqrt(sum(x * x for x in logs) / len(logs)))


def rank(xs):
    order = np.argsort(xs)
    ranks = np.empty(len(xs))
    ranks[order] = np.arange(len(xs))
    return ranks


def spearman(xs, ys):
    return float(np.corrcoef(rank(np.array(xs)), rank(np.array(ys)))[0, 1])
