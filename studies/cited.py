"""Errors that somebody reported, as cells of a table: several may be about one cell, each with a letter for its note."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .printed import figure, with_quartiles
from .published import Figure

Key = tuple[str, int, str]
"""Question, size, method."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS: Mapping[str, str] = {"sample": "sample value", "population": "population"}
"""What tables call the truth that an error is against."""


@dataclass(frozen=True)
class Cited:
    """Reported errors by question, size and method.

    Attributes:
        letters: A letter for each note, where there are several notes.
        against: The truth that all errors are against; empty where they are against different ones, or nobody knows.
    """

    by_key: Mapping[Key, tuple[Figure, ...]]
    letters: Mapping[str, str]
    against: str

    @staticmethod
    def of(figures: Sequence[Figure]) -> Cited:
        """The figures by what they are about, those of one cell in their order."""
        by_key: dict[Key, tuple[Figure, ...]] = {}
        for each in figures:
            key = (each.query, each.n, each.method)
            by_key[key] = (*by_key.get(key, ()), each)
        notes = dict.fromkeys(each.note for each in figures if each.note)
        truths = {each.against for each in figures}
        letters = dict(zip(notes, LETTERS, strict=False)) if len(notes) > 1 else {}
        return Cited(by_key, letters, truths.pop() if len(truths) == 1 else "")

    def head(self, name: str) -> str:
        """The name of the column, with the truth that all its errors are against."""
        return f"{name}, {WORDS[self.against]}" if self.against else name

    def cell(self, key: Key, *, quartiles: bool) -> str:
        """The figures about a cell, each with its letter and, where the head does not say it, its truth."""
        return "; ".join(self._one(each, quartiles) for each in self.by_key.get(key, ())) or "–"

    def _one(self, reported: Figure, quartiles: bool) -> str:
        shown = figure(reported.median)
        if quartiles:
            shown = with_quartiles(reported.median, reported.low, reported.high)
        signs = [self.letters.get(reported.note, ""), "" if self.against else WORDS.get(reported.against, "")]
        behind = ", ".join(sign for sign in signs if sign)
        return f"{shown} ({behind})" if behind else shown

    def told(self, name: str, keys: Collection[Key]) -> list[str]:
        """The notes of the figures about these cells, behind their letters."""
        notes = dict.fromkeys(each.note for key in self.by_key if key in keys for each in self.by_key[key])
        listed = sorted((note for note in notes if note), key=lambda note: self.letters.get(note, ""))
        return [
            f"{name}{f' ({self.letters[note]})' if note in self.letters else ''}: {note.rstrip('.')}."
            for note in listed
        ]
