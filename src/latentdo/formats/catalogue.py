"""Every format by name: what it is called, who reads and writes it, and which options its reader takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from latentdo.errors import UsageError, nearest
from latentdo.graphs import LatentDag, Name
from latentdo.plots import drawing

from .foreign.bel import read_bel
from .foreign.bif import read_bif, write_bif
from .foreign.by_networkx import read_gml, read_graphml, write_gml, write_graphml
from .foreign.causal_fusion import read_causal_fusion
from .foreign.dagitty import read_dagitty, write_dagitty
from .foreign.dot import read_dot, write_dot
from .foreign.edge_list import read_edge_list, write_edge_list
from .foreign.indra import read_indra
from .foreign.lavaan import read_lavaan, write_lavaan
from .foreign.matrix import read_matrix
from .foreign.omnipath import read_omnipath, write_omnipath
from .foreign.ours import read_fit, read_own, read_study, write_arrows, write_model
from .foreign.probabilities import network_of
from .foreign.sbml_qual import read_sbml_qual
from .foreign.sif import read_sif, write_sif
from .foreign.xmlbif import read_xmlbif, write_xmlbif
from .report import Read

Content = Literal["text", "bytes", "path", "value"]
CYCLES = ("cycles",)


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        title: What people call it.
        suffixes: The ends of its files' names; the first one is written.
        read: (content, source, options) to what it says; None where it is written alone.
        content: What its reader takes.
        options: The options of its reader.
        write: (what was read, the path) to the content of the file; None where it is read alone.
        keeps: What of a graph survives being written: `signs`, `latent`, `arcs`, `counts`.
        tables: Whether its files are tables of probabilities, which no graph has.
    """

    title: str
    suffixes: tuple[str, ...] = ()
    read: Callable[..., Read] | None = None
    content: Content = "text"
    options: tuple[str, ...] = CYCLES
    write: Callable[[Read, str], str | bytes] | None = None
    keeps: tuple[str, ...] = ()
    tables: bool = False


Writer = Callable[[LatentDag, dict[tuple[Name, Name], str]], str]


def _signed(write: Writer) -> Callable[[Read, str], str]:
    """A writer of a graph with its signs."""
    return lambda read, path: write(read.graph, dict(read.signs))


def _drawn(suffix: str) -> Callable[[Read, str], bytes]:
    """A writer of a drawing."""
    return lambda read, path: drawing(read.graph, signs=dict(read.signs)).content(suffix)


def _edges(read: Read, path: str) -> str:
    return write_edge_list(read.graph, dict(read.signs), "\t" if path.lower().endswith(".tsv") else ",")


ALL = ("signs", "latent", "arcs", "counts")

FORMATS: dict[str, Format] = {
    "text": Format("arrows or a model as text", (".txt",), read_own, write=_signed(write_arrows),
                   keeps=("latent", "arcs", "counts", "inhibiting")),
    "model": Format("a model as text", (".model",), read_own, write=lambda read, path: write_model(read), keeps=ALL),
    "study": Format("a study", (".yaml", ".yml"), read_study, "path", ()),
    "fit": Format("a saved fit", (".ldo",), read_fit, "path", ()),
    "dagitty": Format("dagitty", (".dagitty", ".dag"), read_dagitty, write=lambda read, path: write_dagitty(read.graph),
                      keeps=("latent", "arcs")),
    "edges": Format("a table of edges", (".csv", ".tsv"), read_edge_list, write=_edges, keeps=ALL),
    "dot": Format("DOT", (".dot", ".gv"), read_dot, write=_signed(write_dot), keeps=ALL),
    "gml": Format("GML", (".gml",), read_gml, write=_signed(write_gml), keeps=ALL),
    "graphml": Format("GraphML", (".graphml",), read_graphml, "bytes", write=_signed(write_graphml), keeps=ALL),
    "sif": Format("SIF", (".sif",), read_sif, write=_signed(write_sif), keeps=("signs", "arcs")),
    "omnipath": Format("a table of OmniPath", (), read_omnipath, options=("min_evidence", *CYCLES),
                       write=_signed(write_omnipath), keeps=("signs",)),
    "lavaan": Format("lavaan", (".lavaan", ".lav"), read_lavaan, keeps=("latent", "arcs"),
                     write=lambda read, path: write_lavaan(read.graph, read.questions)),
    "bif": Format("BIF", (".bif",), read_bif, write=lambda read, path: write_bif(network_of(read)), keeps=ALL,
                  tables=True),
    "xmlbif": Format("XMLBIF", (".xmlbif",), read_xmlbif, "bytes", keeps=ALL,
                     write=lambda read, path: write_xmlbif(network_of(read)),
                     tables=True),
    "indra": Format("INDRA statements", (".json",), read_indra, options=("min_belief", "min_evidence", *CYCLES)),
    "bel": Format("BEL as node-link JSON", (".json",), read_bel),
    "causal-fusion": Format("Causal Fusion JSON", (".json",), read_causal_fusion),
    "sbml-qual": Format("SBML-qual", (".sbml", ".xml"), read_sbml_qual, "bytes"),
    **{name: Format(f"a drawing ({suffix[1:]})", (suffix, *more), write=_drawn(suffix), keeps=ALL)
       for name, suffix, *more in (("svg", ".svg"), ("png", ".png"), ("pdf", ".pdf"), ("tikz", ".tikz"), ("latex", ".tex"),
                                   ("mermaid", ".mmd", ".mermaid"))},
    "matrix": Format("a matrix of causal discovery", (), read_matrix, "value", ("convention", "names", *CYCLES)),
}  # fmt: skip

READ = "Read are " + ", ".join(format.title for format in FORMATS.values() if format.read is not None) + "."


def format_named(name: str, *, write: bool = False) -> Format:
    """The format of a name.

    Raises:
        UsageError: There is none, or it goes the other way alone.
    """
    known = [key for key, format in FORMATS.items() if (format.write if write else format.read) is not None]
    if name not in known:
        way = "written" if write else "read"
        listed = f"{way[0].upper()}{way[1:]} are: {', '.join(known)}."
        why = f"format {name!r} is not {way}" if name in FORMATS else f"no format is called {name!r}"
        raise UsageError(f"{why[0].upper()}{why[1:]}. {nearest(str(name), known)} {listed}")
    return FORMATS[name]
