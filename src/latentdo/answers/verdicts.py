"""Whether a fit can answer a question: from what was observed, or else with the rows of its experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latentdo.graphs import LatentDag, Name
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.query import Query


def verdict_on(
    graph: LatentDag, query: Query, functional: Mapping[Name, tuple[Name, ...]], regimes: Sequence[Sequence[Name]] = ()
) -> Identified | NotIdentified:
    """The verdict; experiments are used only where observation alone does not answer.

    Args:
        regimes: What is set in the experiments whose rows there are.
    """
    observed = identify(graph, query, functional=functional)
    if observed.identified or not regimes:
        return observed
    return identify(graph, query, functional=functional, experiments=regimes)
