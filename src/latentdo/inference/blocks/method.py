"""How a block was trained, as a value; its sentence is made here, and read back here from saved fits."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Kind = Literal[
    "least squares",
    "fixed",
    "conjugate",
    "importance sampling",
    "Gibbs",
    "ensemble HMC",
    "NUTS",
    "SVI",
    "Laplace",
    "mode",
    "other",
]

_SENTENCES: dict[Kind, str] = {
    "least squares": "exact: solved by least squares, no noise",
    "fixed": "fixed: nothing to learn",
    "conjugate": "conjugate: {of}",
    "importance sampling": "importance sampling {of}, {draws:,} draws{note}",
    "Gibbs": "Gibbs sampling of {of}, {chains} chains x {transitions:,} sweeps after {warmup:,} of warm-up, {draws:,} draws kept "
    "of each",
    "ensemble HMC": "ensemble HMC on {of}, {chains} chains x {transitions:,} transitions after {warmup:,} of warm-up, "
    "{draws:,} draws kept of each{note}",
    "NUTS": "NUTS, {chains} chains x {draws} draws after {warmup} of warm-up",
    "SVI": "SVI, {of}, {steps:,} steps{note}",
    "Laplace": "Laplace approximation at the posterior mode{note}",
    "mode": "posterior mode in unbounded coordinates{note}",
    "other": "{of}",
}
_COUNTS = frozenset({"chains", "transitions", "warmup", "draws", "steps"})


@dataclass(frozen=True)
class Method:
    """How a block was trained; `str` gives the sentence of the plan.

    Attributes:
        kind: Which method; `other` for a sentence of a saved fit that none of them says.
        of: What it worked on, in words: `parameters and latents`, `around the mode`.
        note: What is to be added, in words that begin with their own punctuation.
        chains: Number of Markov chains.
        transitions: Transitions per chain after the warm-up.
        warmup: Transitions per chain of the warm-up.
        draws: Draws per chain that were kept, or draws in all where there are no chains.
        steps: Steps of the optimiser.
    """

    kind: Kind
    of: str = ""
    note: str = ""
    chains: int = 0
    transitions: int = 0
    warmup: int = 0
    draws: int = 0
    steps: int = 0

    def __str__(self) -> str:
        return _SENTENCES[self.kind].format(**vars(self))

    @property
    def head(self) -> str:
        """The sentence up to its first comma or colon, for the summary of a plan."""
        return re.split("[,:]", str(self))[0]

    @staticmethod
    def parse(sentence: str) -> Method:
        """The method that a sentence of a saved fit says."""
        for kind, pattern in _patterns().items():
            if matched := pattern.fullmatch(sentence):
                parts: dict[str, Any] = matched.groupdict()
                parts.update({name: int(parts[name].replace(",", "")) for name in _COUNTS & parts.keys()})
                return Method(kind, **parts)
        raise AssertionError("every sentence is one of the kind `other`")


@cache
def _patterns() -> dict[Kind, re.Pattern[str]]:
    """Per kind what its sentences look like, read off the form that makes them."""
    return {
        kind: re.compile(
            "".join(
                re.escape(text) + (f"(?P<{field}>{r'[0-9,]*[0-9]' if field in _COUNTS else '.*?'})" if field else "")
                for text, field, _, _ in string.Formatter().parse(sentence)
            ),
            re.DOTALL,
        )
        for kind, sentence in _SENTENCES.items()
    }
