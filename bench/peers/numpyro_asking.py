"""NumPyro's `Predictive` under `do` on the napkin: per question seconds, and how noisy each draw's number is.

Called by asking.py: `FILE DRAWS.npz REQUEST.json`. Every program is jitted, the value that is set being an argument, so that
each kind of question compiles once. It is given what helps it: the last step of Y is integrated, a value of W as evidence
is weighed by its density, both as latentdo does, and of the two ways in which Predictive goes through draws the faster one.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import ndtr
from numpyro.handlers import condition, do
from numpyro.infer import Predictive

BEGUN = time.perf_counter()
MOST_AT_ONCE = 5e7
SITES = ("log mean of W", "mean of Y")


def parameter(name: str) -> Any:
    """A site that the draws fill in."""
    return numpyro.sample(name, dist.Normal(0.0, 1.0))


def napkin(n_units: int) -> None:
    """W -> R -> X -> Y with U behind W and X, V behind W and Y: as many units as are asked for."""
    p = {name: parameter(name) for name in NAMES}
    with numpyro.plate("units", n_units):
        u = numpyro.sample("U", dist.Normal(0.0, 1.0))
        v = numpyro.sample("V", dist.Normal(0.0, 1.0))
        log_w = numpyro.deterministic("log mean of W", p["W.0"] + p["W.1"] * u + p["W.2"] * v)
        w = numpyro.sample("W", dist.Gamma(p["W.shape"], p["W.shape"] * jnp.exp(-log_w)))
        r = numpyro.sample("R", dist.Normal(p["R.0"] + p["R.1"] * w, p["R.sd"]))
        x = numpyro.sample("X", dist.Bernoulli(logits=p["X.0"] + p["X.1"] * r + p["X.2"] * u))
        mean = numpyro.deterministic("mean of Y", p["Y.0"] + p["Y.1"] * x + p["Y.2"] * v)
        numpyro.sample("Y", dist.Normal(mean, p["Y.sd"]))


NAMES = ("W.0", "W.1", "W.2", "W.shape", "R.0", "R.1", "R.sd", "X.0", "X.1", "X.2", "Y.0", "Y.1", "Y.2", "Y.sd")


def question(kind: str, n_units: int, parallel: bool) -> Callable[..., Any]:
    """The compiled program of a kind of question: (key, draws, value, threshold or evidence) to one number per draw."""
    node, functional, seen = kind.split()

    def ask(key: Any, draws: Mapping[str, Any], value: Any, other: Any) -> Any:
        model = do(condition(napkin, {"W": jnp.full(n_units, other)}) if seen == "W=" else napkin, {node: value})
        predictive = Predictive(model, posterior_samples=draws, return_sites=list(SITES), parallel=parallel)
        found = predictive(key, n_units)
        if functional == "event":
            return ndtr((found["mean of Y"] - other) / draws["Y.sd"][:, None]).mean(axis=1)
        if seen != "-":
            shape = draws["W.shape"][:, None]
            rate = shape * jnp.exp(-found["log mean of W"])
            # As in latentdo: units are weighed by the evidence, not thrown away.
            log_weight = dist.Gamma(shape, rate).log_prob(other)
            return (jax.nn.softmax(log_weight, axis=1) * found["mean of Y"]).sum(axis=1)
        return found["mean of Y"].mean(axis=1)

    return jax.jit(ask)


def seconds_of(program: Callable[..., Any], draws: Mapping[str, Any], points: list[list[float]]) -> dict[str, float]:
    """Seconds of the first call, compilation included, and of one of the others: clock and processor."""
    found = {}
    for name, own in (("first", points[:1]), ("each", points[1:])):
        begun, processor = time.perf_counter(), time.process_time()
        for k, point in enumerate(own):
            program(jax.random.key(k), draws, *point).block_until_ready()
        found[name] = (time.perf_counter() - begun) / len(own)
        found[f"{name}_processor"] = (time.process_time() - processor) / len(own)
    return found


def run(request: dict[str, Any], draws: Mapping[str, Any]) -> dict[str, Any]:
    """Per kind of question: seconds, and the variance that finitely many units add to each draw's number."""
    n_units, found = request["n_units"], {}
    for kind, points in request["points"].items():
        size = n_units[kind]
        # All draws at once only where that fits into memory.
        fits = size * len(draws["Y.0"]) < MOST_AT_ONCE
        modes = {mode: question(kind, size, mode) for mode in ((False, True) if fits else (False,))}
        speeds = {mode: seconds_of(program, draws, points[: request["timed"]]) for mode, program in modes.items()}
        mode = min(speeds, key=lambda mode: speeds[mode]["each"])
        noises, means, sds = [], [], []
        for point in points[: request["judged"]]:
            first, second = (np.asarray(modes[mode](jax.random.key(1000 + k), draws, *point)) for k in (0, 1))
            noises.append(float(((first - second) ** 2).mean() / 2))
            means.append(float(first.mean()))
            sds.append(float(first.std(ddof=1)))
        found[kind] = {
            "n_units": size,
            **speeds[mode],
            "parallel": mode,
            "noise": noises,
            "mean": means,
            "sd": sds,
        }
    return found


def main() -> None:
    draws = {name: jnp.asarray(values) for name, values in np.load(sys.argv[1]).items()}
    request = json.loads(Path(sys.argv[2]).read_text(encoding="utf8"))
    found = run(request, draws)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"kinds": found, "inside": time.perf_counter() - BEGUN, "peak": peak}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
