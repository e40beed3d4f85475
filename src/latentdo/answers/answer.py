"""`Answer`: one question, one number per posterior draw, and everything needed to judge it; `Answers`: several in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from latentdo import arguments
from latentdo.errors import QueryError, nearest
from latentdo.files import write_table
from latentdo.graphs import Name
from latentdo.sheet import Sheet, bodies

from . import sheets
from .estimate import AnyArray, Estimate, FloatArray, MaybeNone, axes_of, band_of, draws_of

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Answer(Estimate):
    """One question answered from a trained model: an estimate that prints, draws and describes itself.

    Attributes:
        naive: The same question with seeing in place of doing, E[Y | X=1] for E[Y | do(X=1)], where it was asked for.
        prior: The prior's own answer, beside an answer that is not identified.
    """

    naive: Answer | None = None
    prior: Answer | None = None

    @arguments.with_level
    def text(self, level: float = 0.9) -> str:
        """One line with the number, its interval and its standing; what it is, notes and cautions below it."""
        return sheets.one(self, level)

    @arguments.with_level
    def latex(self, level: float = 0.9) -> str:
        r"""One row of a LaTeX table: question, what the number is, the number, its interval, and `\\`."""
        return sheets.printed_line(self, level)

    @arguments.with_level
    def methods(self, level: float = 0.9) -> str:
        """A paragraph for a paper: graph, question, formula, model, priors, training, diagnostics, data and software."""
        return Answers((self,)).methods(level)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"{self.query} = {self.text()}"

    def _repr_html_(self) -> str:
        return Answers((self,))._repr_html_()

    @arguments.with_level
    def plot(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The answer as a point with its interval; returns the matplotlib axes."""
        return Answers((self,)).plot(ax, level=level)

    @arguments.with_level
    def plot_density(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The law of the draws as a smooth density, the interval in colour, and what stands beside it; returns the axes.

        Raises:
            MissingExtraError: matplotlib is not installed.
            QueryError: There is one draw alone.
        """
        from . import pictures

        return pictures.density_of(self, ax, level)


@dataclass(frozen=True, eq=False)
class Answers(Sequence[Answer]):
    """Answers in the order asked; by number, or by the name that a study gave the question."""

    items: tuple[Answer, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Answers: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        if isinstance(index, str):
            return self._named(index)
        return Answers(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.items)

    def _named(self, name: str) -> Answer | Answers:
        """The answer of that name; of a sweep or a law, which is several under one name, all of them."""
        named = [answer for answer in self.items if answer.name == name]
        named = named or [answer for answer in self.items if name in (str(answer.query), str(answer.source))]
        if not named:
            known = dict.fromkeys(answer.name or str(answer.query) for answer in self.items)
            raise QueryError(f"No answer is called {name!r}. {nearest(name, known)}")
        return named[0] if len(named) == 1 and not named[0].at else Answers(tuple(named))

    @cached_property
    def axes(self) -> tuple[Name, ...]:
        """The nodes that a sweep runs over, where all these answers are points of sweeps over the same ones; else none."""
        return axes_of(self.items)

    @cached_property
    def at(self) -> dict[Name, AnyArray]:
        """Of each axis its value at every point, in the order of the answers: numbers, or names of levels."""
        values = [dict(answer.at) for answer in self.items]
        return {name: np.array([each[name] for each in values]) for name in self.axes}

    @cached_property
    def draws(self) -> FloatArray:
        """Every draw of every answer, (point, draw): a column is one draw of the model.

        Raises:
            QueryError: Answers of different fits, with different numbers of draws.
        """
        return draws_of(self.items)

    @cached_property
    def means(self) -> FloatArray:
        """The posterior mean of every answer."""
        return np.array([answer.mean for answer in self.items])

    @arguments.with_level
    def band(self, level: float = 0.9, *, simultaneous: bool = False) -> tuple[FloatArray, FloatArray] | MaybeNone:
        """Lower and upper ends of a band around the answers, one number per answer; None of one draw.

        Args:
            level: Its probability, between 0 and 1.
            simultaneous: Whether the whole curve lies in the band with that probability, rather than each point on its own.

        Raises:
            QueryError: A level that is not between 0 and 1.
        """
        whole = arguments.flag("simultaneous", simultaneous, QueryError)
        return band_of(self.items, level, simultaneous=whole)

    @arguments.with_level
    def to_pandas(self, level: float = 0.9) -> pandas.DataFrame:
        """One row per answer.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return sheets.flat(self.items, level).to_pandas()

    @arguments.with_level
    def to_json(self, level: float = 0.9) -> list[dict[str, Any]]:
        """One dict per answer."""
        return [answer.to_json(level) for answer in self.items]

    @arguments.with_level
    def rows(self, level: float = 0.9) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The header and one row per answer, of numbers, strings and None: what tables of any kind are made of.

        Axes of sweeps have a column each, in front; answers that stand beside others have their mean and interval.
        """
        return sheets.flat(self.items, level).flat()

    @arguments.with_level
    def to_csv(self, path: str | Path, level: float = 0.9) -> Path:
        """Write one row per answer as CSV (UTF-8, a header, empty cells for what is not there), and return the path.

        A file that stands there is replaced once the new one is whole.

        Raises:
            DataError: The file cannot be written; says why.
        """
        return write_table(path, sheets.flat(self.items, level).csv().encode("utf-8", "replace"))

    @arguments.with_level
    def latex(self, level: float = 0.9) -> str:
        """A LaTeX table of all answers, with the packages booktabs and amssymb."""
        return sheets.printed(self.items, level).latex()

    @arguments.with_level
    def methods(self, level: float = 0.9) -> str:
        """Paragraphs for a paper: what was asked of which model, how it was trained, and how the answers were computed.

        Args:
            level: Of the intervals that are reported.

        Raises:
            QueryError: There is no answer, or one that does not know the posterior it was asked of.
        """
        from .methods import methods_of  # an answer alone does not pay for it

        return methods_of(self.items, level)

    @arguments.with_level
    def methods_latex(self, level: float = 0.9) -> str:
        """The same paragraphs for a LaTeX file, with nothing in them that LaTeX would take for a command.

        Raises:
            QueryError: There is no answer, or one that does not know the posterior it was asked of.
        """
        from latentdo.sheet import latex

        return latex.prose(self.methods(level))

    @arguments.with_level
    def sheet(self, level: float = 0.9) -> Sheet:
        """The answers as a table for people, with what is to be said of them."""
        return sheets.table(self.items, level)

    @arguments.with_level
    def text(self, level: float = 0.9) -> str:
        """A table with a row per answer; notes and cautions below it."""
        return sheets.text_of(self.sheet(level))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from . import pictures

        return bodies(sheets.pictured(self.items, 0.9, pictures.inline(self.items, 0.9)))

    @arguments.with_level
    def plot(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The answers as a picture; returns the matplotlib axes.

        A sweep over one node is a curve with its band, several of them over the same node share the axes; a sweep over two
        is a heat map with a second one for how uncertain it is. Anything else is a forest: each answer's point and interval.
        What stands beside an answer (seeing in place of doing, the prior alone) is drawn beside it.

        Answers in different units get a panel each; the axes returned are then those of the first, and
        `axes.figure` has them all. Save it with `axes.figure.savefig("answers.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from . import pictures

        return pictures.picture_of(self.items, ax, level)
