"""What the bridge of the page answers for a fixed set of graphs, as digests of its bytes.

`python tests/golden/bridge.py` writes the record anew, after a change of what is printed that was meant.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latentdo.web import reply

RECORD = Path(__file__).parent / "bridge.json"
REFERENCE = os.environ.get("LATENTDO_REFERENCE")
"""A folder with `graphs.json`, graphs of the literature with what is known of them, where one is at hand."""

NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y"
MODEL = """\
# A pathway with two hidden causes.
latent U, V ~ normal
Dose ~ gamma(shape=2)
X ~ bernoulli(Dose, U, levels=[no, yes])   # set in the trial
M ~ normal(X, log(Dose), -V)
Y ~ normal(M, U, M:Dose, sd=halfnormal(2)); `IL-6` ~ normal(+Y)
"""
OWN: dict[str, tuple[str, str, list[list[str]]]] = {
    "nothing is set": ("X -> Y", "P(Y | X)", []),
    "back door": ("Z -> X -> Y; Z -> Y", "E[Y | do(X=1)] - E[Y | do(X=0)]", []),
    "front door": ("X -> M -> Y; X <-> Y", "P(Y | do(X))", []),
    "napkin": (NAPKIN, "P(Y | do(X))", []),
    "bow": ("X -> Y; X <-> Y", "E[Y | do(X=1)]", []),
    "bow, by a latent": ("latent U; U -> X -> Y; U -> Y", "P(Y=1 | do(X=0))", []),
    "evidence": ("X -> Z; X <-> Z; X -> Y; Z -> Y", "P(Y | do(X), Z > 0)", []),
    "two treatments": ("X1 -> X2 -> Y; X1 -> Z -> X2; Z -> Y; X1 <-> Z", "P(Y | do(X1, X2))", []),
    "surrogate": ("Z -> X -> Y; Z <-> X; Z <-> Y", "P(Y | do(X))", [["Z"]]),
    "ratio of odds": ("Z -> X -> Y; Z -> Y", "odds(Y=1 | do(X=1)) / odds(Y=1 | do(X=0))", []),
    "Verma": ("A -> B -> C -> D; B <-> D", "P(D | do(C))", []),
    "inhibiting": ("A -| B -> C; A -> C; B <-> C", "P(C | do(A))", []),
    "model": (MODEL, "E[Y | do(X=yes)]", []),
    "model, not identified": (MODEL, "E[Y | do(M=1)] - E[Y | do(M=0)]", []),
    "functional": ("X ~ normal; Z ~ linear(X); Y ~ normal(Z, X)", "E[Y | do(X=1)]", []),
    "odd names": ("`a b` -> `c<d>` -> Y; `a b` <-> Y", "P(Y | do(`c<d>`))", []),
}


def requests_of(text: str, question: str, experiments: list[list[str]]) -> dict[str, dict[str, Any]]:
    """What is asked about one graph, by verb."""
    about = {"text": text, "query": question}
    known = {"experiments": experiments}
    return {
        "read": {"text": text},
        "verdict": {"text": text, "queries": [question], **known},
        "proof": {**about, **known},
        "witness": {**about, **known},
        "answerable": {"text": text, **known},
        "implications": {"text": text},
        "measurements": {**about, **known},
        "forms": about,
        "draw": {"text": text, "format": "svg"},
    }


def reference_cases() -> dict[str, tuple[str, str, list[list[str]]]]:
    """The graphs of the literature, where they are at hand."""
    if not REFERENCE:
        return {}
    found: dict[str, tuple[str, str, list[list[str]]]] = {}
    for case in json.loads((Path(REFERENCE) / "graphs.json").read_text()):
        edges = [f"{a} -> {b}" for a, b in case["directed"]] + [f"{a} <-> {b}" for a, b in case.get("bidirected", [])]
        seen = "".join(f", {name}" for name in case.get("conditions", []))
        question = f"P({', '.join(case['outcomes'])} | do({', '.join(case['treatments'])}){seen})"
        found[case["name"]] = ("\n".join(edges), question, [])
    return found


def lines_of(cases: dict[str, tuple[str, str, list[list[str]]]]) -> Iterable[tuple[str, str, str]]:
    """(case, verb, request) of everything that is asked."""
    for name, case in cases.items():
        for verb, fields in requests_of(*case).items():
            yield name, verb, json.dumps({"verb": verb, **fields})


def digests(cases: dict[str, tuple[str, str, list[list[str]]]]) -> dict[str, dict[str, str]]:
    """A digest of each reply, by case and verb."""
    made: dict[str, dict[str, str]] = {}
    for name, verb, request in lines_of(cases):
        made.setdefault(name, {})[verb] = hashlib.sha256(reply(request).encode()).hexdigest()[:16]
    return made


if __name__ == "__main__":
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    record["own"] = digests(OWN)
    record["reference"] = digests(reference_cases()) or record.get("reference", {})
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
