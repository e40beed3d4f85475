"""When a text is no notation but the name of a file: decided here, as a verdict on arrows never loads what reads files."""

from __future__ import annotations

STUDY_SUFFIXES = (".yaml", ".yml")
FIT_SUFFIX = ".ldo"


def is_study_path(text: str) -> bool:
    """Whether a string names a study file: one line that ends in a known suffix."""
    return _is_path(text, STUDY_SUFFIXES)


def is_fit_path(text: str) -> bool:
    """Whether a string names a saved fit: one line that ends in `.ldo`."""
    return _is_path(text, FIT_SUFFIX)


def _is_path(text: str, suffixes: str | tuple[str, ...]) -> bool:
    return text.lower().endswith(suffixes) and len(text.splitlines()) == 1
