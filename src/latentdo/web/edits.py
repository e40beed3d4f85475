"""What a stroke on the drawing does to the text: one edit in, the text out, comments and order kept.

Each edit changes words in place. Whether the changed text then says what was meant is checked on its graph, whichever way it
was written: an edit that a text cannot take is refused, and never half done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from latentdo.errors import GraphError, LatentdoError, UsageError
from latentdo.graphs import LatentDag, Name, Source, SourceItem, SourceStatement, Token, quote, renamed_key, source_of
from latentdo.query import renamed_query

from .reading import Reading, reading_of
from .request import Request
from .strokes import Strokes, chain_of, mentioned_before

ARROWS = ("->", "-|", "<->")
SIGNS = ("", "+", "-")


def edit(request: Request) -> dict[str, Any]:
    """The text after one edit, and questions and priors that a new name reaches."""
    text, change = request.text("text"), request.inner("edit")
    queries, priors = request.texts("queries"), request.mapping("priors")
    op = change.choice("op", tuple(EDITS))
    reading = reading_of(text)
    made, graph = EDITS[op](reading, change)
    change.finish()
    _check(made, graph)
    if op != "rename":
        return {"text": made, "queries": queries, "priors": priors}
    names = {change.text("name"): change.text("to")}
    return {
        "text": made,
        "queries": [_renamed(query, names) for query in queries],
        "priors": {renamed_key(key, names): value for key, value in priors.items()},
    }


def _check(text: str, wanted: LatentDag) -> None:
    """Raise unless the text now states the graph that the edit was meant to make."""
    found = reading_of(text).graph
    if _said(found) != _said(wanted):
        raise GraphError("The text states this edge or node in a way that the drawing cannot change. Change the text.")


def _said(graph: LatentDag) -> tuple[object, ...]:
    arcs = frozenset((frozenset((a, b)), count) for a, b, count in graph.bidirected)
    return frozenset(graph.nodes), graph.directed, arcs, graph.latent, graph.inhibiting


def _node(reading: Reading, change: Request, key: str = "name") -> Name:
    name = change.text(key)
    reading.graph.require(name)
    return name


def _new(reading: Reading, name: Name) -> Name:
    if name in reading.graph.nodes:
        raise GraphError(f"There is a node {name!r} already. Choose another name.")
    if "`" in name or not name:
        raise GraphError("A name has at least one character, and no backtick. Choose another name.")
    return name


# --- nodes


def _add_node(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    name = _new(reading, change.text("name"))
    latent = change.flag("latent")
    strokes, graph = Strokes(reading.source), reading.graph
    words = f"latent {quote(name)}" if latent else quote(name)
    if reading.spec is not None:
        # Without parentheses a family that is called like a node would read as that node.
        words += " ~ normal()" if "normal" in (*graph.nodes, name) else " ~ normal"
    strokes.add(words)
    _with_parentheses(strokes, name)
    hidden = graph.latent | {name} if latent else graph.latent
    return strokes.made(), replace(graph, nodes=(*graph.nodes, name), latent=hidden)


def _remove_node(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    name = _node(reading, change)
    strokes = Strokes(reading.source)
    gone: set[Name] = set()
    for statement in reading.source.statements:
        if any(token.text == name for token in statement.mentions):
            _without_node(strokes, statement, name, gone)
    graph = reading.graph
    directed = frozenset(edge for edge in graph.directed if name not in edge)
    return strokes.made(), LatentDag(
        tuple(node for node in graph.nodes if node != name),
        directed,
        tuple(arc for arc in graph.bidirected if name not in arc[:2]),
        graph.latent - {name},
        graph.inhibiting & directed,
    )


def _without_node(strokes: Strokes, statement: SourceStatement, name: Name, kept: set[Name]) -> None:
    """Take a node out of a statement; the others that it names stay in the text."""
    own = [token for token in statement.names if token.text == name]
    known = mentioned_before(strokes.source, statement) | kept
    match statement.kind:
        case "chain":
            pieces: list[str] = []
            cuts = [k for k, token in enumerate(statement.names) if token.text == name]
            for start, stop in zip((0, *(k + 1 for k in cuts)), (*cuts, len(statement.names)), strict=True):
                if start < stop:
                    pieces += chain_of(statement.names[start:stop], statement.arrows[start : stop - 1], known)
                    known |= {token.text for token in statement.names[start:stop]}
            _instead(strokes, statement, pieces)
        case "measure" if own and statement.names[0].text == name:
            _instead(strokes, statement, [quote(t.text) for t in statement.names[1:] if t.text not in known])
        case "measure":
            if len(statement.names) == 2:
                _instead(strokes, statement, [f"latent {quote(statement.names[0].text)}"])
            else:
                strokes.without_indicator(statement, name)
        case _ if own and len(statement.names) == 1:
            strokes.drop(statement)
        case _:
            if own:
                strokes.without_names(statement, name)
            strokes.without_node(statement, name)


def _instead(strokes: Strokes, statement: SourceStatement, pieces: list[str]) -> None:
    """Put statements in the place of one, or take it out where there are none."""
    if pieces:
        strokes.over(statement.tokens, "; ".join(pieces))
    else:
        strokes.drop(statement)


def _rename(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    name, graph = _node(reading, change), reading.graph
    new = change.text("to")
    if new != name:
        _new(reading, new)
    strokes = Strokes(reading.source)
    for token in reading.source.mentions:
        if token.text == name:
            strokes.over((token,), quote(new))
    _with_parentheses(strokes, new)

    def called(node: Name) -> Name:
        return new if node == name else node

    def edges(pairs: Any) -> Any:
        return frozenset((called(a), called(b)) for a, b in pairs)

    return strokes.made(), LatentDag(
        tuple(map(called, graph.nodes)),
        edges(graph.directed),
        tuple((called(a), called(b), count) for a, b, count in graph.bidirected),
        frozenset(map(called, graph.latent)),
        edges(graph.inhibiting),
    )


def _with_parentheses(strokes: Strokes, name: Name) -> None:
    """Write parentheses behind each family that is called like the node: it would read as that node without them."""
    for statement in strokes.source.statements:
        if statement.family is not None and statement.family.text == name and statement.parentheses is None:
            strokes.put(statement.family.end, statement.family.end, "()")


def _set_latent(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    name, latent = _node(reading, change), change.flag("latent", True)
    graph = reading.graph
    hidden = graph.latent | {name} if latent else graph.latent - {name}
    if hidden == graph.latent:
        return reading.source.text, graph
    source = _alone(reading.source, name)
    strokes = Strokes(source)
    (_hide if latent else _show)(strokes, name)
    return strokes.made(), replace(graph, latent=hidden)


def _hide(strokes: Strokes, name: Name) -> None:
    statement = strokes.source.declared(name)
    assert statement is not None, "the text names its nodes"
    if statement.kind in ("mechanism", "node"):
        strokes.put(statement.start, statement.start, "latent ")
    else:
        strokes.add(f"latent {quote(name)}")


def _show(strokes: Strokes, name: Name) -> None:
    source = strokes.source
    for statement in source.statements:
        if not any(token.text == name for token in statement.names):
            continue
        word = statement.latent
        if statement.kind == "measure" and statement.names[0].text == name:
            links = [f"{quote(name)} -> {quote(token.text)}" for token in statement.names[1:]]
            strokes.over(statement.tokens, "; ".join(links))
        elif word is not None and len(statement.names) > 1:
            strokes.without_names(statement, name)
            if name not in mentioned_before(source, statement):
                strokes.put(statement.end, statement.end, f"; {quote(name)}")
        elif word is not None and statement.kind == "latent" and name in mentioned_before(source, statement):
            strokes.drop(statement)
        elif word is not None:
            strokes.put(word.start, next(iter(statement.names)).start, "")


def _alone(source: Source, name: Name) -> Source:
    """The text with a mechanism of the node's own, where it shared one with others: `X, Y ~ normal` as two statements."""
    for statement in source.statements:
        if statement.kind == "mechanism" and len(statement.names) > 1 and any(t.text == name for t in statement.names):
            strokes = Strokes(source)
            strokes.without_names(statement, name)
            word = "latent " if statement.latent else ""
            behind = source.text[statement.names[-1].end : statement.end]
            strokes.put(statement.end, statement.end, f"; {word}{quote(name)}{behind}")
            return source_of(strokes.made())
    return source


# --- edges


def _ends(reading: Reading, change: Request) -> tuple[Name, Name]:
    tail, head = _node(reading, change, "tail"), _node(reading, change, "head")
    if tail == head:
        raise GraphError(f"{tail} cannot cause itself. If this is feedback, unroll it over time (X_0 -> X_1).")
    return tail, head


def _add_edge(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    tail, head = _ends(reading, change)
    kind = change.choice("kind", ARROWS, "->")
    sign = change.choice("sign", SIGNS, "-" if kind == "-|" else "")
    graph = reading.graph
    if kind == "<->":
        strokes = Strokes(reading.source)
        if any({tail, head} == {a, b} for a, b, _ in graph.bidirected):
            raise GraphError(f"{tail} <-> {head} is there already. Several causes behind it are [latents=2].")
        strokes.add(f"{quote(tail)} <-> {quote(head)}")
        return strokes.made(), replace(graph, bidirected=(*graph.bidirected, (tail, head, 1)))
    if (tail, head) in graph.directed:
        raise GraphError(f"{tail} -> {head} is there already.")
    wanted = replace(graph, directed=graph.directed | {(tail, head)})
    if reading.spec is None:
        wanted = replace(wanted, inhibiting=graph.inhibiting | {(tail, head)}) if sign else wanted
        if sign == "+":
            raise UsageError("A graph has no mark for an activating edge: -> is any, -| inhibits. A model has +X.")
        strokes = Strokes(reading.source)
        strokes.add(f"{quote(tail)} {'-|' if sign else '->'} {quote(head)}")
        return strokes.made(), wanted
    return _with_parent(reading.source, head, sign + quote(tail)), wanted


def _with_parent(source: Source, head: Name, item: str) -> str:
    """The text with one more parent of a node, behind those that it has and before the options."""
    source = _alone(source, head)
    statement = source.declared(head)
    assert statement is not None and statement.family is not None, "each node of a model has a mechanism"
    strokes = Strokes(source)
    parents = [each for each in statement.items if each.names]
    if parents:
        end = parents[-1].tokens[-1].end
        strokes.put(end, end, f", {item}")
    elif statement.items:
        start = statement.items[0].tokens[0].start
        strokes.put(start, start, f"{item}, ")
    elif statement.parentheses is not None:
        strokes.put(statement.parentheses[0].end, statement.parentheses[1].start, item)
    else:
        strokes.put(statement.family.end, statement.family.end, f"({item})")
    return strokes.made()


def _remove_edge(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    tail, head = _ends(reading, change)
    kind = change.choice("kind", ARROWS, "->")
    graph = reading.graph
    if kind == "<->":
        arcs = tuple(arc for arc in graph.bidirected if {*arc[:2]} != {tail, head})
        if len(arcs) == len(graph.bidirected):
            raise GraphError(f"There is no edge {tail} <-> {head}.")
        return _without_link(reading.source, {"<->", "~~"}, (tail, head)), replace(graph, bidirected=arcs)
    if (tail, head) not in graph.directed:
        raise GraphError(f"There is no edge {tail} -> {head}.")
    directed = graph.directed - {(tail, head)}
    wanted = replace(graph, directed=directed, inhibiting=graph.inhibiting & directed)
    source = source_of(_without_link(reading.source, {"->", "<-", "-|"}, (tail, head)))
    return _without_parent(source, tail, head), wanted


def _is_link(left: Name, arrow: str, right: Name, edge: tuple[Name, Name]) -> bool:
    match arrow:
        case "<->" | "~~":
            return {left, right} == set(edge)
        case "<-":
            return (right, left) == edge
        case _:
            return (left, right) == edge


def _without_link(source: Source, arrows: set[str], edge: tuple[Name, Name]) -> str:
    """The text without an edge that stands in a chain or a measurement."""
    strokes = Strokes(source)
    for statement in source.statements:
        names = [token.text for token in statement.names]
        if statement.kind == "chain":
            cuts = [
                k
                for k, arrow in enumerate(statement.arrows)
                if arrow.text in arrows and _is_link(names[k], arrow.text, names[k + 1], edge)
            ]
            if cuts:
                known = mentioned_before(source, statement)
                pieces: list[str] = []
                for start, stop in zip((0, *(k + 1 for k in cuts)), (*(k + 1 for k in cuts), len(names)), strict=True):
                    pieces += chain_of(statement.names[start:stop], statement.arrows[start : stop - 1], known)
                    known |= set(names[start:stop])
                _instead(strokes, statement, pieces)
        elif statement.kind == "measure" and "->" in arrows and names[0] == edge[0] and edge[1] in names[1:]:
            if len(names) == 2:
                more = [] if names[1] in mentioned_before(source, statement) else [quote(names[1])]
                _instead(strokes, statement, [f"latent {quote(names[0])}", *more])
            else:
                strokes.without_indicator(statement, edge[1])
    return strokes.made()


def _without_parent(source: Source, tail: Name, head: Name) -> str:
    """The text without a parent of a node, in all its shapes and interactions."""
    found = [s for s in source.statements if s.kind == "mechanism" and any(t.text == head for t in s.names)]
    within = (each for statement in found for item in statement.items for each in (item, *item.parts))
    if not any(each.has(tail) for each in within):
        return source.text
    source = _alone(source, head)
    statement = source.declared(head)
    assert statement is not None, "the text names its nodes"
    strokes = Strokes(source)
    strokes.without_node(statement, tail)
    return strokes.made()


def _flip(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    tail, head = _ends(reading, change)
    graph = reading.graph
    if (tail, head) not in graph.directed:
        raise GraphError(f"There is no edge {tail} -> {head}.")
    if (head, tail) in graph.directed:
        raise GraphError(f"{head} -> {tail} is there already.")
    directed = graph.directed - {(tail, head)} | {(head, tail)}
    inhibiting = frozenset((head, tail) if edge == (tail, head) else edge for edge in graph.inhibiting)
    wanted = replace(graph, directed=directed, inhibiting=inhibiting)
    if reading.spec is None:
        return _turned(reading.source, (tail, head)), wanted
    items = _parents(reading.source, tail, head)
    if any(len(item.names) > 1 for item in items):
        raise GraphError(
            f"{tail} stands in an interaction of {head}, and an edge that is turned around has none. Change line "
            f"{items[0].tokens[0].line} of the text."
        )
    sign = next((item.sign.text for item in items if item.sign), "")
    without = source_of(_without_link(reading.source, {"->", "<-", "-|"}, (tail, head)))
    sign = "-" if (tail, head) in graph.inhibiting else sign
    wanted = replace(wanted, inhibiting=inhibiting - {(head, tail)})
    return _with_parent(source_of(_without_parent(without, tail, head)), tail, sign + quote(head)), wanted


def _parents(source: Source, tail: Name, head: Name) -> list[SourceItem]:
    """The items by which a node enters a mechanism."""
    return [
        item
        for statement in source.statements
        if statement.kind == "mechanism" and any(token.text == head for token in statement.names)
        for item in statement.items
        if item.has(tail)
    ]


def _turned(source: Source, edge: tuple[Name, Name]) -> str:
    """The text with an edge of a chain turned around, wherever it stands."""
    strokes = Strokes(source)
    for statement in source.statements:
        _out_of_measure(strokes, statement, edge, f"{quote(edge[1])} -> {quote(edge[0])}")
        for k, arrow in _links(statement, edge):
            if arrow.text != "-|":
                strokes.over((arrow,), "<-" if arrow.text == "->" else "->")
            else:
                _out_of_chain(strokes, statement, k)
    return strokes.made()


def _links(statement: SourceStatement, edge: tuple[Name, Name]) -> Iterator[tuple[int, Token]]:
    """The arrows of a chain that draw an edge, with their places."""
    if statement.kind != "chain":
        return
    names = [token.text for token in statement.names]
    for k, arrow in enumerate(statement.arrows):
        if arrow.text in ("->", "<-", "-|") and _is_link(names[k], arrow.text, names[k + 1], edge):
            yield k, arrow


def _out_of_chain(strokes: Strokes, statement: SourceStatement, k: int) -> None:
    """A chain in two parts, with its link of this place between them, from right to left as an inhibiting one."""
    names, arrows = statement.names, statement.arrows
    pieces = chain_of(names[: k + 1], arrows[:k], {names[k].text})
    pieces.append(f"{quote(names[k + 1].text)} -| {quote(names[k].text)}")
    pieces += chain_of(names[k + 1 :], arrows[k + 1 :], {names[k + 1].text})
    _instead(strokes, statement, pieces)


def _out_of_measure(strokes: Strokes, statement: SourceStatement, edge: tuple[Name, Name], link: str) -> None:
    """Where `U =~ A + B` draws an edge, the same without it, and the edge as a link of its own."""
    if statement.kind != "measure":
        return
    latent, *indicators = (token.text for token in statement.names)
    if latent != edge[0] or edge[1] not in indicators:
        return
    others = [name for name in indicators if name != edge[1]]
    kept = f"{quote(latent)} =~ {' + '.join(map(quote, others))}" if others else f"latent {quote(latent)}"
    _instead(strokes, statement, [kept, link])


def _sign(reading: Reading, change: Request) -> tuple[str, LatentDag]:
    tail, head = _ends(reading, change)
    sign = change.choice("sign", SIGNS)
    graph, source = reading.graph, reading.source
    if (tail, head) not in graph.directed:
        raise GraphError(f"There is no edge {tail} -> {head}.")
    if reading.spec is None and sign == "+":
        raise UsageError("A graph has no mark for an activating edge: -> is any, -| inhibits. A model has +X.")
    inhibits = sign == "-" and reading.spec is None
    source = source_of(_with_arrow(source, (tail, head), "-|" if inhibits else "->"))
    marked = graph.inhibiting | {(tail, head)} if inhibits else graph.inhibiting - {(tail, head)}
    wanted = replace(graph, inhibiting=marked)
    if reading.spec is None:
        return source.text, wanted
    source = _alone(source, head)
    items = [item for item in _parents(source, tail, head) if len(item.names) == 1]
    if not _parents(source, tail, head):
        raise GraphError(
            f"{tail} moves the spread of {head} alone, not its mean. Write the sign within loglinear(…) in the text."
        )
    if len(items) != 1:
        raise GraphError(
            f"{tail} enters {head} by {'several terms' if items else 'interactions alone'}, and a sign belongs to one. "
            f"Change the text in line {_parents(source, tail, head)[0].tokens[0].line}."
        )
    strokes = Strokes(source)
    (item,) = items
    start = item.tokens[1].start if item.sign else item.tokens[0].start
    strokes.put(item.tokens[0].start, start, sign)
    return strokes.made(), wanted


def _with_arrow(source: Source, edge: tuple[Name, Name], kind: str) -> str:
    """The text with an edge drawn as `->` or as `-|`, wherever it stands in chains."""
    strokes = Strokes(source)
    for statement in source.statements:
        if kind == "-|":
            _out_of_measure(strokes, statement, edge, f"{quote(edge[0])} -| {quote(edge[1])}")
        for k, arrow in _links(statement, edge):
            if arrow.text != "<-":
                strokes.over((arrow,), kind)
            elif kind == "-|":
                _out_of_chain(strokes, statement, k)
    return strokes.made()


EDITS: dict[str, Callable[[Reading, Request], tuple[str, LatentDag]]] = {
    "add_node": _add_node,
    "remove_node": _remove_node,
    "rename": _rename,
    "set_latent": _set_latent,
    "add_edge": _add_edge,
    "remove_edge": _remove_edge,
    "flip": _flip,
    "sign": _sign,
}


def _renamed(text: str, names: dict[Name, Name]) -> str:
    """A question with the new names of nodes; one that has none of them, or cannot be read, as it was typed."""
    try:
        return renamed_query(text, names)
    except LatentdoError:
        return text
