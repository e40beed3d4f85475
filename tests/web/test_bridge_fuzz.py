"""Whatever is pasted into the page is answered: with a reply, or with an error that has a message and a place."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from random import Random
from typing import Any

import pytest

import malformed
from bridge_replies import asked
from latentdo.web import reply

SLOWEST = 5.0
"""Seconds of the processor that one reply may take on a text of at most 2,000 characters."""
SPOILT = 60
"""Texts of each of the five kinds."""
OPS = ("add_node", "remove_node", "rename", "set_latent", "add_edge", "remove_edge", "flip", "sign")


def answered_in_time(verb: str, **fields: Any) -> dict[str, Any]:
    """The reply; that it came in time, is no fault of ours, and is JSON that no browser chokes on."""
    start = time.process_time()
    text = reply(json.dumps({"verb": verb, **fields}))
    assert time.process_time() - start < SLOWEST, (verb, fields)
    assert text.isascii()
    found = json.loads(text)
    if not found["ok"]:
        error = found["error"]
        assert error["kind"] != "bug", (verb, fields, error["message"])
        assert error["message"]
        assert "Traceback" not in error["message"]
    return found


@pytest.mark.parametrize("kind", malformed.KINDS)
def test_spoilt_texts_have_a_reply_or_an_error_with_its_place(kind: str) -> None:
    random = Random(kind)
    refused = 0
    for text in malformed.texts(kind, SPOILT, seed=20):
        model = "Z -> X -> Y; Z -> Y" if kind == "query" else text
        question = text if kind == "query" else random.choice(["P(Y | do(X))", "E[Y | do(X=1)]"])
        found = answered_in_time("read", text=text)
        if not found["ok"]:
            refused += 1
            assert found["error"]["line"], text
            assert found["error"]["column"], text
        answered_in_time("verdict", text=model, queries=[question])
        answered_in_time("import", content=text)
        answered_in_time("complete", text=model, query=question, cursor=random.randrange(len(question) + 1))
        change = {"op": random.choice(OPS), "name": "X", "to": "Q"}
        answered_in_time("edit", text=text, edit={"op": "add_node", "name": "Q2"})
        answered_in_time("edit", text=text, edit=change)
    assert refused > SPOILT / 4


def test_spoilt_requests_are_refused() -> None:
    random = Random(0)
    whole = json.dumps({"verb": "verdict", "text": "X -> Y", "queries": ["P(Y | do(X))"], "experiments": [["X"]]})
    for _ in range(300):
        signs = list(whole)
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(len(signs))
            signs[place] = random.choice(["", '"', "[", "}", "1", "null", "\\", "\ud800", signs[place] * 2])
        found = json.loads(reply("".join(signs)))
        assert found["ok"] or found["error"]["kind"] != "bug", ("".join(signs), found["error"]["message"])
    for fields in ({"text": 1}, {"text": None}, {"text": "X", "queries": [1]}, {"text": "X", "experiments": ["X"]}):
        assert asked("verdict", **fields)["error"]["kind"] == "usage"
    assert json.loads(reply("[" * 100_000))["error"]["kind"] == "usage"


# --- edits of texts that can be read


def random_text(random: Random) -> str:
    """A text in the model language, written in one of the many ways in which people write the same graph."""
    names = random.sample(["X", "Y", "Z", "W", "`IL-6`", "M", "normal", "B_1"], random.randrange(3, 7))
    order = {name: place for place, name in enumerate(names)}
    pairs = [(a, b) for a in names for b in names if order[a] < order[b] and random.random() < 0.45]
    arcs = [f"{a} <-> {b}" for a in names for b in names if order[a] < order[b] and random.random() < 0.12]
    hidden = [name for name in names if random.random() < 0.25]
    is_model = random.random() < 0.5
    lines: list[str] = []
    if is_model:
        for name in names:
            terms = [random.choice(["", "+", "-"]) + cause for cause, effect in pairs if effect == name]
            if len(terms) > 1 and random.random() < 0.3:
                terms = [term.lstrip("+-") for term in terms]
                terms.append(f"{terms[0]}:{terms[1]}")
            options = random.choice([[], [], ["sd=2"], ["sd=halfnormal(1)"]])
            break_line = random.choice([", ", ", ", ",  # why\n    "])
            inside = break_line.join([*terms, *options])
            lines.append(f"{'latent ' if name in hidden else ''}{name} ~ normal({inside})")
    else:
        while pairs:
            chain = [random.choice(pairs)]
            pairs.remove(chain[0])
            while going := [pair for pair in pairs if pair[0] == chain[-1][1]]:
                chain.append(going[0])
                pairs.remove(going[0])
            words = chain[0][0] + "".join(f" {random.choice(['->', '->', '-|'])} {b}" for _, b in chain)
            if len(chain) == 1 and random.random() < 0.3:
                words = f"{chain[0][1]} <- {chain[0][0]}"
            lines.append(words)
        if hidden:
            lines.insert(random.randrange(len(lines) + 1), f"latent {', '.join(hidden)}")
        lines += names if not lines or random.random() < 0.2 else []
    lines += [arc + random.choice(["", " [latents=2]"]) for arc in arcs]
    pieces = ""
    for line in lines:
        pieces += line + random.choice(["; ", "\n", "  # note `->` (\n", "\n\n", ";\n"])
    return pieces if random.random() < 0.8 else pieces.rstrip("; \n")


def random_edit(random: Random, reading: dict[str, Any]) -> dict[str, Any]:
    """An edit that the graph allows, more often than not."""
    nodes = [node["name"] for node in reading["nodes"]]
    op = random.choice(OPS)
    if op in ("flip", "sign", "remove_edge") and reading["edges"]:
        edge = random.choice(reading["edges"])
        ends = {"tail": edge["tail"], "head": edge["head"]}
        if op == "sign":
            return {"op": op, **ends, "sign": random.choice(["", "-", "+"])}
        return {"op": op, **ends} if op == "flip" else {"op": op, **ends, "kind": edge["kind"]}
    if op in ("add_node", "rename"):
        new = random.choice(["Q", "a b", "gamma", "normal", "latent", "do"])
        return {"op": op, "name": new} if op == "add_node" else {"op": op, "name": random.choice(nodes), "to": new}
    if op == "add_edge" and len(nodes) > 1:
        tail, head = random.sample(nodes, 2)
        return {"op": op, "tail": tail, "head": head, "kind": random.choice(["->", "-|", "<->"])}
    if op == "set_latent":
        node = random.choice(reading["nodes"])
        return {"op": op, "name": node["name"], "latent": not node["latent"]}
    return {"op": "remove_node", "name": random.choice(nodes)}


def comments(text: str) -> list[str]:
    """What stands behind each # of a text whose names have none."""
    return re.findall(r"#.*", text)


def test_edits_do_what_they_say_and_nothing_else() -> None:
    random = Random(20)
    made, refused = 0, list[str]()
    for _ in range(250):
        text = random_text(random)
        reading = asked("read", text=text)
        assert reading["ok"], (text, reading["error"]["message"])
        if not reading["nodes"]:
            continue
        edit = random_edit(random, reading)
        found = answered_in_time("edit", text=text, edit=edit)
        if not found["ok"]:
            refused.append(found["error"]["message"])
            continue
        made += 1
        lost = Counter(comments(text)) - Counter(comments(found["text"]))
        # What stands inside the parentheses of a node goes with it.
        assert not lost or (edit["op"] == "remove_node" and set(lost) == {"# why"}), (text, edit, found["text"])
        if reading["kind"] == "graph" and edit["op"] in ("add_node", "set_latent", "add_edge", "remove_edge"):
            # In a model terms name nodes too, and `-|` has to be written from left to right.
            kept = [node["name"] for node in asked("read", text=found["text"])["nodes"]]
            assert kept[: len(reading["nodes"])] == [node["name"] for node in reading["nodes"]], (
                text,
                edit,
                found["text"],
            )
    assert made > 150
    assert not [message for message in refused if "cannot change" in message]


def test_each_edit_can_be_taken_back_by_another() -> None:
    random = Random(7)
    for _ in range(120):
        text = random_text(random)
        reading = asked("read", text=text)
        nodes = [node["name"] for node in reading["nodes"]]
        if len(nodes) < 2:
            continue
        tail, head = random.sample(nodes, 2)
        there = {"tail": tail, "head": head, "kind": random.choice(["->", "<->"])}
        found = answered_in_time("edit", text=text, edit={"op": "add_edge", **there})
        if found["ok"]:
            back = answered_in_time("edit", text=found["text"], edit={"op": "remove_edge", **there})
            again = asked("read", text=back["text"])
            assert again["canonical"] == reading["canonical"], (text, there, found["text"], back["text"])
