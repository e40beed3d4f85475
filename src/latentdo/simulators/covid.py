"""The host response to SARS-CoV-2: every node but the roots and Cytokine is a noise-free function of its parents.

Source:
    Taheri, Ness, Zucker & Vitek, Do-calculus enables causal reasoning with latent variable models
    (arXiv 2102.06626), fourth study; the numbers are those of its code (srtaheri/LVMwithDoCalculus).
"""

from __future__ import annotations

from .built_in import Study, truths
from .structural import PERCENT, REAL, Equation, FloatArray, Process, coin, exact, hill, linear, root

GRAPH = """\
latent Ua1, Ua2, Ub1, Ub2, Uc, Ud, Ue, Uf1, Uf2
SARS_CoV2 -| ACE2 -| AngII -> AGTR1 -> ADAM17
ADAM17 -> EGF; ADAM17 -> TNF; ADAM17 -> sIL6R; Toci -| sIL6R
EGF -> EGFR; Gefi -| EGFR; TNF -> NFkB; EGFR -> NFkB
SARS_CoV2 -> PRR -> NFkB
sIL6R -> IL6_STAT3 -> IL6_AMP; NFkB -> IL6_AMP -> Cytokine
Ua1 -> SARS_CoV2; Ua1 -> AngII; Ua2 -> SARS_CoV2; Ua2 -> AngII
Ub1 -> ADAM17; Ub1 -> sIL6R; Ub2 -> ADAM17; Ub2 -> sIL6R
Uc -> EGF; Uc -> EGFR; Ud -> TNF; Ud -> EGFR; Ue -> EGFR; Ue -> IL6_STAT3
Uf1 -> PRR; Uf1 -> NFkB; Uf2 -> PRR; Uf2 -> NFkB
"""

FILE = """\
model: |
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
queries:
  tocilizumab: E[Cytokine | do(sIL6R=20)]
  gefitinib: E[Cytokine | do(EGFR=20)]
  both: E[Cytokine | do(sIL6R=20, EGFR=20)]
compare: [plug-in, g-formula, aipw, tmle]
variants:
  misspecified:
    latents:
      "SARS_CoV2 <-> AngII": 1
      "ADAM17 <-> sIL6R": 1
      "PRR <-> NFkB": 1
"""


def amount(node: str, intercept: float, **weights: float) -> Equation:
    """A node that is 100 times the sigmoid of its weighted parents."""
    return exact(node, lambda rows: hill(linear(rows, intercept, weights)), PERCENT)


def chance_of_cytokine(amp: FloatArray) -> FloatArray:
    """The logit of Cytokine."""
    return -2 + 0.06 * amp


PROCESS = Process(
    (
        *(root(name, 22, 10) for name in ("Ua1", "Ua2")),
        *(root(name, 25, 10) for name in ("Ub1", "Ub2")),
        root("Uc", 50, 10),
        root("Ud", 45, 10),
        root("Ue", 40, 10),
        *(root(name, 20, 10) for name in ("Uf1", "Uf2")),
        root("Toci", 45, 10, latent=False),
        root("Gefi", 40, 10, latent=False),
        amount("SARS_CoV2", -2, Ua1=0.05, Ua2=0.06),
        exact("ACE2", lambda v: 20 - 0.1 * v["SARS_CoV2"], REAL),
        exact("AngII", lambda v: 25 - 0.8 * v["ACE2"] + 0.5 * v["Ua1"] + 0.6 * v["Ua2"], REAL),
        amount("AGTR1", -1.5, AngII=0.08),
        amount("ADAM17", -3.8, AGTR1=0.04, Ub1=0.04, Ub2=0.03),
        amount("sIL6R", -3, ADAM17=0.03, Ub1=0.05, Ub2=0.06, Toci=-0.04),
        amount("EGF", -3, ADAM17=0.03, Uc=0.05),
        amount("TNF", -4.1, ADAM17=0.05, Ud=0.06),
        amount("EGFR", -6, EGF=0.03, Ue=0.05, Ud=0.02, Uc=0.04, Gefi=-0.04),
        amount("PRR", -3.4, SARS_CoV2=0.05, Uf1=0.02, Uf2=0.03),
        amount("NFkB", -5, PRR=0.01, Uf1=0.02, Uf2=0.03, EGFR=0.02, TNF=0.03),
        amount("IL6_STAT3", -4.6, Ue=0.05, sIL6R=0.04),
        amount("IL6_AMP", -3.7, NFkB=0.02, IL6_STAT3=0.03),
        coin("Cytokine", lambda v: chance_of_cytokine(v["IL6_AMP"])),
    ),
    number=4,
)

STUDY = Study(
    name="covid",
    title="Covid host response",
    graph=GRAPH,
    file=FILE,
    # From 20 000 000 rows: means of the chance of Cytokine given IL6_AMP, the arms of a contrast having the same noise.
    population=truths(
        {
            "E[Cytokine]": (0.36412, 0.00004),
            "E[Cytokine | do(sIL6R=20)]": (0.21107, 0.00001),
            "E[Cytokine | do(EGFR=20)]": (0.31144, 0.00003),
            "E[Cytokine | do(sIL6R=20, EGFR=20)]": (0.18716, 0.00001),
            "E[Cytokine | do(sIL6R=20)] - E[Cytokine]": (-0.15305, 0.00003),
            "E[Cytokine | do(EGFR=20)] - E[Cytokine]": (-0.05268, 0.00001),
            "E[Cytokine | do(sIL6R=20, EGFR=20)] - E[Cytokine]": (-0.17696, 0.00004),
        }
    ),
    source="20 000 000 simulated rows per query, averaging the chance of Cytokine given IL6_AMP",
    caution=(
        "ACE2 is an exact linear function of SARS_CoV2, and AGTR1 an exact function of AngII: a design matrix with "
        "both of a pair is singular. The mean of Cytokine over the 500 rows of one data set under an intervention has "
        "a standard error of 0.02."
    ),
    simulate=PROCESS.simulate,
)
