"""Other latent structures for the same data: a variant of a model, its mechanisms carried over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from latentdo.errors import CycleError, SpecError
from latentdo.graphs import LatentDag, Name, quote

from .mechanism import Mechanism, Weight
from .spec import ModelSpec


@dataclass(frozen=True)
class Variant:
    """Another latent structure for the same data, as changes to the model.

    Attributes:
        name: What the study calls it.
        drop: Nodes that are left out, with every edge at them.
        merge: (new latent, the latents that it replaces).
        split: (latent, the latents that replace it).
        hide: Measured nodes that become latent.
        latents: (A, B, k) for each `A <-> B` that gets another number of latents.
    """

    name: str
    drop: tuple[Name, ...] = ()
    merge: tuple[tuple[Name, tuple[Name, ...]], ...] = ()
    split: tuple[tuple[Name, tuple[Name, ...]], ...] = ()
    hide: tuple[Name, ...] = ()
    latents: tuple[tuple[Name, Name, int], ...] = ()


@dataclass(frozen=True)
class Varied:
    """A model after a variant: always a graph, and a model too unless mechanisms stand against it.

    Attributes:
        graph: The graph, every cause written out.
        mechanisms: One per node.
        problem: Why the mechanisms make no model, or nothing.
    """

    graph: LatentDag
    mechanisms: Mapping[Name, Mechanism] = field(hash=False)
    problem: SpecError | None = None

    @property
    def model(self) -> ModelSpec:
        """The model.

        Raises:
            SpecError: A hidden node whose family cannot be latent; merged latents that say different things.
        """
        if self.problem is not None:
            raise self.problem
        return ModelSpec(self.graph, tuple(self.mechanisms.items()))


def vary(spec: ModelSpec, variant: Variant) -> Varied:
    """The model with the variant's changes, in the order latents, drop, merge, split, hide.

    What is left out takes its weights along, interactions included. A child of any merged latent depends on the
    new one, once; what the merged latents and their weights say (signs, priors, numbers) must agree where they
    meet. Each part of a split latent has its mechanism and its weights. A hidden node keeps its mechanism.

    Raises:
        SpecError: The merged latents would cause themselves, through a node between them.
    """
    rebuilt = _Rebuilt(variant.name, dict(spec.mechanisms), set(spec.latent))
    for a, b, count in variant.latents:
        rebuilt.resize(a, b, count)
    rebuilt.drop(variant.drop)
    for new, old in variant.merge:
        rebuilt.merge(new, old)
    for old, new in variant.split:
        rebuilt.split(old, new)
    rebuilt.hide(variant.hide)
    return rebuilt.varied(spec.graph.inhibiting)


class _Rebuilt:
    """The mechanisms on the way to the variant, and the first thing that keeps them from being a model."""

    def __init__(self, name: str, mechanisms: dict[Name, Mechanism], latent: set[Name]) -> None:
        self.name = name
        self.mechanisms = mechanisms
        self.latent = latent
        self.problem: SpecError | None = None

    def varied(self, inhibiting: frozenset[tuple[Name, Name]]) -> Varied:
        edges = frozenset((parent, node) for node, m in self.mechanisms.items() for parent in m.parents)
        try:
            graph = LatentDag(tuple(self.mechanisms), edges, (), frozenset(self.latent), inhibiting & edges)
        except CycleError as error:
            raise self.fault(f"{error} Merge other latents, or drop what lies between them.", None) from None
        if self.problem is None:
            try:
                ModelSpec(graph, tuple(self.mechanisms.items()))
            except SpecError as error:
                self.problem = self.fault(str(error), error.node)
        return Varied(graph, self.mechanisms, self.problem)

    def fault(self, message: str, node: Name | None) -> SpecError:
        return SpecError(f"The variant {self.name!r} states no model: {message}", node=node)

    def blame(self, message: str, node: Name) -> None:
        """Keep the first problem: the graph of the variant is wanted all the same."""
        if self.problem is None:
            self.problem = self.fault(message, node)

    def drop(self, nodes: Iterable[Name]) -> None:
        gone = set(nodes)
        gone |= {latent for latent in self.latent if gone & self.arc_of(latent)}
        self.latent -= gone
        for node in gone:
            del self.mechanisms[node]
        self.reweigh(lambda weight: () if gone.intersection(weight.parents) else (weight,))

    def arc_of(self, latent: Name) -> frozenset[Name]:
        """The two nodes whose `<->` the latent stands for, or nothing for one that the user named."""
        a, b = (*(node for node, m in self.mechanisms.items() if latent in m.parents), "", "")[:2]
        stem = latent.rpartition(".")[0]
        return frozenset((a, b)) if stem in (f"{a}<->{b}", f"{b}<->{a}") else frozenset()

    def reweigh(self, change: Callable[[Weight], tuple[Weight, ...]]) -> None:
        """Replace each weight of every node by those that `change` makes of it."""
        for node, mechanism in self.mechanisms.items():
            before = (tuple(weight for weight in mechanism.weights if not weight.absent), mechanism.spread_weights)
            after = tuple(tuple(new for weight in own for new in change(weight)) for own in before)
            if after == before:
                continue
            weights, spread = (self.distinct(node, own) for own in after)
            try:
                self.mechanisms[node] = mechanism.reweighed(weights, spread)
            except SpecError as error:
                self.blame(str(error), node)
                self.mechanisms[node] = mechanism.reweighed(
                    *(tuple(replace(w, sign="") for w in own) for own in (weights, spread))
                )

    def distinct(self, node: Name, weights: tuple[Weight, ...]) -> tuple[Weight, ...]:
        """The weights with those of equal terms as one; they must say the same."""
        found: dict[frozenset[str], Weight] = {}
        for weight in weights:
            known = found.setdefault(frozenset(weight.factors), weight)
            if (known.sign, known.belief) != (weight.sign, weight.belief):
                self.blame(
                    f"the weights that become one weight of {known.label} in {quote(node)} have different signs or "
                    "priors. Give them the same, or merge other latents.",
                    node,
                )
        return tuple(found.values())

    def merge(self, new: Name, old: tuple[Name, ...]) -> None:
        olds = [node for node in old if node in self.mechanisms]
        if not olds:
            return
        mechanism = self.shared(new, olds)

        def renamed(weight: Weight) -> tuple[Weight, ...]:
            parents = tuple(new if parent in old else parent for parent in weight.parents)
            if len(set(parents)) < len(parents):
                self.blame(
                    f"{weight.label} is an interaction of merged latents, which one latent cannot have with itself. "
                    "Write the model without it, or merge others.",
                    new,
                )
                return ()
            return (replace(weight, parents=parents),)

        # The new latent stands where the first of them stood.
        self.mechanisms = {
            new if node == olds[0] else node: mechanism if node == olds[0] else own
            for node, own in self.mechanisms.items()
            if node == olds[0] or node not in olds
        }
        self.latent = self.latent.difference(olds) | {new}
        self.reweigh(renamed)
        own = self.mechanisms[new]
        self.mechanisms[new] = own.reweighed(
            *(tuple(w for w in each if new not in w.parents) for each in (own.weights, own.spread_weights))
        )

    def shared(self, new: Name, olds: list[Name]) -> Mechanism:
        """The mechanism of merged latents: all their parents, and what they agree on."""
        first, *others = (self.mechanisms[node] for node in olds)
        for node, other in zip(olds[1:], others, strict=True):
            bare, own = replace(first, weights=()), replace(other, weights=())
            if bare != own:
                self.blame(
                    f"{quote(olds[0])} ~ {bare.text()} and {quote(node)} ~ {own.text()} are merged into {quote(new)}, "
                    "which cannot be both. Give them the same mean and sd, or merge others.",
                    node,
                )
        return replace(
            first, weights=self.distinct(new, tuple(w for m in (first, *others) for w in m.weights if not w.absent))
        )

    def split(self, old: Name, new: tuple[Name, ...]) -> None:
        if old not in self.mechanisms:
            return
        own = self.mechanisms[old]
        parts = dict.fromkeys(new, own)
        rebuilt: dict[Name, Mechanism] = {}
        for node, mechanism in self.mechanisms.items():
            rebuilt.update(parts if node == old else {node: mechanism})
        self.mechanisms = rebuilt
        self.latent = self.latent - {old} | set(new)

        def copies(weight: Weight) -> tuple[Weight, ...]:
            if old not in weight.parents:
                return (weight,)
            return tuple(
                replace(weight, parents=tuple(part if parent == old else parent for parent in weight.parents))
                for part in new
            )

        self.reweigh(copies)

    def hide(self, nodes: Iterable[Name]) -> None:
        self.latent.update(node for node in nodes if node in self.mechanisms)

    def resize(self, a: Name, b: Name, count: int) -> None:
        """Give `a <-> b` another number of latents; new ones are like the first."""
        first = f"{a}<->{b}.1"
        names = [f"{a}<->{b}.{k + 1}" for k in range(count)]
        known = 1
        while f"{a}<->{b}.{known + 1}" in self.mechanisms:
            known += 1
        self.drop([f"{a}<->{b}.{k + 1}" for k in range(count, known)])
        more = names[known:]
        if more:
            self.split(first, (first, *more))
