"""Instruments: nodes that move the treatment and reach the outcome through it alone, given a conditioning set.

Without further assumptions an instrument identifies nothing. With linear effects the effect is
cov(z, y | w) / cov(z, x | w); with monotonicity it is that of the units that the instrument moves.
"""

from __future__ import annotations

from collections.abc import Iterator

from latentdo.graphs import Mask, Masks, bits, connected, reach

from .adjustment import back_door
from .separators import minimal_separator


def instruments(masks: Masks, treatment: Mask, outcome: Mask, allowed: Mask = -1) -> Iterator[tuple[int, Mask]]:
    """Pairs (the instrument's number, conditioning set), one for each node that is an ancestral instrument.

    Ancestral means that what is conditioned on are ancestors of instrument or outcome in the graph without the
    first edges of the causal paths. To find every other set is NP-hard. What the treatment causes is left out: it
    moves no treatment, though the ratio may be right in a linear model.

    Source:
        van der Zander, Textor & Liśkiewicz (2015), Efficiently finding conditional instruments for causal
        inference, theorems 1 and 2; Brito & Pearl (2002), Generalized instrumental variables.
    """
    graph = back_door(masks, treatment, outcome)
    for i in bits(graph.free & ~reach(treatment, masks.children)):
        node = 1 << i
        # Near the outcome, so that as much as may be stays open between the instrument and the treatment.
        given = minimal_separator(graph.walks, node, outcome, graph.free & allowed & ~node)
        if given is not None and connected(masks, node, given) & treatment:
            yield i, given


def is_instrument(masks: Masks, treatment: Mask, outcome: Mask, node: Mask, given: Mask) -> bool:
    """Whether `node` is an instrument for the effect of one treatment on one outcome, given `given`.

    Source:
        Brito & Pearl (2002), definition 1, for total effects: without the first edges of the causal paths the
        node is m-separated from the outcome, with them it is not from the treatment.
    """
    graph = back_door(masks, treatment, outcome)
    if (node | given) & ~graph.free or node & given:
        return False
    return graph.walks.separates(node, outcome, given) and bool(connected(masks, node, given) & treatment)
