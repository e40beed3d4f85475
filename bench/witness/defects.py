"""What ananke-causal makes of cases with a known answer, run by its own interpreter: one line for each behaviour."""

from __future__ import annotations

from typing import Any

DATASETS = 20


def effect_of(edges: list[tuple[str, str]], arcs: list[tuple[str, str]], treatment: str = "T") -> Any:
    """ananke's effect of a treatment on Y."""
    from ananke.estimation import CausalEffect
    from ananke.graphs import ADMG

    nodes = list(dict.fromkeys(name for pair in (*edges, *arcs) for name in pair))
    return CausalEffect(ADMG(nodes, di_edges=edges, bi_edges=arcs), treatment, "Y")


def told(effect: Any, frame: Any, method: str) -> str:
    """The number or the error."""
    try:
        return f"{effect.compute_effect(frame, method):.3f}"
    except Exception as error:  # noqa: BLE001 the error is the finding
        return type(error).__name__


def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    import numpy as np

    return 1 / (1 + np.exp(-x))


def back_door(n: int, seed: int, *, binary: bool = True) -> Any:
    """C -> T -> Y, C -> Y; the effect is 1."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    c, e, noise = rng.normal(size=(3, n))
    t = (rng.random(n) < logistic(c)).astype(float) if binary else 0.5 * c + e
    return pd.DataFrame({"C": c, "T": t, "Y": t + c + noise})


def front_door(n: int, seed: int) -> Any:
    """C -> T, C -> M, C -> Y, T -> M -> Y, T <-> Y."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    c, u, noise = rng.normal(size=(3, n))
    t = (rng.random(n) < logistic(0.5 * c + u)).astype(float)
    m = (rng.random(n) < logistic(-1 + 2 * t + 0.8 * c)).astype(float)
    return pd.DataFrame({"C": c, "T": t, "M": m, "Y": 1 + 1.5 * m + 0.7 * c + 1.2 * u + noise})


def measured() -> list[dict[str, str]]:
    """What was tried and what came out, in words."""
    import numpy as np

    adjusted = effect_of([("C", "T"), ("C", "Y"), ("T", "Y")], [])
    fronted = effect_of([("C", "T"), ("C", "M"), ("C", "Y"), ("T", "M"), ("M", "Y")], [("T", "Y")])

    def farthest(effect: Any, draw: Any, one: str, other: str) -> float:
        frames = [draw(500, seed) for seed in range(DATASETS)]
        return max(abs(effect.compute_effect(f, one) - effect.compute_effect(f, other)) for f in frames)

    continuous = back_door(500, 0, binary=False)
    singles = ("ipw", "p-ipw", "n-ipw", "d-ipw", "gformula", "aipw", "eff-aipw", "apipw")
    found = [
        {
            "case": "a continuous treatment, effect 1",
            "found": ", ".join(f"`{method}` {told(adjusted, continuous, method)}" for method in singles),
        },
        {
            "case": "`eff-aipw` against `ipw`, back-door",
            "found": f"differ by {farthest(adjusted, back_door, 'eff-aipw', 'ipw'):.0e} at most in {DATASETS} data sets",
        },
    ]
    for method in ("apipw", "eff-apipw"):
        found.append(
            {
                "case": f"`{method}` against `d-ipw`, front-door",
                "found": f"differ by {farthest(fronted, front_door, method, 'd-ipw'):.0e} at most in {DATASETS} data sets",
            }
        )
    binary = back_door(500, 0)
    binary["Y"] = (binary["Y"] > 1).astype(float)
    np.random.seed(0)
    point, low, high = adjusted.compute_effect(binary, "gformula", n_bootstraps=100, report_log_odds=False)
    ratio = adjusted.compute_effect(binary, "gformula")
    found.append(
        {
            "case": "`report_log_odds=False` with a bootstrap, binary outcome",
            "found": f"estimate {point:.3f}, interval {low:.3f} to {high:.3f}; the log odds ratio is {ratio:.3f}",
        }
    )
    return found
