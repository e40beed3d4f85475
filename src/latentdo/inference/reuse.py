"""Whether the draws of a block in an earlier fit are those that training it again would give."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from .blocks.coordinates import NodeCoordinates
from .blocks.draws import BlockDraws
from .blocks.engines import Engine
from .likelihood.task import Task
from .posterior.posterior import Posterior

KEPT = "kept from the earlier fit"


def kept_block(start: Posterior, task: Task, own: tuple[NodeCoordinates, ...], engine: Engine) -> BlockDraws | str:
    """The block's draws in the earlier fit; or why it has to be trained anew, in words that complete "… because".

    Args:
        own: The coordinates of the block's nodes, in its order, as a fit keeps them.
    """
    if start.engine != repr(engine):
        return f"the earlier fit was trained by {start.engine}"
    if start.seed != task.seed:
        return f"the earlier fit has the seed {start.seed}"
    if start.shape != task.shape:
        return f"the earlier fit has {start.shape[0]} chains of {start.shape[1]} draws"
    found = next((block for block in start.blocks if block.block == task.block), None)
    if found is None:
        return "the earlier fit has no such block"
    for node in task.block.nodes:
        if start.spec[node] != task.spec[node]:
            return f"the mechanism of {node} or its priors changed"
    if found.rows_hash is None:
        return "the earlier fit does not say what data it had"
    if found.rows_hash != task.rows_hash:
        return "its data changed"
    for now in own:
        before = next(coordinates for coordinates in start.coordinates if coordinates.node == now.node)
        if not _equal(before, now):
            return f"the scales of {now.node} changed"
    return replace(found, why="; ".join(dict.fromkeys([KEPT, *([found.why] if found.why else [])])))


def _equal(a: NodeCoordinates, b: NodeCoordinates) -> bool:
    names = [field.name for field in fields(NodeCoordinates) if field.name != "to_raw"]
    return np.array_equal(a.to_raw, b.to_raw) and all(getattr(a, name) == getattr(b, name) for name in names)
