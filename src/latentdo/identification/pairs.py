"""`Answerable`: which questions the measured nodes can answer, every pair of them, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Mask, Name, project, quote
from latentdo.query import Outcome, Query, Setting, Term
from latentdo.sheet import AbstractShown, Cell, Column, Note, Sheet, counted

from .engine.decision import Hedge
from .engine.experiments import Experiments, experiments_of
from .engine.functional import determinants_of
from .engine.matrix import FORMS, Form, Judge
from .verdict import Identified, NotIdentified, identify

if TYPE_CHECKING:
    import pandas

Nodes = Name | tuple[Name, ...]
"""A node, or several that are set together or asked about together."""
Functional = tuple[tuple[Name, tuple[Name, ...]], ...]
"""Nodes that are functions of their parents, each with the parents that determine it."""

WIDEST_TEXT = 30
"""Rows or columns beyond which the text is a summary."""
LINE = 100
"""Characters of a line, beyond which columns are called by their numbers."""
WORST = 8
"""Treatments that the summary names."""
COLOURS: dict[Form, str] = {
    "no effect": "#f2f2f2",
    "seeing is doing": "#cfe8f7",
    "back-door": "#8fc3e8",
    "front-door": "#9fdcc8",
    "conditional front-door": "#cdeba6",
    "general formula": "#f5e58f",
    "experiment": "#e3bdd2",
    "not identified": "#f0b08c",
}
"""Light tints of the colours of Okabe & Ito, on which dark letters can be read."""


@dataclass(frozen=True)
class Pair:
    """One cell of the table: P(outcome | do(treatment), given).

    Attributes:
        treatment: What is set: a name, or several set together.
        outcome: What is asked about.
        query: The question.
        identified: Whether the measured nodes answer it; also the truth value of the cell.
        form: By which form, or `not identified`.
    """

    treatment: Nodes
    outcome: Nodes
    query: Query
    identified: bool
    form: Form
    graph: LatentDag | Admg = field(repr=False, compare=False)
    functional: Functional = field(default=(), repr=False, compare=False)
    experiments: Experiments = field(default=(), repr=False, compare=False)

    @cached_property
    def verdict(self) -> Identified | NotIdentified:
        """The verdict with its formula or its hedge, as `ld.identify` gives it."""
        return identify(self.graph, self.query, functional=dict(self.functional), experiments=self.experiments)

    @property
    def text(self) -> str | None:
        """The formula in one line, None where there is none."""
        return self.verdict.estimand.text if isinstance(self.verdict, Identified) else None

    @property
    def hedge(self) -> Hedge | None:
        """The proof that there is no formula, None where there is one."""
        return self.verdict.hedge if isinstance(self.verdict, NotIdentified) else None

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain strings and lists; no formula, which `ld.identify` writes."""
        hedge = None if self.identified or self.hedge is None else [sorted(part) for part in self.hedge]
        return {
            "treatment": _listed(self.treatment),
            "outcome": _listed(self.outcome),
            "query": str(self.query),
            "identifiable": self.identified,
            "form": self.form,
            "hedge": hedge,
        }

    def __bool__(self) -> bool:
        return self.identified

    def __str__(self) -> str:
        return f"{self.verdict} ({self.form})" if self.identified else str(self.verdict)

    def __repr__(self) -> str:
        return f"<{self.query}: {self.form}>"

    def _repr_html_(self) -> str:
        sheet = self.verdict.sheet()
        return (replace(sheet, notes=(*sheet.notes, Note(self.form, "form"))) if self.identified else sheet).html()


@dataclass(frozen=True)
class Answerable(AbstractShown):
    """The verdict on P(Y | do(X)) for every treatment X (rows) and outcome Y (columns).

    `table["X", "Y"]` is one of them. A cell is empty where a node would be set and asked about at once.

    Attributes:
        treatments: The rows: names, or tuples of names that are set together.
        outcomes: The columns.
        given: What is seen after the intervention, in every question.
        verdicts: Whether each is identified, one tuple per treatment; None in an empty cell.
        graph: The graph that they were asked of.
        functional: Nodes that are functions of their parents, with the parents that determine each.
        experiments: What is set in each experiment that was taken as known.
    """

    treatments: tuple[Nodes, ...]
    outcomes: tuple[Nodes, ...]
    given: tuple[Name, ...]
    verdicts: tuple[tuple[bool | None, ...], ...]
    graph: LatentDag | Admg = field(repr=False, compare=False)
    _judge: Judge = field(repr=False, compare=False)
    functional: Functional = ()
    _noted: frozenset[tuple[int, int]] = field(default=frozenset(), repr=False, compare=False)
    experiments: Experiments = ()

    @property
    def asked(self) -> int:
        """The number of questions."""
        return sum(cell is not None for row in self.verdicts for cell in row)

    @property
    def identified(self) -> int:
        """The number of questions that the measured nodes can answer."""
        return sum(cell is True for row in self.verdicts for cell in row)

    @cached_property
    def forms(self) -> tuple[tuple[Form | None, ...], ...]:
        """The form of each answer, one tuple per treatment: worked out when first asked for."""
        places = range(len(self.outcomes))
        return tuple(tuple(self._form(i, j) for j in places) for i in range(len(self.treatments)))

    @cached_property
    def counts(self) -> dict[Form, int]:
        """How many questions have each form, from the easiest to `not identified`; forms without any are left out."""
        tally = Counter(form for row in self.forms for form in row if form is not None)
        return {form: tally[form] for form in FORMS if tally[form]}

    @property
    def signs(self) -> Mapping[Form, str]:
        """The sign of each form, one character."""
        return FORMS

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every question with its verdict, row by row."""
        cells = ((i, j, cell) for i, row in enumerate(self.verdicts) for j, cell in enumerate(row))
        return tuple(self._pair(i, j, cell) for i, j, cell in cells if cell is not None)

    def verdict(self, treatment: Nodes, outcome: Nodes) -> Pair:
        """One question with its verdict, its form, and its formula or hedge.

        Raises:
            QueryError: The table does not have this row or column, or the cell is empty.
        """
        i = self._place(treatment, self.treatments, "treatment")
        j = self._place(outcome, self.outcomes, "outcome")
        identified = self.verdicts[i][j]
        if identified is None:
            asked = f"P({_label(self.outcomes[j])} | do({_label(self.treatments[i])}))"
            raise QueryError(f"{asked} sets a node and asks about it: its cell is empty.")
        return self._pair(i, j, identified)

    def _pair(self, i: int, j: int, identified: bool) -> Pair:
        x, y = self.treatments[i], self.outcomes[j]
        form = self.forms[i][j] if "forms" in self.__dict__ else self._form(i, j)
        assert form is not None
        return Pair(x, y, _query(x, y, self.given), identified, form, self.graph, self.functional, self.experiments)

    def __getitem__(self, pair: tuple[Nodes, Nodes]) -> Pair:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise QueryError(f'A cell is named by treatment and outcome, table["X", "Y"], not by {pair!r}.')
        return self.verdict(*pair)

    def to_json(self) -> dict[str, Any]:
        """The table as plain strings, numbers and lists."""
        return {
            "treatments": [_listed(x) for x in self.treatments],
            "outcomes": [_listed(y) for y in self.outcomes],
            "given": list(self.given),
            **({"experiments": list(map(list, self.experiments))} if self.experiments else {}),
            "asked": self.asked,
            "identified": self.identified,
            "forms": dict(self.counts),
            "pairs": [pair.to_json() for pair in self.pairs],
        }

    def to_csv(self) -> str:
        """The forms as comma-separated text: one line per treatment, one column per outcome."""
        return self.sheet().csv()

    def to_html(self) -> str:
        """The coloured table as a page for a browser."""
        return self.sheet().page()

    def to_pandas(self) -> pandas.DataFrame:
        """The forms as a table: one row per treatment, one column per outcome, None in empty cells.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        table = self.sheet().to_pandas().set_index("do").rename_axis(index="treatment", columns="outcome")
        return table.astype(object).where(table.notna(), None)

    def plot(self, ax: Any = None) -> Any:
        """The table as a picture, one colour and letter per form; returns the matplotlib axes.

        Save it with `axes.figure.savefig("matrix.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from latentdo.plots import matrix

        return matrix(
            list(map(_label, self.treatments)),
            list(map(_label, self.outcomes)),
            [["" if form is None else FORMS[form] for form in row] for row in self.forms],
            [(FORMS[form], f"{form} ({count})") for form, count in self.counts.items()],
            ax=ax,
            xlabel="outcome" + (f", given {_label(self.given)}" if self.given else ""),
            ylabel="treatment",
            title=self.headline,
        )

    @property
    def headline(self) -> str:
        """How many effects are identified, and how many questions ask about one that the graph rules out."""
        idle = self.counts.get("no effect", 0)
        behind = ", ".join(["do(treatment)", *map(quote, self.given)])
        text = (
            f"{self.identified - idle} of {counted(self.asked - idle, 'effect')} P(outcome | {behind}) are identified"
        )
        return text + (
            f"; {counted(idle, 'more pair')} {'has' if idle == 1 else 'have'} no effect in this graph" if idle else ""
        )

    def sheet(self) -> Sheet:
        """The letters in their colours under the names of the outcomes, each with its form to read, and what they mean."""
        columns = list(map(_label, self.outcomes))
        rows = [
            [x, *(self._cell(x, y, form) for y, form in zip(columns, forms, strict=True))]
            for x, forms in zip(map(_label, self.treatments), self.forms, strict=True)
        ]
        notes = tuple(Note(f"{form}: {count}", sign=FORMS[form]) for form, count in self.counts.items())
        return Sheet.of(self.headline, ["do", *(Column(name, "tile") for name in columns)], rows, notes=notes)

    def _cell(self, x: str, y: str, form: Form | None) -> Cell:
        if form is None:
            return Cell("", None)
        behind = ", ".join([f"do({x})", *map(quote, self.given)])
        return Cell(FORMS[form], form, colour=COLOURS[form], hint=f"P({y} | {behind}): {form}")

    def __str__(self) -> str:
        sheet = self.sheet()
        if max(len(self.treatments), len(self.outcomes)) > WIDEST_TEXT:
            return replace(sheet, columns=(), rows=(), notes=(*sheet.notes, *self._hardest())).text()
        if sum(len(column.title) + 2 for column in sheet.columns) > LINE:
            sheet = self._numbered(sheet)
        return sheet.text()

    def _numbered(self, sheet: Sheet) -> Sheet:
        """The sheet with numbers in place of long names: the rows say which, or a note where they are others."""
        first, *others = sheet.columns
        numbers = [str(j + 1) for j in range(len(others))]
        columns = (first, *(Column(number, "tile") for number in numbers))
        if self.treatments == self.outcomes:
            rows = zip(numbers, sheet.rows, strict=True)
            named = tuple((Cell(f"{number:>2} {row[0].text}"), *row[1:]) for number, row in rows)
            return replace(sheet, columns=columns, rows=named)
        names = ", ".join(f"{number} {column.title}" for number, column in zip(numbers, others, strict=True))
        return replace(sheet, columns=columns, notes=(Note(names, "columns"), *sheet.notes))

    def _hardest(self) -> list[Note]:
        """The treatments whose effects are least often identified."""
        rows = zip(map(_label, self.treatments), self.forms, strict=True)
        lost = Counter({name: forms.count("not identified") for name, forms in rows})
        worst = [f"{name} ({count})" for name, count in lost.most_common() if count]
        shown = ", ".join(worst[:WORST] + ["…"] * (len(worst) > WORST))
        return [Note(shown, "effects not identified, by treatment")] if worst else []

    def __repr__(self) -> str:
        return f"<Answerable: {self.headline}>"

    def _form(self, i: int, j: int) -> Form | None:
        identified = self.verdicts[i][j]
        if identified is None:
            return None
        # What functional nodes changed is no longer a formula that the graph alone would give.
        if identified and (i, j) in self._noted:
            return "general formula"
        return self._judge.form(self._rows[i], self._columns[j], identified)

    @cached_property
    def _rows(self) -> list[Mask]:
        return [self._judge.masks.mask(_listed(x)) for x in self.treatments]

    @cached_property
    def _columns(self) -> list[Mask]:
        return [self._judge.masks.mask(_listed(y)) for y in self.outcomes]

    def _place(self, nodes: Nodes, groups: tuple[Nodes, ...], what: str) -> int:
        names = _listed(nodes)
        for name in names:
            self.graph.require(name)
        place = next((k for k, group in enumerate(groups) if set(_listed(group)) == set(names)), None)
        if place is None:
            raise QueryError(f"{_label(nodes)} is not among the {what}s of this table. Ask for a table that has it.")
        return place


def answerable(
    graph: LatentDag | Admg,
    treatments: Iterable[Nodes] | None = None,
    outcomes: Iterable[Nodes] | None = None,
    *,
    given: Iterable[Name] = (),
    functional: Mapping[Name, Iterable[Name]] | Iterable[Name] = (),
    experiments: Iterable[Name | Iterable[Name]] = (),
) -> Answerable:
    """The verdict on P(Y | do(X), given) for every treatment and outcome, each the one that `identify` gives.

    Args:
        treatments: Names, or tuples of names that are set together; every measured node unless given, in
            topological order.
        outcomes: Likewise.
        given: Names seen after the intervention.
        functional: As for `identify`.
        experiments: As for `identify`.

    Raises:
        UnknownNodeError: A name that is not a node of the graph.
        QueryError: A latent node, a node that is given and also set or asked about, an empty list, or no names at all.
    """
    admg = project(graph)
    seen = _named(graph, arguments.names("`given`", given, QueryError, lone=True), "given")
    evidence = tuple(name for group in seen for name in _listed(group))
    free = tuple(node for node in admg.topological_order() if node not in evidence)
    rows = free if treatments is None else _named(graph, _groups(treatments, "treatments"), "set", evidence)
    columns = free if outcomes is None else _named(graph, _groups(outcomes, "outcomes"), "asked about", evidence)
    masks = admg.sorted_masks
    known = experiments_of(graph, experiments)
    judge = Judge(masks, masks.mask(evidence), tuple(map(masks.mask, known)))
    verdicts = judge.verdicts([masks.mask(_listed(x)) for x in rows], [masks.mask(_listed(y)) for y in columns])
    functions = tuple(determinants_of(graph, functional).items())
    noted = _among_functions(graph, rows, columns, evidence, functions, known, verdicts) if functions else frozenset()
    return Answerable(rows, columns, evidence, tuple(map(tuple, verdicts)), graph, judge, functions, noted, known)


def _among_functions(
    graph: LatentDag | Admg,
    rows: tuple[Nodes, ...],
    columns: tuple[Nodes, ...],
    evidence: tuple[Name, ...],
    functions: Functional,
    experiments: Experiments,
    verdicts: list[list[bool | None]],
) -> frozenset[tuple[int, int]]:
    """Decides again, pair by pair, each on a graph of its own; the places where the formula changed."""
    noted: set[tuple[int, int]] = set()
    determinants = dict(functions)
    for i, x in enumerate(rows):
        for j, y in enumerate(columns):
            if verdicts[i][j] is not None:
                asked = _query(x, y, evidence)
                verdict = identify(graph, asked, functional=determinants, experiments=experiments)
                verdicts[i][j] = verdict.identified
                if isinstance(verdict, Identified) and verdict.notes:
                    noted.add((i, j))
    return frozenset(noted)


def _groups(groups: Any, what: str) -> list[Nodes]:
    """The groups as a list, checked to be names and sets of names."""
    if isinstance(groups, str):
        return [groups]
    given = arguments.listed(groups)
    if given is None:
        raise QueryError(
            f"`{what}` takes names, or tuples of names, such as ['X', ('X', 'Z')], got {arguments.shown(groups)}."
        )
    return [
        group if isinstance(group, str) else arguments.names(f"Each of `{what}`", group, QueryError) for group in given
    ]


def _named(
    graph: LatentDag | Admg, groups: Iterable[Nodes], role: str, evidence: tuple[Name, ...] = ()
) -> tuple[Nodes, ...]:
    """The groups, each once, with every name checked; one that is a single name is that name."""
    groups_by_nodes: dict[frozenset[Name], Nodes] = {}
    for group in groups:
        names = tuple(dict.fromkeys(_listed(group)))
        if not names:
            raise QueryError(f"An empty set of nodes cannot be {role}. Name at least one.")
        for name in names:
            graph.require(name)
            if name not in graph.measured:
                raise QueryError(f"{name!r} is latent and cannot be {role}: nobody measured it. Name measured nodes.")
            if name in evidence:
                raise QueryError(f"{name!r} is given and cannot be {role} as well. Leave it out of one of the two.")
        groups_by_nodes.setdefault(frozenset(names), names[0] if len(names) == 1 else names)
    return tuple(groups_by_nodes.values())


def _query(treatment: Nodes, outcome: Nodes, given: tuple[Name, ...]) -> Query:
    settings, outcomes = map(Setting, _listed(treatment)), map(Outcome, _listed(outcome))
    return Query(Term("law", tuple(outcomes), tuple(settings), tuple(map(Outcome, given))))


def _listed(nodes: Nodes) -> list[Name]:
    return [nodes] if isinstance(nodes, str) else list(nodes)


def _label(nodes: Nodes) -> str:
    return ", ".join(map(quote, _listed(nodes)))
