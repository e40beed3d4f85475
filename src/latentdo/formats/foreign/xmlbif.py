"""XMLBIF: a Bayesian network with its tables in XML.

Source:
    XMLBIF version 0.3: in a table the node's own states vary fastest, then those of the last GIVEN.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from latentdo.errors import GraphError, nearest
from latentdo.graphs import Name

from ..markup import Element, parsed
from ..network import Network, Variable, combinations
from ..report import Read
from .probabilities import check_size, checked_rows, read_network


def read_xmlbif(content: str | bytes, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The network.

    Raises:
        GraphError: It is no XML, a table has another number of probabilities than cells, or a row does not sum to 1; says
            the line.
    """
    root = parsed(content, declarations=True)
    if root.name.upper() != "BIF" or not (networks := root.own("NETWORK")):
        raise GraphError(f"line {root.line}: <{root.name}> is no <BIF> with a <NETWORK>.")
    network = networks[0]
    states: dict[Name, tuple[str, ...]] = {}
    for variable in network.own("VARIABLE"):
        name = _text(variable, "NAME")
        if name in states:
            raise GraphError(f"line {variable.line}: the variable {name!r} is stated twice.")
        found = tuple(outcome.text.strip() for outcome in variable.own("OUTCOME") + variable.own("VALUE"))
        if not found or len(set(found)) < len(found) or not all(found):
            raise GraphError(f"line {variable.line}: {name!r} has no states, or two that are alike.")
        states[name] = found
    tables: dict[Name, Variable] = {}
    for definition in network.own("DEFINITION") + network.own("PROBABILITY"):
        variable = _variable(definition, states)
        if variable.name in tables:
            raise GraphError(f"line {definition.line}: the table of {variable.name!r} is stated twice.")
        tables[variable.name] = variable
    for name in states:
        if name not in tables:
            raise GraphError(f"line {network.line}: {name!r} has no <DEFINITION> with a table.")
    if not states:
        raise GraphError(f"line {network.line}: the network has no variable.")
    title = network.own("NAME")[0].text.strip() if network.own("NAME") else ""
    made = Network(title, tuple(tables[name] for name in states))
    return read_network("XMLBIF", source, made, (), cycles)


def _text(element: Element, child: str) -> str:
    found = element.own(child)
    if not found or not found[0].text.strip():
        raise GraphError(f"line {element.line}: <{element.name}> has no <{child}>.")
    return found[0].text.strip()


def _variable(definition: Element, states: dict[Name, tuple[str, ...]]) -> Variable:
    where = f"line {definition.line}"
    name = _text(definition, "FOR")
    parents = tuple(given.text.strip() for given in definition.own("GIVEN"))
    for each in (name, *parents):
        if each not in states:
            raise GraphError(f"{where}: there is no variable {each!r}. {nearest(each, states)}")
    if len({name, *parents}) <= len(parents):
        raise GraphError(f"{where}: the parents of {name!r} are not different ones.")
    count = check_size(name, parents, states, where)
    try:
        numbers = tuple(map(float, _text(definition, "TABLE").split()))
    except ValueError as problem:
        raise GraphError(f"{where}: the table of {name!r} cannot be read: {problem}.") from None
    size = len(states[name])
    if len(numbers) != count * size:
        raise GraphError(f"{where}: the table of {name!r} has {len(numbers)} numbers; expected {count * size}.")
    rows = {key: numbers[k * size : (k + 1) * size] for k, key in enumerate(combinations(parents, states))}
    return Variable(name, states[name], parents, checked_rows(name, parents, states, rows, where))


def write_xmlbif(network: Network) -> str:
    """The network as XMLBIF 0.3."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<BIF VERSION="0.3">', "<NETWORK>"]
    lines.append(f"<NAME>{escape(network.name or 'unknown')}</NAME>")
    for variable in network.variables:
        outcomes = "".join(f"<OUTCOME>{escape(state)}</OUTCOME>" for state in variable.states)
        lines.append(f'<VARIABLE TYPE="nature"><NAME>{escape(variable.name)}</NAME>{outcomes}</VARIABLE>')
    for variable in network.variables:
        given = "".join(f"<GIVEN>{escape(parent)}</GIVEN>" for parent in variable.parents)
        numbers = "\n".join(" ".join(map(repr, row)) for _, row in variable.rows)
        lines.append(f"<DEFINITION><FOR>{escape(variable.name)}</FOR>{given}<TABLE>\n{numbers}\n</TABLE></DEFINITION>")
    return "\n".join([*lines, "</NETWORK>", "</BIF>", ""])
