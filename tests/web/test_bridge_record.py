"""The bytes of the bridge: those of the record, and the same with nothing but the standard library."""

from __future__ import annotations

import json
import subprocess
import sys

from golden.bridge import OWN, RECORD, REFERENCE, digests, lines_of, reference_cases
from latentdo.web import reply
from without_packages import ROOT, run_alone

CODE = """
import json, sys
from latentdo.web.bridge import reply
print(json.dumps([reply(request) for request in json.load(sys.stdin)]))
"""
CHANGED = "If that was meant, write the record anew: python tests/golden/bridge.py"


def check_record(part: str, found: dict[str, dict[str, str]]) -> None:
    record = json.loads(RECORD.read_text())[part]
    changed = [
        f"{name}: {verb}"
        for name in found
        for verb in found[name]
        if record.get(name, {}).get(verb) != found[name][verb]
    ]
    assert not changed, f"{changed} {CHANGED}"


def test_replies_are_those_of_the_record() -> None:
    check_record("own", digests(OWN))


def test_the_standard_library_alone_gives_the_same_bytes() -> None:
    asked = [request for _, _, request in lines_of(OWN)]
    assert json.loads(run_alone(CODE, json.dumps(asked))) == [reply(request) for request in asked]


def test_no_reply_of_the_record_is_a_fault_of_ours() -> None:
    kinds = {(verb, json.loads(reply(request)).get("error", {}).get("kind")) for _, verb, request in lines_of(OWN)}
    assert {kind for _, kind in kinds} <= {None, "unsupported", "not_identified", "query"}
    assert {verb for verb, kind in kinds if kind is None} == {verb for verb, _ in kinds}


if REFERENCE:  # graphs of the literature, where they are at hand

    def test_replies_on_the_reference_graphs_are_those_of_the_record() -> None:
        check_record("reference", digests(reference_cases()))

    def test_the_standard_library_alone_gives_the_same_bytes_on_the_reference_graphs() -> None:
        asked = [request for _, _, request in lines_of(reference_cases())]
        assert len(reference_cases()) == 64
        assert json.loads(run_alone(CODE, json.dumps(asked))) == [reply(request) for request in asked]


def test_a_verdict_at_a_stroke_loads_no_packages() -> None:
    code = """
import json, sys
from latentdo.web.bridge import reply
for request in json.load(sys.stdin):
    assert json.loads(reply(json.dumps(request)))["ok"], reply(json.dumps(request))
print([name for name in ("numpy", "yaml", "jax", "msgspec", "starlette", "matplotlib") if name in sys.modules])
"""
    text = "latent U ~ normal; X ~ bernoulli(U); Y ~ normal(X, U)"
    strokes = [
        {"verb": "read", "text": text},
        {"verb": "edit", "text": text, "edit": {"op": "add_node", "name": "Z"}},
        {"verb": "verdict", "text": text, "queries": ["E[Y | do(X=1)]"]},
        {"verb": "answerable", "text": text},
        {"verb": "complete", "text": text, "query": "E[", "cursor": 2},
        {"verb": "export", "text": text, "format": "study"},
        {"verb": "draw", "text": text, "format": "svg"},
    ]
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(strokes),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=True,
    )
    assert done.stdout == "[]\n"
