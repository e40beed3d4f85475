"""A fit as one file: a zip of a manifest and plain arrays, without code and without pickles.

A file that someone else made may be opened without fear: every size is known before anything is read, every member is
expected by name, and whatever is wrong is one `ArchiveError` that names the file.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from latentdo.errors import ArchiveError, ExtensionError, LatentdoError
from latentdo.files import replacing, sweep, unwritable

from ..blocks.coordinates import FloatArray
from ..blocks.fitted import Fitted
from .manifest import NAME, Manifest, Member, arrays_of, manifest_of, model_text
from .manifest_reading import draw_faults, read_manifest

MANIFEST_LIMIT = 64 * 2**20
"""Bytes of the largest manifest: some ten thousand nodes."""
TOTAL_LIMIT = 8 * 2**30
"""Bytes of all members together."""
LARGEST = 1e250
"""Size of the largest number: data end at 1e100, and a weight is a ratio of two of them."""
RATIO_LIMIT = 100
"""How many times larger than the file its content may be; ours is stored as it is, posterior draws do not compress."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # what zipfile raises for encrypted members and methods it lacks
    ArithmeticError,
    LookupError,
    TypeError,
    SyntaxError,  # NumPy reads a header as a Python literal
)


def write_archive(posterior: Fitted, path: Path, *, data: bool = False) -> Path:
    """Write a fit as one file, and return its path.

    The same fit gives the same bytes, but for the timings that the manifest states.

    Args:
        path: Where to. What stood there is replaced only once the new file is complete.
        data: Whether to write the rows too.

    Raises:
        ArchiveError: The place cannot be written, or the fit cannot be kept as a file.
    """
    path = Path(path)
    if why := unwritable(path):
        raise ArchiveError(path, f"cannot be written: {why}")
    if data and posterior.data is None:
        raise ArchiveError(
            path, "the rows of the data are not in memory: the fit was loaded without. Save without data."
        )
    if data and posterior.data is not None and posterior.data.hash != posterior.facts.hash:
        raise ArchiveError(path, "the rows in memory are not those that the model was trained on. Save without data.")
    try:
        model_text(posterior.spec)
    except ExtensionError:
        raise
    except LatentdoError as problem:
        raise ArchiveError(path, f"the model cannot be saved: {problem}.") from None
    if 8 * sum(values.size for _, values in arrays_of(posterior, data=data)) > 0.99 * TOTAL_LIMIT:
        raise ArchiveError(path, f"the fit is larger than {TOTAL_LIMIT // 2**30} GiB. Keep fewer draws.")
    _replace(path, lambda file: _write_zip(posterior, file, path, data=data))
    return path


def _replace(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write beside, then rename: whatever happens, what stands at the path is the old file or the whole new one."""
    # A link stays a link: the file that it points to is replaced.
    target = Path(os.path.realpath(path))
    sweep(target.parent, target)
    try:
        with replacing(target) as beside, beside.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise ArchiveError(path, f"cannot be written ({_reason(problem)}).") from None


def _write_zip(posterior: Fitted, file: IO[bytes], path: Path, *, data: bool) -> None:
    members: list[Member] = []
    with zipfile.ZipFile(file, "w") as archive:
        for name, values in arrays_of(posterior, data=data):
            if not _can_be_computed_with(values):
                raise ArchiveError(path, f"the draws of {_whose(posterior, values)} are not all finite. Fit again.")
            raw = _npy(values)
            members.append(Member(name, values.shape, len(raw), hashlib.sha256(raw).hexdigest()))
            archive.writestr(_info(name), raw)
        try:
            raw = manifest_of(posterior, members, data=data).to_bytes()
        except UnicodeEncodeError as problem:
            raise ArchiveError(path, f"a name or text of the fit is not valid Unicode ({problem.reason}).") from None
        # Read back what was written, while the old file still stands.
        if read_manifest(raw, path).spec != posterior.spec or len(raw) > MANIFEST_LIMIT:
            raise ArchiveError(path, "the model cannot be saved: its text does not give it back when it is read.")
        archive.writestr(_info(NAME), raw)


def _can_be_computed_with(values: FloatArray) -> bool:
    """Whether all numbers are finite, and of a size that something learned from data may have; NaN compares with nothing."""
    return not values.size or bool(values.min() >= -LARGEST and values.max() <= LARGEST)


def _whose(posterior: Fitted, values: FloatArray) -> str:
    """The node that an array belongs to."""
    for node, draws in posterior.by_node.items():
        if any(values is own for own in (draws.coefficients, *(pair[1] for pair in draws.parameters))):
            return node
    return "the data"


def _info(name: str) -> zipfile.ZipInfo:
    """An entry without a time and without the traits of a machine."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info


def _npy(values: FloatArray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(values, dtype="<f8"), version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def read_fitted(path: Path) -> Fitted:
    """The fit in a file that `write_archive` made; answers from it are those of the fit that was saved.

    Raises:
        ArchiveError: The file cannot be opened, is damaged, was changed, or is not a fit of this version.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise ArchiveError(path, "is a folder, not a saved fit.")
        if path.exists() and not path.is_file():
            raise ArchiveError(path, "is not an ordinary file.")
        with path.open("rb") as file:
            return _read_zip(file, path)
    except FileNotFoundError:
        raise ArchiveError(path, "there is no such file.") from None
    except (OSError, ValueError) as problem:
        raise ArchiveError(path, f"cannot be read ({_reason(problem)}).") from None
    except MemoryError:
        raise ArchiveError(path, "is too large for the memory of this machine.") from None


def _read_zip(file: IO[bytes], path: Path) -> Fitted:
    size = os.fstat(file.fileno()).st_size
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE:
        file.seek(0)
        started = file.read(2) == b"PK"
        why = (
            "is cut short or damaged: its table of contents is gone." if started else "is not a saved fit (not a zip)."
        )
        raise ArchiveError(path, why) from None
    with archive:
        entries = _entries(archive, size, path)
        manifest = read_manifest(_read(archive, entries[NAME], path), path)
        _check_members(manifest, entries, path)
        arrays = {member.name: _array(archive, entries, member, path) for member in manifest.members}
    try:
        fitted = manifest.fitted(arrays)
    except ExtensionError:
        raise
    except LatentdoError as problem:
        raise ArchiveError(path, f"what it holds cannot be used: {problem}") from None
    if fault := next(draw_faults(fitted), None):
        raise ArchiveError(path, f"what it holds cannot be used: {fault}.")
    return fitted


def _entries(archive: zipfile.ZipFile, size: int, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, once none of them is a trick."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if fault := _entry_fault(info):
            raise ArchiveError(
                path, f"the member {info.orig_filename!r} {fault}. This is not a file saved by latentdo."
            )
        if info.filename in entries:
            raise ArchiveError(path, f"the member {info.filename!r} occurs twice.")
        entries[info.filename] = info
    if NAME not in entries:
        raise ArchiveError(path, f"has no {NAME}. This is not a fit saved by latentdo.")
    total = sum(info.file_size for info in entries.values())
    if total > TOTAL_LIMIT or total > RATIO_LIMIT * size or entries[NAME].file_size > MANIFEST_LIMIT:
        raise ArchiveError(path, f"would unpack to {total:,} bytes, far more than a fit of {size:,} bytes can hold.")
    return entries


def _entry_fault(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        return "points out of the archive"
    if name != info.filename:
        return "has a name that cannot be trusted"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if info.is_dir() or kind not in (0, stat.S_IFREG):
        return "is not an ordinary file"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed by a method that is not used here"
    return None


def _check_members(manifest: Manifest, entries: dict[str, zipfile.ZipInfo], path: Path) -> None:
    """The entries are those that the manifest lists, of the size it says."""
    listed = {member.name: member for member in manifest.members}
    for name in entries:
        if name != NAME and name not in listed:
            raise ArchiveError(path, f"the member {name!r} does not belong to a saved fit.")
    for name, member in listed.items():
        if name not in entries:
            raise ArchiveError(path, f"the member {name} is missing. The file is damaged.")
        if entries[name].file_size != member.size:
            raise ArchiveError(
                path, f"the member {name} has {entries[name].file_size:,} bytes; {NAME} says {member.size:,}."
            )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    """The bytes of one member, never more than it declares."""
    try:
        with archive.open(info) as stream:
            raw = stream.read(info.file_size + 1)
    except _DAMAGE as problem:
        raise ArchiveError(path, f"the member {info.filename} is damaged ({_reason(problem)}).") from None
    if len(raw) != info.file_size:
        raise ArchiveError(path, f"the member {info.filename} has another length than it declares.")
    return raw


def _array(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], member: Member, path: Path) -> FloatArray:
    """The numbers of one member."""
    raw = _read(archive, entries[member.name], path)
    if hashlib.sha256(raw).hexdigest() != member.sha256:
        raise ArchiveError(path, f"the member {member.name} was changed after the fit was saved: its hash differs.")
    try:
        shape, fortran, dtype, offset = _header(raw)
    except _DAMAGE as problem:
        raise ArchiveError(path, f"the member {member.name} is not an array ({_reason(problem)}).") from None
    # Only now are numbers made of bytes: an array of objects would be a pickle.
    if dtype != np.dtype("<f8") or fortran:
        raise ArchiveError(path, f"the member {member.name} holds {dtype}, expected float64 in C order.")
    if shape != member.shape or len(raw) - offset != 8 * math.prod(shape):
        raise ArchiveError(path, f"the member {member.name} has the shape {shape}, expected {member.shape}.")
    values = np.frombuffer(raw, dtype="<f8", offset=offset).reshape(shape).astype(np.float64)
    if not _can_be_computed_with(values):
        raise ArchiveError(
            path, f"the member {member.name} has numbers that are not finite, or larger than {LARGEST:g}."
        )
    return values


def _header(raw: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    stream = io.BytesIO(raw)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("not version 1.0 of the NumPy format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    return shape, fortran, dtype, stream.tell()


def _reason(problem: BaseException) -> str:
    """The problem in a few words, without paths of this machine."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return " ".join(str(problem).split())[:200] or type(problem).__name__
