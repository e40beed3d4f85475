"""`read`: a file, a text or a foreign object to its graph, with the report of what the graph does not hold."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latentdo import arguments
from latentdo.errors import GraphError, NotationError, UnsupportedError, UsageError
from latentdo.files import read_bytes
from latentdo.graphs import Name, is_study_path

from .catalogue import FORMATS, READ, Format, format_named
from .draft import check_cycles
from .foreign.by_networkx import from_networkx, is_networkx
from .recognition import SUFFIXES, UNREAD, guess, is_graph_path, is_path_of_ours, suffix_of
from .report import Read

LARGEST = 256 * 2**20
"""Bytes of a file, at most."""


def read(
    source: Any,
    format: str | None = None,
    *,
    cycles: str = "refuse",
    min_belief: float | None = None,
    min_evidence: int | None = None,
    convention: str | None = None,
    names: Iterable[Name] | None = None,
) -> Read:
    """What a file, a text or an object says: its graph, and the report of what the graph does not hold.

    Args:
        source: A path, a text, a networkx graph, a matrix, a list of edges, or a graph or model of ours. A string is a path
            if it is one line that ends in a known suffix; a pathlib.Path always is one.
        format: One of `latentdo.formats.FORMATS`; told by suffix and content unless given.
        cycles: What is done about directed cycles: `refuse` names them; `drop-weakest` leaves out of each the edge with the
            least belief, then the least evidence, then the latest one, and lists it in the report.
        min_belief: Belief that a statement of INDRA needs at least.
        min_evidence: Pieces of evidence that a statement of INDRA or a row of OmniPath needs at least.
        convention: What an entry of a matrix means; there is no default.
        names: The nodes of a matrix, in order.

    Raises:
        NotationError: A text cannot be read; says where.
        GraphError: The source states something that a latent DAG cannot hold; says where.
        CycleError: It has directed cycles, and they are refused.
        UnsupportedError: A file of no format that is read; names those that are.
    """
    check_cycles(cycles)
    options = {"cycles": cycles, "min_belief": min_belief, "min_evidence": min_evidence, "convention": convention}
    options = {key: value for key, value in {**options, "names": names}.items() if value is not None}
    if format is None and convention is not None:
        format = "matrix"  # nothing else has a convention
    if min_belief is not None:
        options["min_belief"] = arguments.number("min_belief", min_belief, UsageError, least=0, most=1)
    if min_evidence is not None:
        options["min_evidence"] = arguments.whole("min_evidence", min_evidence, UsageError, least=0)
    if isinstance(source, Path) or (isinstance(source, str) and (is_graph_path(source) or _is_ours(source))):
        return _file(Path(source), format, options)
    if isinstance(source, str):
        return read_text(source, format, options)
    return _object(source, format, options)


def _is_ours(source: str) -> bool:
    return len(source.splitlines()) == 1 and is_path_of_ours(source) and not re.search(r"->|<-|~|;", source)


def read_text(text: str, format: str | None = None, options: dict[str, Any] | None = None) -> Read:
    """What a text says; it is never taken for a path."""
    options = {"cycles": "refuse"} if options is None else options
    name = format or guess(text) or "text"
    if name == "xml":
        raise UnsupportedError(f"This is XML, and neither SBML-qual, GraphML nor XMLBIF. {READ}")
    return _called(name, text, "text", options)


def read_named(text: str, name: str = "", format: str | None = None) -> Read:
    """What a text says that stood in a file of this name, of which the end tells the format; no file is opened.

    Raises:
        UnsupportedError: A file of no format that is read as text.
    """
    path, end = Path(Path(name).name), suffix_of(name)
    if format is None and end in UNREAD:
        raise UnsupportedError(f"{path} is {UNREAD[end]}. It is not read here. {READ}")
    if format == "fit" or name.lower().endswith(".ldo"):
        raise UnsupportedError("A saved fit is no text. Open it where it lies: latentdo ask fit.ldo, or ld.load.")
    if format is None and end:
        format = _told(path, text.encode("utf-8", "replace"), end)
    if format is None:
        format = "study" if is_path_of_ours(name) else guess(text) or "text"
    if format == "study":
        if is_study_path(text.strip()):
            raise UnsupportedError("This is the path of a study, and paths are not followed here. Give its text.")
        return _called("study", text, "text", {})
    if format_named(format).content == "bytes":
        return _called(format, text.encode("utf-8", "replace"), str(path) if name else "text", {})
    if not name:
        return read_text(text, format)
    return _placed(format, text, path, end, {"cycles": "refuse"})


def _called(name: str, content: Any, source: str, options: dict[str, Any]) -> Read:
    """What the reader of a format makes of a content, once its options are known."""
    chosen = format_named(name)
    assert chosen.read is not None
    for key, value in options.items():
        if key not in chosen.options and not (key == "cycles" and value == "refuse"):
            takers = [other for other, each in FORMATS.items() if key in each.options]
            raise UsageError(f"{key}= belongs to the formats {', '.join(takers)}, and this is {name}.")
    taken = {key: value for key, value in options.items() if key in chosen.options}
    return chosen.read(content, source, **taken) if chosen.content != "path" else _ours(chosen, content, source, taken)


def _ours(chosen: Format, content: Any, source: str, taken: dict[str, Any]) -> Read:
    assert chosen.read is not None
    if chosen is FORMATS["fit"]:
        if source == "text":
            raise UsageError("A saved fit is read from its path: Path('fit.ldo').")
        return chosen.read(Path(source))
    return chosen.read(content, source, **taken)


def _file(path: Path, format: str | None, options: dict[str, Any]) -> Read:
    """What a file says."""
    end = suffix_of(str(path))
    if format is None and end in UNREAD:
        raise UnsupportedError(f"{path} is {UNREAD[end]}. It is not read here. {READ}")
    if format is None and is_path_of_ours(str(path)):
        format = "fit" if str(path).lower().endswith(".ldo") else "study"
    if format == "fit":
        return _called("fit", None, str(path), options)
    content = read_bytes(path, GraphError, suffixes=(*SUFFIXES, ".yaml", ".yml", ".ldo") if end else ())
    content = _unpacked(path, content)
    name = format or _told(path, content, end)
    chosen = format_named(name)
    if chosen.content == "bytes":
        return _called(name, content, str(path), options)
    if name == "study" and options.get("cycles") == "refuse":
        return _called(name, "", str(path), options)
    return _placed(name, _decoded(path, content, known=bool(format or end)), path, end, options)


def _unpacked(path: Path, content: bytes) -> bytes:
    """The content, unpacked where it is gzipped, as far as a file may be long: a small one could hold terabytes."""
    if content[:2] == b"\x1f\x8b":
        reader = zlib.decompressobj(wbits=31)
        try:
            content = reader.decompress(content, LARGEST + 1)
        except zlib.error as problem:
            raise GraphError(f"{path}, line 1: the gzipped file is damaged: {problem}.") from None
        if not reader.eof and len(content) <= LARGEST:
            raise GraphError(f"{path}, to its end: the gzipped file ends too early. Copy it again.")
    if len(content) > LARGEST:
        raise UnsupportedError(f"{path} has more than {LARGEST:,} bytes, and no more are read.")
    return content


def _told(path: Path, content: bytes, end: str) -> str:
    """The format of a file by its suffix, and where that leaves several or none by its content."""
    known = SUFFIXES.get(end, ())
    if len(known) == 1:
        return known[0]
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") and b"<" in content[:8]:
        text = content.decode("utf-16", errors="replace")
    else:
        text = _decoded(path, content, known=bool(known)) if content.lstrip()[:1] != b"<" else content.decode("latin-1")
    name = guess(text)
    if name == "xml":
        raise UnsupportedError(f"{path} is XML, and neither SBML-qual, GraphML nor XMLBIF. {READ}")
    if known and name not in known:
        # A table that names no source and target: its own reader says what it lacks.
        return name if name and name not in ("lavaan", "sif") else known[0]
    return name or "text"


def _decoded(path: Path, content: bytes, *, known: bool) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        if known:
            raise GraphError(
                f"{path}, line {line}: byte {problem.start + 1} is no UTF-8. Save the file as UTF-8."
            ) from None
        raise UnsupportedError(
            f"{path} is no text in UTF-8 (line {line}), and no format that is read. {READ}"
        ) from None


def _placed(name: str, text: str, path: Path, end: str, options: dict[str, Any]) -> Read:
    """What a text in a file says; a message names the file too."""
    try:
        return _called(name, text, str(path), options)
    except NotationError as problem:
        if name == "text" and end in ("", ".txt"):
            raise UnsupportedError(
                f"{path} is in no format that is read. {READ} Read as arrows it has a mistake: {problem}"
            ) from None
        if str(path) in str(problem):
            raise
        raise NotationError(f"{path}: {problem.problem}", problem.source, problem.line, problem.column) from None
    except (GraphError, UnsupportedError) as problem:
        if str(path) in str(problem):
            raise
        problem.args = (f"{path}, {problem.args[0]}", *problem.args[1:])
        raise


def _object(source: Any, format: str | None, options: dict[str, Any]) -> Read:
    """What an object says."""
    from .foreign.ours import of_object

    if format == "matrix":
        return _called("matrix", source, "matrix", options)
    if format is not None:
        raise UsageError(f"format={format!r} says how a text or a file is read, and this is {type(source).__name__}.")
    if (found := of_object(source)) is not None:
        return found
    if is_networkx(source):
        return from_networkx(source, cycles=options["cycles"])
    if arguments.listed(source) is not None and not hasattr(source, "columns"):
        return _edges(source, options["cycles"])
    raise GraphError(
        f"{type(source).__name__} is not read as a graph. Give text such as 'X -> Y', a path, a networkx.DiGraph, a list of "
        "edges [('X', 'Y')], or pairs: directed=[('X', 'Y')]. A matrix needs format='matrix' and convention=."
    )


def _edges(source: Any, cycles: str) -> Read:
    """A list of edges, causes first."""
    from .draft import Draft
    from .pairs import edges_of

    draft = Draft("a list of edges", "the list")
    for k, (cause, effect) in enumerate(edges_of("the list", source)):
        draft.edge(cause, effect, f"edge {k + 1}")
    return draft.read(cycles)
