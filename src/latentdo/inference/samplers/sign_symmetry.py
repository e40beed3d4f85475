"""What may change side or place in a block: latents whose sign, and latent classes whose order means nothing.

Draws are turned and relabelled so that weights can be compared between chains; no statement about what was measured changes.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latentdo.models import Spreading, Table

from ..blocks.coordinates import FloatArray
from ..likelihood.density import CoordinateLayout, Layout, NodeLayout, NodeNumbers, Numbers, coordinates_of
from .label_switching import LabelSwitching

if TYPE_CHECKING:
    from ..likelihood.task import Task


class SignSymmetry(NamedTuple):
    """A latent whose sign means nothing, or whose two levels may change places.

    Attributes:
        noise: The index of its noise; None for a latent that is summed out, or has none.
        coordinates: The free coordinates that change sign with it.
        clear: Those by which its side is told: no symmetry that comes after it in a block's list changes them.
        reference: The one whose sign the user gave, and that sign as 1 or -1; None where there is none.
    """

    noise: int | None
    coordinates: tuple[int, ...]
    clear: tuple[int, ...]
    reference: tuple[int, float] | None


def symmetries_of(layout: Layout, numbers: Numbers) -> tuple[SignSymmetry | LabelSwitching, ...]:
    """The latents whose sign means nothing, and those whose levels may change places.

    A latent around 0 may be replaced by its negative where every weight on it and of its own is unbounded and has a prior that
    is symmetric about 0: the posterior is then the same at both points. So may the two levels of a latent change places, if its
    own coefficients are such too: as a parent it is counted from halfway between them.

    Effects come before their causes: a weight between two latents changes with either.
    """
    symmetries: list[SignSymmetry | LabelSwitching] = []
    for latent in layout.nodes:
        if latent.clamped:
            # A measured node: its values mean what they are.
            continue
        if latent.is_discrete and latent.latent is not None and not _may_switch_levels(layout, latent):
            switching = _label_switching(layout, numbers, latent)
            symmetries += [] if switching is None else [switching]
        if latent.latent is None or not (_may_turn(layout, numbers, latent) or _may_switch_levels(layout, latent)):
            continue
        flipped, symmetric, position, reference = [], True, 0, None
        for node, own in zip(layout.nodes, numbers.nodes, strict=True):
            for k, coordinate in enumerate(coordinates_of(node)):
                term = node.term_of(k)
                is_weight = term is not None and _parity(node, term, latent.latent) < 0
                if _is_zero(coordinate, own, k):
                    # Where a predictor does not have the term.
                    continue
                # A latent's own spread is that of its mirror image.
                own_spread = isinstance(node.family, Spreading) and k > len(node.terms)
                if is_weight or (node is latent and not own_spread and (latent.is_discrete or term is not None)):
                    zero_mean = coordinate.prior in ("normal", "cauchy") and own.arguments[k, 0] == 0
                    zero_mean |= coordinate.prior == "student" and own.arguments[k, 1] == 0
                    symmetric &= coordinate.transform == "free" and bool(zero_mean) and float(own.centre[k]) == 0.0
                    # A raw coefficient of a latent with levels is not counted from halfway.
                    symmetric &= not (latent.is_discrete and (coordinate.raw or coordinate.prior_on_raw))
                    flipped.append(position)
                    if coordinate.folded:
                        reference = (position, 1.0 if coordinate.folded == "+" else -1.0)
                position += coordinate.transform != "fixed"
        if symmetric and flipped:
            symmetries.append(SignSymmetry(latent.noise, tuple(flipped), (), reference))
    symmetries.reverse()
    return tuple(
        one if isinstance(one, LabelSwitching) else _cleared(one, symmetries[k + 1 :])
        for k, one in enumerate(symmetries)
    )


def sides_of(task: Task) -> tuple[SignSymmetry, ...]:
    """The latents of a block whose sign means nothing."""
    symmetries = symmetries_of(task.layout, task.priors)
    return tuple(symmetry for symmetry in symmetries if isinstance(symmetry, SignSymmetry))


def _cleared(symmetry: SignSymmetry, later: list[SignSymmetry | LabelSwitching]) -> SignSymmetry:
    changed = {at for other in later if isinstance(other, SignSymmetry) for at in other.coordinates}
    clear = tuple(at for at in symmetry.coordinates if at not in changed) or symmetry.coordinates
    reference = symmetry.reference if symmetry.reference is not None and symmetry.reference[0] in clear else None
    return symmetry._replace(clear=clear, reference=reference)


def _may_turn(layout: Layout, numbers: Numbers, latent: NodeLayout) -> bool:
    """Whether a latent has a law that is symmetric about 0, or about what its parents make of it."""
    assert latent.latent is not None
    if any(_parity(node, term, latent.latent) == 0 for node in layout.nodes for term in range(len(node.terms))):
        return False
    return (
        latent.family.symmetric_noise
        and float(numbers.latent_centres[latent.latent]) == 0.0
        and _is_fixed_zero(layout, numbers, latent)
    )


def _parity(node: NodeLayout, term: int, latent: int) -> int:
    """-1 where a term changes sign with a latent, 1 where it stays as it is, 0 where neither holds."""
    if latent not in node.terms[term]:
        return 1
    curve = node.curves[term][node.terms[term].index(latent)] if node.curves else None
    return -1 if curve is None else curve[0].parity


def _may_switch_levels(layout: Layout, latent: NodeLayout) -> bool:
    """Whether a latent has two levels, and every child a weight that counts it from halfway between them."""
    if not latent.is_discrete or len(latent.family.points) != 2 or isinstance(latent.family, Table):
        return False
    for node in layout.nodes:
        for k, members in enumerate(node.terms):
            # A raw coefficient, such as the intercept 0 of a latent child, is counted from the first level, not from halfway.
            raw = any(coordinate.raw or coordinate.prior_on_raw for coordinate in node.coefficients)
            if latent.latent in members and (isinstance(node.family, Table) or raw or not node.centred[k]):
                return False
    return True


def _label_switching(layout: Layout, numbers: Numbers, latent: NodeLayout) -> LabelSwitching | None:
    """How the levels of a latent are permuted; None where a prior or a term tells them apart."""
    n, j = len(latent.family.points), latent.latent
    effects: list[tuple[int, ...]] = []
    mixings: list[FloatArray] = []
    shares: list[tuple[tuple[int, ...], tuple[int, ...], int]] = []
    own_table: tuple[int, ...] = ()
    start = 0
    for node, own in zip(layout.nodes, numbers.nodes, strict=True):
        free = list(itertools.accumulate((c.transform != "fixed" for c in coordinates_of(node)), initial=start))
        start = free.pop()
        if isinstance(node.family, Table):
            at = next((k for k, members in enumerate(node.terms) if j in members), None)
            if at is not None:
                axes = (*(len(points) for points in node.family.given), len(node.family.levels) - 1)
                shares.append((tuple(free), axes, at))
            own_table = tuple(free) if node is latent else own_table
            continue
        size = 1 + len(node.terms)
        blocks = range(0, len(node.coefficients), size)
        groups = [[block + 1 + k for k in terms] for block in blocks for at, terms in node.groups if at == j]
        if node is latent:
            groups += [[block + k for block in blocks] for k in range(size)]
        elif any(not node.centred[k] for at, terms in node.groups if at == j for k in terms):
            return None
        if groups and any(coordinate.raw or coordinate.prior_on_raw for coordinate in node.coefficients):
            return None
        for group in groups:
            if all(_is_zero(node.coefficients[k], own, k) for k in group):
                continue
            if not all(_is_even(node.coefficients[k], own, k) for k in group) or len(group) != n - 1:
                return None
            effects.append(tuple(free[k] for k in group))
            mixings.append(np.eye(n - 1) if own.mixing is None else np.asarray(own.mixing)[np.ix_(group, group)])
            if n > 2 and not np.allclose(mixings[-1] @ mixings[-1].T, 0.5 * (np.eye(n - 1) + 1.0)):
                return None
    return LabelSwitching(
        n, tuple(effects), tuple(tuple(map(tuple, m.tolist())) for m in mixings), tuple(shares), own_table
    )


def _is_even(coordinate: CoordinateLayout, own: NodeNumbers, k: int) -> bool:
    """Whether a coefficient is sampled as it is, unbounded, with a normal prior around 0."""
    unbounded = coordinate.transform == "free" and not (coordinate.raw or coordinate.prior_on_raw)
    return unbounded and coordinate.prior == "normal" and float(own.arguments[k, 0]) == float(own.centre[k]) == 0.0


def _is_zero(coordinate: CoordinateLayout, own: NodeNumbers, k: int) -> bool:
    """Whether a coefficient is 0, and stays so whatever changes sign or place."""
    return coordinate.transform == "fixed" and not coordinate.raw and float(own.fixed[k]) == 0.0


def _is_fixed_zero(layout: Layout, numbers: Numbers, latent: NodeLayout) -> bool:
    own = next(own for node, own in zip(layout.nodes, numbers.nodes, strict=True) if node is latent)
    return latent.coefficients[0].transform == "fixed" and float(own.fixed[0]) == 0.0


def turned(
    u: FloatArray, symmetries: tuple[SignSymmetry | LabelSwitching, ...], *, to_reference: bool = False
) -> FloatArray:
    """Points (…, chain or draw, coordinate) with each latent of free sign turned so that its clearest weight is positive.

    The posterior is the same at a point and at its reflection, so this changes no statement about what the data pin
    down; it lets weights be compared between draws and chains.

    Args:
        to_reference: Turn by the weight whose sign the user gave, where there is one: for draws that are kept.
    """
    return turns(u, symmetries, to_reference=to_reference)[0]


def turns(
    u: FloatArray, symmetries: tuple[SignSymmetry | LabelSwitching, ...], *, to_reference: bool = False
) -> tuple[FloatArray, dict[int, FloatArray]]:
    """`turned`, and per noise that may change its sign the signs that it took, (…, chain or draw)."""
    faced, taken = u.copy(), {}
    for symmetry in symmetries:
        if isinstance(symmetry, LabelSwitching):
            faced = symmetry.relabelled(faced)
            continue
        index = list(symmetry.clear)
        if to_reference and symmetry.reference is not None:
            by, side = symmetry.reference
        else:
            size = np.abs(faced[..., index])
            axes = tuple(range(u.ndim - 1))
            by, side = index[int(np.argmax(size.mean(axes) / (size.std(axes) + 1e-12)))], 1.0
        signs = np.where(side * faced[..., by] < 0, -1.0, 1.0)
        faced[..., list(symmetry.coordinates)] *= signs[..., None]
        if symmetry.noise is not None:
            taken[symmetry.noise] = signs
    return faced, taken
