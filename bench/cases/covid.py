"""The host response to SARS-CoV-2: every node but the roots and Cytokine is a noise-free function of its parents.

Source:
    Taheri, Ness, Zucker & Vitek (arXiv 2102.06626), fourth study; the numbers are those of its code.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .case import Case, Rows, sigmoid

MODEL = """\
SARS_CoV2 ~ hill
Toci, Gefi ~ normal
ACE2 ~ normal(-SARS_CoV2)
AngII ~ normal(-ACE2)
AGTR1 ~ hill(+AngII)
ADAM17 ~ hill(+AGTR1)
sIL6R ~ hill(+ADAM17, -Toci)
EGF, TNF ~ hill(+ADAM17)
EGFR ~ hill(+EGF, -Gefi)
PRR ~ hill(+SARS_CoV2)
NFkB ~ hill(+PRR, +EGFR, +TNF)
IL6_STAT3 ~ hill(+sIL6R)
IL6_AMP ~ hill(+NFkB, +IL6_STAT3)
Cytokine ~ bernoulli(+IL6_AMP)
SARS_CoV2 <-> AngII [latents=2]
ADAM17 <-> sIL6R [latents=2]
PRR <-> NFkB [latents=2]
EGF <-> EGFR; EGFR <-> TNF; EGFR <-> IL6_STAT3
"""


def hill(z: np.ndarray) -> np.ndarray:
    """100 times the sigmoid."""
    return 100.0 * sigmoid(z)


def draw(n: int, seed: int, do: Mapping[str, float] | None = None) -> Rows:
    """Rows of the true process, the nodes in `do` being set; the same patients whatever is set."""
    random = np.random.default_rng([seed, 6])
    a1, a2, b1, b2, c, d, e, f1, f2, toci, gefi = (
        random.normal(mean, 10.0, n) for mean in (22, 22, 25, 25, 50, 45, 40, 20, 20, 45, 40)
    )
    held = do or {}
    rows: dict[str, np.ndarray] = {"Toci": toci, "Gefi": gefi}

    def put(name: str, value: np.ndarray) -> np.ndarray:
        rows[name] = np.full(n, float(held[name])) if name in held else value
        return rows[name]

    sars = put("SARS_CoV2", hill(-2 + 0.05 * a1 + 0.06 * a2))
    ace2 = put("ACE2", 20 - 0.1 * sars)
    ang = put("AngII", 25 - 0.8 * ace2 + 0.5 * a1 + 0.6 * a2)
    agtr1 = put("AGTR1", hill(-1.5 + 0.08 * ang))
    adam17 = put("ADAM17", hill(-3.8 + 0.04 * agtr1 + 0.04 * b1 + 0.03 * b2))
    sil6r = put("sIL6R", hill(-3 + 0.03 * adam17 + 0.05 * b1 + 0.06 * b2 - 0.04 * toci))
    egf = put("EGF", hill(-3 + 0.03 * adam17 + 0.05 * c))
    tnf = put("TNF", hill(-4.1 + 0.05 * adam17 + 0.06 * d))
    egfr = put("EGFR", hill(-6 + 0.03 * egf + 0.05 * e + 0.02 * d + 0.04 * c - 0.04 * gefi))
    prr = put("PRR", hill(-3.4 + 0.05 * sars + 0.02 * f1 + 0.03 * f2))
    nfkb = put("NFkB", hill(-5 + 0.01 * prr + 0.02 * f1 + 0.03 * f2 + 0.02 * egfr + 0.03 * tnf))
    stat3 = put("IL6_STAT3", hill(-4.6 + 0.05 * e + 0.04 * sil6r))
    amp = put("IL6_AMP", hill(-3.7 + 0.02 * nfkb + 0.03 * stat3))
    put("Cytokine", (random.uniform(size=n) < sigmoid(-2 + 0.06 * amp)).astype(float))
    return rows


COVID = Case(
    "covid",
    MODEL,
    draw,
    # From 2 000 000 draws: standard error below 0.0002.
    {
        "E[Cytokine | do(sIL6R=20)]": 0.2111,
        "E[Cytokine | do(EGFR=20)]": 0.3116,
        "E[Cytokine | do(sIL6R=20, EGFR=20)]": 0.1872,
    },
    (60, 100, 200),
)
