"""What is known besides P(V): the experiments, each by the nodes that it sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Name, quote

Experiments: TypeAlias = tuple[tuple[Name, ...], ...]
"""What each experiment sets, at every value: P(V | do(those nodes)) is known."""


def experiments_of(graph: LatentDag | Admg, experiments: Iterable[Name | Iterable[Name]]) -> Experiments:
    """The experiments as tuples of names, checked against the graph.

    Raises:
        UnknownNodeError: A name is not a node.
        QueryError: A latent node, an experiment on nothing, or one that is there twice; or these are no names.
    """
    if experiments == ():  # most verdicts must not pay for it
        return ()
    given: Any = [experiments] if isinstance(experiments, str) else arguments.listed(experiments)
    if given is None:
        raise QueryError(
            "`experiments` takes, for each experiment, the names of the nodes that it sets, such as [['Z'], ['A', 'B']], "
            f"got {arguments.shown(experiments)}."
        )
    checked: dict[frozenset[Name], tuple[Name, ...]] = {}
    for group in given:
        names = arguments.names("Each of `experiments`, what is set together,", group, QueryError, lone=True)
        _check(graph, names)
        if frozenset(names) in checked:
            raise QueryError(f"The experiment do({', '.join(map(quote, names))}) is there twice. Name each once.")
        checked[frozenset(names)] = tuple(sorted(names))
    return tuple(checked.values())


def _check(graph: LatentDag | Admg, names: tuple[Name, ...]) -> None:
    if not names:
        raise QueryError(
            "An experiment that sets no node is observation, which is always there. Name the nodes that it sets, or leave it "
            "out."
        )
    for name in names:
        graph.require(name)
        if name not in graph.measured:
            raise QueryError(
                f"{quote(name)} is latent, and an experiment cannot set what nobody can measure. Leave it out of the "
                "experiment, or declare it measured."
            )
        if names.count(name) > 1:
            raise QueryError(f"{quote(name)} is named twice in one experiment. Name each node once.")
