"""What a check says: words in order of gravity, a row for everything that was tested, and what each question hears of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from latentdo.graphs import Name, quote
from latentdo.query import Query


class Word(StrEnum):
    """What is said of a row, a question or the whole, the gravest first."""

    CONTRADICTED = "contradicted"
    """A constraint of the graph fails."""
    MOVES = "misfit moves the answer"
    """Another shape gives another answer, beyond chance."""
    MISFIT = "misfit"
    """A mean check fails; of rows and of checks without a question."""
    UNSURE_MISFIT = "misfit, cannot tell"
    """A mean check fails, and the answer could move by more than the tolerance."""
    STANDS = "misfit, answer stands"
    """A mean check fails, and the answer could not move by more than the tolerance."""
    UNSURE = "cannot tell"
    """Nothing fails, and the answer could move by more than the tolerance: too few rows."""
    LAW_ONLY = "law only"
    """Spread or shape fail, means do not: means stand, probabilities and quantiles may not."""
    NO_MISFIT = "no misfit found"
    """Nothing fails. It says how far the answer could move all the same."""
    SAME_FORMULA = "same formula"
    """The model has no shape that could be wrong."""
    NOT_CHECKED = "not checked"
    """There was nothing to check, or no way to."""

    @staticmethod
    def gravest(words: Iterable[Word]) -> Word:
        """The gravest of some words; `NOT_CHECKED` of none."""
        order = list(Word)
        return min(words, key=order.index, default=Word.NOT_CHECKED)

    @property
    def is_alarm(self) -> bool:
        """Whether `--strict` ends with an error."""
        return self in (Word.CONTRADICTED, Word.MOVES)

    @property
    def fails(self) -> bool:
        """Whether something was found that does not fit."""
        return self in (*_ALARMS, Word.MISFIT, Word.UNSURE_MISFIT, Word.STANDS, Word.LAW_ONLY)


_ALARMS = (Word.CONTRADICTED, Word.MOVES)


class Layer(StrEnum):
    """Which part of the check a row belongs to, in the order in which they are shown."""

    GRAPH = "graph"
    """A constraint of the graph, tested without a model (L0)."""
    NODE = "node"
    """A node given its Markov pillow: mean, spread, shape (L1)."""
    FACTOR = "factor"
    """A factor of the formula, replaced by a flexible one (L2)."""
    ESTIMAND = "estimand"
    """The whole formula with flexible factors, beside the model (L3)."""
    PRIOR = "prior"
    """Power-scaling of the priors (L4)."""
    VARIANT = "variant"
    """Models with the same projection (L5)."""


@dataclass(frozen=True)
class CheckRow:
    """One thing that was tested.

    Attributes:
        layer: Which part of the check it belongs to.
        what: What was tested, in words: `A ⊥⊥ Y | B`, `mean of M given X`.
        word: What came of it: `contradicted`, `misfit`, `misfit moves the answer`, `law only`, `no misfit found`, `not checked`.
        p: The p value by itself; None where nothing was tested.
        effect: How large the deviation is; `scale` says in what.
        advice: What to do where it fails, and the reason where it was not checked.
        adjusted: The p value after Holm's correction within the layer.
        scale: What the effect is measured in: `correlation of residuals`, `units of Y`, `posterior sd`.
        nodes: The nodes that it is about, for pictures.
        pairs: Pairs of nodes that the constraint keeps apart.
        latex: The same as `what` in LaTeX, without dollar signs; empty where words will do.
        about: The constraint or factor itself.
    """

    layer: Layer
    what: str
    word: Word
    p: float | None = None
    effect: float | None = None
    advice: str = ""
    adjusted: float | None = None
    scale: str = ""
    nodes: tuple[Name, ...] = ()
    pairs: tuple[tuple[Name, Name], ...] = ()
    latex: str = ""
    about: Any = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The row as plain values."""
        return {
            "layer": str(self.layer),
            "what": self.what,
            "word": str(self.word),
            "p": self.p,
            "adjusted": self.adjusted,
            "effect": self.effect,
            "scale": self.scale,
            "advice": self.advice,
            "nodes": list(self.nodes),
        }

    @staticmethod
    def from_json(tree: Mapping[str, Any]) -> CheckRow:
        """The row that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is no such tree.
        """
        return CheckRow(
            Layer(tree["layer"]),
            str(tree["what"]),
            Word(tree["word"]),
            _number(tree["p"]),
            _number(tree["effect"]),
            str(tree["advice"]),
            _number(tree["adjusted"]),
            str(tree["scale"]),
            tuple(map(str, tree["nodes"])),
        )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


@dataclass(frozen=True)
class CheckedQuery:
    """What a check says of one question.

    Attributes:
        query: The question.
        word: What is said of its answer.
        could_move: D: how far a change of shape could move the answer, in units of the outcome; None if no model was checked.
        move: The largest move that was found, in units of the outcome.
        z: That move over its standard error.
        worst: The factor that moves the answer most.
        advice: What to do, a sentence each.
        name: What the question is called, if anything.
        sd_by_rows: The standard deviation of the estimate over tables like this one, by the infinitesimal jackknife: right where
            the model is wrong too. None where no rows were at hand.
        sd_by_folds: The same by training without each of some parts of the rows, where that was asked for.
        calibration: How often each word is said of tables that are drawn from the fit, where that was asked for.
        p_calibrated: How often a move as large as this one, in standard errors, comes of such tables.
        stacked: Mean and standard deviation over models that look the same, where that was asked for.
        tolerance: By how much the answer may move before that matters, in units of the outcome.
    """

    query: Query
    word: Word
    could_move: float | None = None
    move: float | None = None
    z: float | None = None
    worst: str = ""
    advice: tuple[str, ...] = ()
    name: str | None = None
    sd_by_rows: float | None = None
    sd_by_folds: float | None = None
    calibration: tuple[tuple[str, float], ...] = ()
    p_calibrated: float | None = None
    stacked: tuple[float, float] | None = None
    tolerance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The question and what is said of it as plain values."""
        return {
            "name": self.name,
            "query": str(self.query),
            "word": str(self.word),
            "could_move": self.could_move,
            "move": self.move,
            "z": self.z,
            "worst": self.worst,
            "advice": list(self.advice),
            "sd_by_rows": self.sd_by_rows,
            "sd_by_folds": self.sd_by_folds,
            "calibration": dict(self.calibration),
            "p_calibrated": self.p_calibrated,
            "stacked": None if self.stacked is None else list(self.stacked),
            "tolerance": self.tolerance,
        }

    @staticmethod
    def from_json(tree: Mapping[str, Any]) -> CheckedQuery:
        """The question that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is no such tree.
        """
        return CheckedQuery(
            Query.parse(str(tree["query"])),
            Word(tree["word"]),
            _number(tree["could_move"]),
            _number(tree["move"]),
            _number(tree["z"]),
            str(tree["worst"]),
            tuple(map(str, tree["advice"])),
            None if tree["name"] is None else str(tree["name"]),
            _number(tree.get("sd_by_rows")),
            tolerance=_number(tree.get("tolerance")),
        )


@dataclass(frozen=True)
class Repair:
    """An edge that the graph lacks and that would remove constraints that fail.

    Attributes:
        source: The cause, or one end of a bidirected edge.
        target: The effect, or the other end.
        bidirected: Whether it is `<->`, a common cause that nobody measured.
        removes: How many of the constraints that fail would be implied no more.
        gives_up: How many of the constraints that hold would be implied no more: what the data support, and the graph no
            longer says.
        fails_then: How many constraints of the graph with the edge fail; None where it was not tried.
        verdicts: What it does to each question that was asked: the question, whether it stays identified, and in a sentence.
    """

    source: Name
    target: Name
    bidirected: bool
    removes: int
    gives_up: int = 0
    fails_then: int | None = None
    verdicts: tuple[tuple[str, bool, str], ...] = ()

    @property
    def edge(self) -> str:
        """The edge as it is typed."""
        return f"{quote(self.source)} {'<->' if self.bidirected else '->'} {quote(self.target)}"

    def to_json(self) -> dict[str, Any]:
        """The edge and what it does as plain values."""
        return {
            "edge": self.edge,
            "removes": self.removes,
            "gives_up": self.gives_up,
            "fails_then": self.fails_then,
            "verdicts": [
                {"query": query, "identifiable": identified, "says": says} for query, identified, says in self.verdicts
            ],
        }
