"""The models of the published code: its priors, its fixed noise, its bounds and signs, as study files.

Where the code says what no model text can, the note of the model says what was put in its place.

Source:
    Taheri, Ness, Zucker & Vitek (arXiv 2102.06626) and its code (srtaheri/LVMwithDoCalculus).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from latentdo.models import ModelSpec
from latentdo.models.study import load_study


@dataclass(frozen=True)
class PublishedModel:
    """A model as its code states it, and how that code simulates from it.

    Attributes:
        text: Model and priors, as a study file.
        noise: Standard deviations that the forward simulation uses in place of those of the fit.
        units: Units of the one simulation.
        note: What differs from the code, or nothing.
    """

    text: str
    noise: Mapping[str, float] = field(default_factory=dict)
    units: int = 500
    note: str = ""

    @cached_property
    def spec(self) -> ModelSpec:
        """The model, its priors included."""
        return load_study(self.text).model


_CAUSES = """\
  X1, X2, X3, X4, X5 ~ bernoulli({hidden})
  M ~ bernoulli(X1, X2, X3, X4, X5)
  Y ~ bernoulli(M, {hidden})
priors:
  weight: normal(0, 10)
  intercept: normal(0, 10)
"""
_FORCED = "  latent U1 ~ normal(mean=normal(0, 10, low=0), sd=halfnormal(10))\n"
_FREE = "  latent U2, U3 ~ normal(mean=normal(0, 10), sd=halfnormal(10))\n"
_MULTICAUSE = {
    "lvm": PublishedModel("model: |\n" + _FORCED + _FREE + _CAUSES.format(hidden="U1, U2, U3")),
    "misspecified": PublishedModel(
        "model: |\n" + _FORCED + _CAUSES.format(hidden="U1"),
        note="each cause has coefficients of its own; in the code X3, X4 and X5 share those of X2",
    ),
}

_NAPKIN = """\
model: |
  latent U ~ normal(mean=normal(0, 10), sd=halfnormal(10))
  latent {hidden} ~ normal(mean=normal(0, 10), sd=halfnormal(10))
  W ~ gamma(U, {hidden}, shape=halfnormal(10))
  R ~ normal(W, sd=halfnormal(10))
  X ~ bernoulli(R, U)
  Y ~ normal(X, {hidden}, sd=halfnormal(10))
priors:
  weight: normal(0, 10)
  intercept: normal(0, 10)
"""
_NAPKIN_MODELS = {
    "lvm": PublishedModel(_NAPKIN.format(hidden="V")),
    "misspecified": PublishedModel(_NAPKIN.format(hidden="V1, V2")),
}

_CHAIN = """\
  SOS ~ hill({hidden}, sd=5.4)
  Ras ~ hill(SOS, sd=5.3)
  PI3K ~ hill(EGF, Ras, sd=5)
  AKT ~ hill(PI3K, sd=5.1)
  Raf ~ hill(Ras, AKT, sd=5.3)
  Mek ~ hill(Raf, sd=4.7)
  Erk ~ hill(Mek, sd=3.2)
priors:
  weight: normal(0, 10, low=0, high=2)
  intercept: normal(0, 10, low=-2, high=2)
  "EGF -> PI3K": normal(0, 10, low=0, high=4)
  "AKT -> Raf": normal(0, 10, low=-2, high=0)
"""
_GROWTH = """\
  latent EGF ~ normal(mean=normal(37, {mean}, low=0), sd=normal({sd}, 1, low=0))
"""
_IGF = """\
  latent IGF ~ normal(mean=normal(5, 1, low=0), sd=normal(1, 1, low=0))
"""
_FORWARD = {"Ras": 5.5, "PI3K": 5.0, "AKT": 5.2, "Raf": 5.4, "Mek": 4.9, "Erk": 3.2}
_TWICE = "the term of EGF stands twice in PI3K's equation: one weight up to 4 in place of two up to 2"
_SIGNALING = {
    "lvm": PublishedModel(
        "model: |\n" + _GROWTH.format(mean=1, sd=3) + _IGF + _CHAIN.format(hidden="EGF, IGF"), _FORWARD, note=_TWICE
    ),
    "misspecified": PublishedModel(
        "model: |\n" + _GROWTH.format(mean=3, sd=1) + _CHAIN.format(hidden="EGF"), _FORWARD, note=_TWICE
    ),
}

_PATHWAY = """\
  Toci ~ normal(mean=normal(45, 1, low=0), sd=normal(10, 1, low=0))
  Gefi ~ normal(mean=normal(40, 1, low=0), sd=normal(10, 1, low=0))
  SARS_CoV2 ~ hill({a}, sd=101)
  ACE2 ~ normal(-SARS_CoV2, sd=1.6)
  AngII ~ normal(-ACE2, {a}, sd=6)
  AGTR1 ~ hill(+AngII, sd=7.6)
  ADAM17 ~ hill(+AGTR1, {b}, sd=8.7)
  sIL6R ~ hill(+ADAM17, {b}, -Toci, sd=17.9)
  EGF ~ hill(+ADAM17, +Uc, sd=7)
  TNF ~ hill(+ADAM17, +Ud, sd=6.5)
  EGFR ~ hill(+EGF, +Uc, +Ud, +Ue, -Gefi, sd=13.3)
  PRR ~ hill(+SARS_CoV2, {f}, sd=14.1)
  NFkB ~ hill(+PRR, +EGFR, +TNF, {f}, sd=10)
  IL6_STAT3 ~ hill(+sIL6R, +Ue, sd=18.6)
  IL6_AMP ~ hill(+NFkB, +IL6_STAT3, sd=12)
  Cytokine ~ bernoulli(+IL6_AMP)
priors:
  weight: normal(0, 10)
  intercept: normal(0, 10)
  "intercept(ACE2)": normal(20, 10, low=10, high=30)
  "intercept(AngII)": normal(20, 10, low=10, high=30)
"""
# In the forward simulation: all but the roots and Cytokine.
_WITHOUT_NOISE = (
    *("SARS_CoV2", "ACE2", "AngII", "AGTR1", "ADAM17", "sIL6R", "EGF", "TNF"),
    *("EGFR", "PRR", "NFkB", "IL6_STAT3", "IL6_AMP"),
)


def _pathway(a: tuple[float, ...], b: tuple[float, ...], f: tuple[float, ...]) -> PublishedModel:
    """The Covid model, for the prior means of the hidden causes behind the three pairs that have more than one."""
    groups = {"Ua": a, "Ub": b, "Uc": (50,), "Ud": (45,), "Ue": (40,), "Uf": f}
    names = {
        group: [f"{group}{k}" if len(means) > 1 else group for k in range(1, len(means) + 1)]
        for group, means in groups.items()
    }
    hidden = [
        f"  latent {name} ~ normal(mean=normal({mean:g}, 1, low=0), sd=normal(10, 1, low=0))\n"
        for group, means in groups.items()
        for name, mean in zip(names[group], means, strict=True)
    ]
    signed = {
        key: ", ".join(f"+{name}" for name in names[group])
        for key, group in zip("abf", ("Ua", "Ub", "Uf"), strict=True)
    }
    text = "model: |\n" + "".join(hidden) + _PATHWAY.format(**signed)
    return PublishedModel(text, dict.fromkeys(_WITHOUT_NOISE, 0.0), units=1000)


_COVID = {
    "lvm": _pathway((22, 22), (25, 25), (20, 20)),
    "misspecified": _pathway((45,), (25,), (40,)),
}

PUBLISHED_MODELS: Mapping[str, Mapping[str, PublishedModel]] = {
    "multicause": _MULTICAUSE,
    "napkin": _NAPKIN_MODELS,
    "signaling": _SIGNALING,
    "covid": _COVID,
}
"""By study, and by what was trained: `lvm`, `misspecified`."""
