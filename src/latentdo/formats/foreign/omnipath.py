"""Interaction tables of OmniPath: a row per interaction, with what is known of its direction and sign.

`is_stimulation` and `is_inhibition` are read. The columns of consensus are not: they follow the majority of references, and hide
what is disputed.

Source:
    Türei et al. (2016), OmniPath; the columns are those of omnipathdb.org/interactions.
"""

from __future__ import annotations

from latentdo.errors import GraphError
from latentdo.graphs import LatentDag, Name, quote

from .. import lines
from ..draft import Draft
from ..report import Read

_YES = {**dict.fromkeys(("1", "true", "t", "yes"), "yes"), **dict.fromkeys(("0", "false", "f", "no", "", "na"), "")}
MARKS = ("is_stimulation", "is_inhibition")


def read_omnipath(text: str, source: str = "text", *, min_evidence: int = 0, cycles: str = "refuse") -> Read:
    """The graph of a table of interactions; names are gene symbols where there are columns of them.

    Args:
        min_evidence: References that an interaction needs at least, by `n_references` or `curation_effort`.

    Raises:
        GraphError: A column or cell that is missing or means nothing; says the line.
    """
    draft = Draft("a table of OmniPath", source, signed=True)
    names, records = lines.table(text, ("source", "target", *MARKS))
    counts = next((name for name in ("n_references", "curation_effort") if name in names), "")
    if min_evidence and not counts:
        raise GraphError("line 1: the table has no column n_references or curation_effort, which min_evidence= needs.")
    for line, row in records:
        where = f"line {line}"
        ends: list[str] = []
        for end in ("source", "target"):
            symbol = row.get(f"{end}_genesymbol") or row[end]
            ends.append(draft.node(symbol, f"{where}, column {end}"))
            if symbol != row[end]:
                draft.references.setdefault(symbol, {"UP": row[end]})
        evidence = _count(row.get(counts, ""), f"{where}, column {counts}") if counts else 0
        said = {mark: lines.choice(where, mark, row[mark], _YES) for mark in ("is_directed", *MARKS) if mark in row}
        arrow = f"{quote(ends[0])} -> {quote(ends[1])}"
        if evidence < min_evidence:
            draft.drop(where, f"{arrow} has {evidence} references")
        elif not said.get("is_directed", "yes"):
            draft.drop(where, f"{arrow} has no direction")
        else:
            signs = [sign for mark, sign in zip(MARKS, "+-", strict=True) if said[mark]] or [""]
            for sign in signs:
                draft.edge(ends[0], ends[1], where, sign, evidence=evidence)
    return draft.read(cycles)


def _count(cell: str, where: str) -> int:
    if cell in ("", "NA", "nan"):
        return 0
    try:
        return int(float(cell))
    except (ValueError, OverflowError):
        raise GraphError(f"{where}: {cell!r} is no number.") from None


def write_omnipath(graph: LatentDag, signs: dict[tuple[Name, Name], str]) -> str:
    """The directed edges as a table of OmniPath, with tabs."""
    order = {node: k for k, node in enumerate(graph.nodes)}
    head = ["source", "target", "source_genesymbol", "target_genesymbol", "is_directed", *MARKS]
    rows = [
        [a, b, a, b, "1", *(str(int(signs.get((a, b), "") == sign)) for sign in "+-")]
        for a, b in sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]]))
    ]
    return lines.written(head, rows, "\t")
