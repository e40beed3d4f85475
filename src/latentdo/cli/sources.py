"""What the first argument of a command means: text, standard input, or a study file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from latentdo.errors import UsageError
from latentdo.graphs import STUDY_SUFFIXES, is_study_path

from .output import tell

if TYPE_CHECKING:
    from latentdo.models.study import Study


def source_text(given: str) -> str:
    """The argument itself, or what stands on standard input if it is `-`.

    Raises:
        UsageError: A file that is not a study, a folder, a study on standard input, or bytes that are not UTF-8.
    """
    if given == "-":
        text = standard_input()
        if re.search(r"^model[ \t]*:", text, re.MULTILINE):
            raise UsageError(
                "Standard input holds a study, and - reads the text of a model or graph. A study is read from its file: "
                "give its path."
            )
        return text
    if not given.strip():
        raise UsageError('The model is an empty text. Write for example "X -> Y", or the name of a study file.')
    if ("/" in given or os.sep in given or not given.strip(".")) and Path(given).is_dir():
        raise UsageError(f'{given} is a folder. Name a study file (.yaml, .yml) in it, or type a graph: "X -> Y".')
    if _is_other_file(given):
        raise UsageError(
            f"{given} is a file, and models are read from study files (.yaml, .yml). To read the text of a model or "
            f"graph from a file, put - in its place and add < {given}."
        )
    return given


def study_of(text: str) -> Study:
    """The study that a path names, or one around the text of a model."""
    from latentdo.api import load_study, model
    from latentdo.models.study import Study

    return load_study(text) if is_study_path(text) else Study("model", model(text))


def variant_of(study: Study, name: str | None) -> Study:
    """The study, or that of its variant; queries that the variant cannot be asked are told on stderr.

    Raises:
        StudyError: The study has no such variant.
        SpecError: The variant states no model.
    """
    if name is None:
        return study
    chosen = study.variant(name)
    kept = {key for key, _ in chosen.queries}
    for key in (key for key, _ in study.queries if key not in kept):
        tell_left_out(key, name)
    return chosen


def tell_left_out(key: str, variant: str) -> None:
    """Say on stderr that a query of the study makes no sense for its variant."""
    tell(f"note: the query {key} cannot be asked of the variant {variant} and is left out.")


def standard_input() -> str:
    """All that stands on standard input.

    Raises:
        UsageError: It is closed, or its bytes are not UTF-8.
    """
    if sys.stdin is None:
        raise UsageError("There is no standard input to read the text from. Put it on the command line.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"Standard input is not UTF-8 (byte {error.start + 1}). Save the text as UTF-8.") from None


def _is_other_file(text: str) -> bool:
    if "\n" in text or "." not in text or text.lower().endswith(STUDY_SUFFIXES):
        return False
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
