"""A table of edges (CSV, TSV): the columns source, target, and where there is more to say sign and type."""

from __future__ import annotations

from latentdo.errors import GraphError
from latentdo.graphs import LatentDag, Name

from .. import lines
from ..draft import Draft
from ..report import Read

SIGNS = {
    **dict.fromkeys(("", "0", "?", "na", "nan", "none", "unknown", "->"), ""),
    **dict.fromkeys(("+", "+1", "1", "1.0", "positive", "activates", "activation", "stimulation", "up"), "+"),
    **dict.fromkeys(("-", "-1", "−1", "-1.0", "negative", "inhibits", "inhibition", "down", "-|"), "-"),
}
TYPES = {
    **dict.fromkeys(("", "directed", "->"), "directed"),
    **dict.fromkeys(("bidirected", "<->"), "bidirected"),
    "latent": "latent",
    "node": "node",
}
COUNTS = {"": 1, **{str(k): k for k in range(1, 1000)}}


def read_edge_list(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a table with a row per edge.

    `source` is the cause and `target` the effect. `sign` is + or - where it is known. `type` is `directed` unless
    something else stands there: `bidirected` for a hidden common cause, `latent` or `node` for a row that names a node alone.

    Raises:
        GraphError: A column or cell that is missing or means nothing; says the line.
    """
    draft = Draft("a table of edges", source, signed=True)
    names, records = lines.table(text, ("source", "target"))
    if others := [name for name in names if name not in ("source", "target", "sign", "type", "latents")]:
        draft.notes.append(f"the columns {', '.join(others)} are not read.")
    for line, row in records:
        where = f"line {line}"
        kind = lines.choice(where, "type", row.get("type", ""), TYPES)
        sign = lines.choice(where, "sign", row.get("sign", ""), SIGNS)
        if kind in ("latent", "node") or (row["source"] and not row["target"] and not sign and "type" in names):
            draft.node(row["source"], f"{where}, column source", latent=kind == "latent")
            continue
        ends = [draft.node(row[end], f"{where}, column {end}") for end in ("source", "target")]
        if kind == "bidirected":
            if (count := COUNTS.get(row.get("latents", ""))) is None:
                raise GraphError(f"{where}, column latents: {row['latents']!r} is no whole number from 1 to 999.")
            draft.arc(ends[0], ends[1], where, count)
        else:
            draft.edge(ends[0], ends[1], where, sign)
    return draft.read(cycles)


def write_edge_list(graph: LatentDag, signs: dict[tuple[Name, Name], str], delimiter: str = ",") -> str:
    """The graph as a table that `read_edge_list` reads back; columns beyond the first three only where they say something."""
    full = bool(
        graph.bidirected or graph.latent or len({name for edge in graph.directed for name in edge}) < len(graph.nodes)
    )
    many = any(count > 1 for *_, count in graph.bidirected)
    rows: list[list[str]] = []
    if full:
        rows += [[node, "", "", "latent" if node in graph.latent else "node", ""] for node in graph.nodes]
    order = {node: k for k, node in enumerate(graph.nodes)}
    for a, b in sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]])):
        rows.append([a, b, signs.get((a, b), ""), "directed", ""])
    rows += [[a, b, "", "bidirected", str(count)] for a, b, count in graph.bidirected]
    width = 5 if many else 4 if full else 3
    head = ["source", "target", "sign", "type", "latents"][:width]
    return lines.written(head, [row[:width] for row in rows], delimiter)
