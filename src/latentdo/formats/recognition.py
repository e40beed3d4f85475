"""Which format a text is in, told by what it looks like; cheap, as every text that a verb is given comes by."""

from __future__ import annotations

import re

from latentdo.graphs import STUDY_SUFFIXES, normalised

from .relations import relation_kind

SUFFIXES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((".dot", ".gv"), ("dot",)),
    ".sif": ("sif",),
    ".gml": ("gml",),
    ".graphml": ("graphml",),
    ".bif": ("bif",),
    ".xmlbif": ("xmlbif",),
    **dict.fromkeys((".sbml",), ("sbml-qual",)),
    ".xml": ("sbml-qual", "xmlbif", "graphml"),
    ".json": ("indra", "bel", "causal-fusion"),
    **dict.fromkeys((".csv", ".tsv"), ("edges", "omnipath", "matrix")),
    **dict.fromkeys((".lavaan", ".lav"), ("lavaan",)),
    **dict.fromkeys((".dagitty", ".dag"), ("dagitty",)),
    ".txt": (),
    ".model": ("text",),
}
"""The formats by the ends of files' names; where there are several or none the content decides."""
UNREAD = {
    **dict.fromkeys((".xdsl", ".dsc", ".net"), "a Bayesian network of another tool; export BIF or XMLBIF there"),
    ".gexf": "a graph of Gephi; export GraphML there",
    ".bel": "a script of BEL; compile it to node-link JSON (pybel.to_nodelink_file)",
    ".owl": "a pathway in OWL; export SIF there (Pathway Commons has both)",
    **dict.fromkeys((".cx", ".cx2"), "a network of NDEx; export SIF or GraphML there"),
}
"""Files that are known and not read: what they are, and the way round."""

# What is read once is never given back (`++`): a line of many # has otherwise more readings than there is time.
DAGITTY = re.compile(
    r"(?>\s++|//[^\n]*+|\#[^\n]*+|/\*.*?\*/)*+(dag|pdag|mag|pag)\s*+(?:\"[^\"\n]*\"|[\w.]++)?\s*+\{", re.DOTALL
)
_HEAD = 20_000
_DOT = re.compile(
    r"(?:\s++|//[^\n]*+|\#[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+"
    r"(?:strict\s++)?+(?:di)?graph\b\s*+(?:\"[^\"\n]*\"|[\w.]++)?+\s*+\{",
    re.I,
)
_GML = re.compile(r"(?:\s++|\#[^\n]*+\n|(?:Creator|Version|comment)\s[^\n]*+\n)*+graph\s*+\[", re.I)
_BIF = re.compile(
    r"(?:\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+(?:network\b[^{;]*+\{|variable\s++\S++\s*+\{|probability\s*+\()"
)
_STUDY = re.compile(r"^model[ \t]*:", re.MULTILINE)
_ARROW = re.compile(r"->|<-|-\||<->|~")


def is_graph_path(text: str) -> bool:
    """Whether a string names a file of a graph: one line that ends in a known suffix."""
    return bool(suffix_of(text)) and len(text.splitlines()) == 1 and not re.search(r"->|<-|~|;|[{}]", text)


def suffix_of(name: str) -> str:
    """The known suffix of a name; empty where it has none."""
    lower = name.lower().removesuffix(".gz")
    return next((end for end in (*SUFFIXES, *UNREAD) if lower.endswith(end)), "")


def is_dagitty(text: str) -> bool:
    """Whether the text opens like one of dagitty's graphs."""
    return DAGITTY.match(normalised(text)) is not None


def guess(text: str) -> str:
    """The format of a text; empty for arrows and models, and for what nobody knows."""
    text = normalised(text)
    start = text.lstrip()[:1]
    if start == "<":
        return _markup(text[:_HEAD])
    if start in ("{", "[") and start:
        return _document(text)
    for name, pattern in (("dot", _DOT), ("gml", _GML), ("bif", _BIF)):
        if pattern.match(text):
            return name
    if is_dagitty(text):
        return "dagitty"
    return _lines(text)


def _markup(head: str) -> str:
    for name, root in (("sbml-qual", "sbml"), ("graphml", "graphml"), ("xmlbif", "BIF")):
        if re.search(rf"<(?:\w+:)?{root}[\s>]", head):
            return name
    return "xml"


def _document(text: str) -> str:
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        keys = found.keys()
    else:
        # Of a spoilt text the words that the formats have.
        keys = (
            set(re.findall(r'"(links|edges|statements|nodes)"', text))
            if found is None and text.lstrip()[0] == "{"
            else set()
        )
    if "links" in keys or ("edges" in keys and re.search(r'"relation"\s*:', text)):
        return "bel"
    return "causal-fusion" if {"edges", "nodes"} & set(keys) else "indra"


def _lines(text: str) -> str:
    if _STUDY.search(text):
        return "study"
    lines = [line for line in text[:_HEAD].split("\n") if line.strip()][:50]
    if not lines:
        return ""
    head = {cell.strip().strip('"').lower() for cell in re.split(r"[\t,;]", lines[0])}
    if {"source", "target"} <= head:
        return "omnipath" if "is_stimulation" in head else "edges"
    if _is_matrix(lines):
        return "matrix"
    if _is_sif(lines):
        return "sif"
    return "lavaan" if any(map(_is_lavaan, text.split("\n"))) else ""


def _is_matrix(lines: list[str]) -> bool:
    """Whether the lines are rows of numbers, below a line of names or not."""
    numbers = [
        bool(re.fullmatch(r"(?:\s|[,;0-9.eE+\-]|nan)+", line, re.I)) and bool(re.search("[0-9]", line))
        for line in lines
    ]
    return all(numbers) or (len(lines) > 2 and all(numbers[1:]) and bool(re.search(r"[,;\t]", lines[0])))


def _is_lavaan(line: str) -> bool:
    """Whether a line defines a quantity, or has sums or modifiers that the model language has not."""
    code = line.split("#", 1)[0].split("!", 1)[0]
    if "`" in code or "~" not in code:
        return ":=" in code and "`" not in code
    at = code.index("~")
    rest = code[at + 1 :].split("(", 1)[0]
    return "*" in rest or ("+" in rest and code[:at].rstrip()[-1:] != "=") or ":=" in code


def _is_sif(lines: list[str]) -> bool:
    """Whether each line names a relation between its second blank and third that is known; arrows are ours."""
    found = [line.strip().split("\t") if "\t" in line else line.split() for line in lines]
    # `<->` stands in SIF too; a semicolon behind it is ours.
    if any((_ARROW.search(line.replace("<->", "")) or ";" in line) and "\t" not in line for line in lines):
        return False
    return all(
        len(words) >= 3 and relation_kind(words[1].strip()) != "unknown" for words in found if len(words) > 1
    ) and any(len(words) >= 3 for words in found)


def is_path_of_ours(name: str) -> bool:
    """Whether the name ends like that of a study or a fit."""
    return name.lower().endswith((*STUDY_SUFFIXES, ".ldo"))
