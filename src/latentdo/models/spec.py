"""`ModelSpec`: a latent DAG with one mechanism per node, as data; surgery makes a new one.

`A <-> B [latents=k]` is written out when a spec is made: its latents are nodes `A<->B.1` … like any other, so that
surgery on `A` leaves them in place as causes of `B`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from latentdo.errors import SpecError, SupportError
from latentdo.graphs import AbstractDrawn, Call, LatentDag, Name, Statement, parse_statements, quote

from .expansion import Knots, bent, check_shapes, levelled, of_latent
from .families import Constant, Normal
from .family import AbstractFamily, Level
from .flexible import curved
from .levels import settled
from .mechanism import Belief, Mechanism, Weight, shown
from .prior import plain
from .prior_keys import apply_priors
from .reading import read_model
from .registry import FAMILIES
from .shape import AbstractShape, Spline

MAX_LATENTS = 10_000
"""Of all `<->` together: each is a node when it is written out, and ten words can ask for a hundred thousand."""
_STUDY_TEXT = re.compile(r"^model[ \t]*:", re.MULTILINE)
"""The key that every study has, and no line of a model: there a sign in a name stands in backticks."""
_STANDARD = Mechanism(Normal(), (), 0.0, (("sd", 1.0),))


@dataclass(frozen=True)
class ModelSpec(AbstractDrawn):
    """A latent DAG with one mechanism per node.

    Attributes:
        graph: Every cause written out, so that it holds no `<->`; see `LatentDag.explicit`.
        mechanisms: One (node, mechanism) per node, in node order; a mapping is accepted.

    Raises:
        SpecError: A node without a mechanism, or a mechanism that does not fit the graph or the node.
    """

    graph: LatentDag
    mechanisms: tuple[tuple[Name, Mechanism], ...]

    def __post_init__(self) -> None:
        given = dict(self.mechanisms)
        if self.graph.bidirected:
            a, b, _ = self.graph.bidirected[0]
            raise SpecError(f"The graph holds {a} <-> {b}. Use `ModelSpec.of`, which writes its latents out.")
        if missing := [node for node in self.graph.nodes if node not in given]:
            node = missing[0]
            repair = f"`latent {quote(node)} ~ normal` if nobody measured it, else `{quote(node)} ~ normal`"
            raise SpecError(
                f"No mechanism for {', '.join(missing)}. Every node needs one, latent nodes included: write {repair}.",
                node=node,
            )
        for node in given:
            self.graph.require(node)
        found = {node: self._settled(node, given[node]) for node in self.graph.nodes}
        families = {node: mechanism.family for node, mechanism in found.items()}
        for node, mechanism in found.items():
            check_shapes(node, mechanism, families, self.graph.latent)
        found = {node: levelled(node, mechanism, families) for node, mechanism in found.items()}
        object.__setattr__(self, "mechanisms", tuple(found.items()))

    def _settled(self, node: Name, mechanism: Mechanism) -> Mechanism:
        """The mechanism, checked against the graph, with the fixed scale of a latent filled in."""
        if set(mechanism.parents) != set(self.graph.parents(node)):
            raise SpecError(
                f"The mechanism of {node} has parents {sorted(mechanism.parents)}, "
                f"the graph {sorted(self.graph.parents(node))}. They must agree.",
                node=node,
            )
        if node not in self.graph.latent or isinstance(mechanism.family, Constant):
            return mechanism
        family = mechanism.family
        if not family.may_be_latent:
            raise SpecError(
                f"{node} is latent and declared {family.name}; the families of latent nodes are {_of_latents()}. "
                f"Write `latent {quote(node)} ~ normal(…)`.",
                node=node,
            )
        if family.has_levels and not family.states:
            raise SpecError(
                f"{node} is latent, so no column tells its levels. Write them: `latent {quote(node)} ~ "
                f"{family.name}(…, levels=[1, 2])`.",
                node=node,
            )
        # A latent has no scale of its own: what its family says unless the user says otherwise.
        parameters = tuple(
            (name, family.as_latent.get(name) if mechanism.parameter(name) is None else mechanism.parameter(name))
            for name in family.parameters
        )
        intercept = family.as_latent.get("intercept") if mechanism.intercept is None else mechanism.intercept
        return replace(mechanism, intercept=intercept, parameters=parameters, spread=of_latent(mechanism))

    @staticmethod
    def of(graph: LatentDag, mechanisms: Mapping[Name, Mechanism]) -> ModelSpec:
        """The spec of a graph and a mapping from node to mechanism, `<->` written out."""
        if (total := sum(count for _, _, count in graph.bidirected)) > MAX_LATENTS:
            raise SpecError(
                f"The graph has {total} latents behind its <->, and a model has at most {MAX_LATENTS}. "
                "Lower the numbers in [latents=k]."
            )
        explicit = graph.explicit()
        full = dict(mechanisms)
        causes: dict[Name, list[Weight]] = {}
        for latent in explicit.nodes[len(graph.nodes) :]:
            full[latent] = Mechanism(Normal())
            for child in explicit.children(latent):
                causes.setdefault(child, []).append(Weight((latent,)))
        for child, weights in causes.items():
            if child in full:
                full[child] = replace(full[child], weights=(*full[child].weights, *weights))
        return ModelSpec(explicit, tuple(full.items()))

    @staticmethod
    def parse(text: str) -> ModelSpec:
        """The spec that a text in the model language writes.

        Raises:
            SpecError: It is the text of a study.
        """
        return ModelSpec.stated(statements_of(text), text)

    @staticmethod
    def stated(statements: Sequence[Statement], text: str) -> ModelSpec:
        """The spec that the statements of a text write; the text shows the place of errors."""
        return ModelSpec.of(*read_model(statements, text))

    @cached_property
    def by_node(self) -> dict[Name, Mechanism]:
        """Mechanism by node."""
        return dict(self.mechanisms)

    @property
    def measured(self) -> tuple[Name, ...]:
        """The nodes that the data must have, in node order."""
        return self.graph.measured

    @property
    def latent(self) -> frozenset[Name]:
        """The nodes that nobody measured, those of `<->` included."""
        return self.graph.latent

    @cached_property
    def shaped(self) -> dict[Name, tuple[AbstractShape, ...]]:
        """The nodes that enter some predictor by a shape, and which."""
        found: dict[Name, dict[AbstractShape, None]] = {}
        for _, mechanism in self.mechanisms:
            for weight in mechanism.weights:
                for parent, _, shape in weight.parts:
                    if shape is not None:
                        found.setdefault(parent, {})[shape] = None
        return {node: tuple(shapes) for node, shapes in found.items()}

    def check_shaped(self, node: Name, value: float) -> None:
        """Raise `SupportError` where a shape of the node, such as its logarithm, has no value at this one."""
        for shape in self.shaped.get(node, ()):
            if value <= shape.least:
                child = next(c for c in self.graph.children(node) if (node, None, shape) in _parts_of(self[c]))
                raise SupportError(
                    node,
                    f"{quote(node)}={plain(value)}: {quote(child)} depends on {shape.text(node)}, which needs a value "
                    f"above {plain(shape.least)}.",
                )

    @property
    def functional(self) -> dict[Name, tuple[Name, ...]]:
        """The `linear` nodes, which are exact functions of their parents, and these."""
        return {
            node: mechanism.parents
            for node, mechanism in self.mechanisms
            if mechanism.family.noiseless and mechanism.weights
        }

    @property
    def levels(self) -> dict[Name, tuple[Level, ...]]:
        """The nodes whose levels may be names, with the levels that are known."""
        families = {node: mechanism.family for node, mechanism in self.mechanisms}
        return {node: family.states for node, family in families.items() if family.has_levels}

    @property
    def ordered(self) -> tuple[Name, ...]:
        """The nodes whose levels have an order, names too, so that these are compared."""
        return tuple(node for node, mechanism in self.mechanisms if mechanism.family.ordered)

    @property
    def ones(self) -> dict[Name, Level]:
        """The nodes of two stated levels, with the level that counts as the 1."""
        found = {node: mechanism.family.one for node, mechanism in self.mechanisms}
        return {node: level for node, level in found.items() if level is not None}

    @property
    def unsettled(self) -> tuple[Name, ...]:
        """The nodes whose levels only their columns can tell."""
        return tuple(
            node for node, mechanism in self.mechanisms if mechanism.family.has_levels and not mechanism.family.states
        )

    def with_levels(self, levels: Mapping[Name, Sequence[Level]]) -> ModelSpec:
        """This model with the levels of nodes that did not state them.

        Raises:
            SpecError: Levels that no node can have.
        """
        mechanisms = dict(self.mechanisms)
        for node, found in levels.items():
            family = self[node].family
            if family.has_levels:
                mechanisms[node] = replace(mechanisms[node], family=family.with_levels(settled(tuple(found), node)))
        return ModelSpec(self.graph, tuple(mechanisms.items()))

    @property
    def unknotted(self) -> tuple[tuple[Name, Spline], ...]:
        """The splines without knots, as they are typed, with the parents whose columns tell them."""
        return tuple(
            dict.fromkeys(
                (parent, shape)
                for _, mechanism in self.mechanisms
                for weight in mechanism.weights
                for parent, _, shape in weight.parts
                if isinstance(shape, Spline) and not shape.knots
            )
        )

    @property
    def knots(self) -> Knots:
        """The knots of every spline that has them, by its parent and how many were asked for."""
        return {
            (parent, shape.n_knots): shape.knots
            for parent, shapes in self.shaped.items()
            for shape in shapes
            if isinstance(shape, Spline) and shape.knots
        }

    def with_knots(self, knots: Knots) -> ModelSpec:
        """This model with the columns of its splines, one weight for each."""
        mechanisms = {
            node: replace(mechanism, weights=tuple(new for weight in mechanism.weights for new in bent(weight, knots)))
            for node, mechanism in self.mechanisms
        }
        return ModelSpec(self.graph, tuple(mechanisms.items()))

    def flexible(self, *, interactions: bool | Collection[Name] = False) -> ModelSpec:
        """This model with `s()` on every measured numeric parent of a node with a linear predictor.

        A parent with a fixed weight, or with a shape, stays as it is; a sign makes a curve that rises or falls everywhere.

        Args:
            interactions: Whether each pair of a node's measured parents has a product too; or the nodes, such as treatments,
                of which one must be in the pair.

        Raises:
            UnknownNodeError: Among the interactions is no node of the model.
        """
        named = (interactions,) if isinstance(interactions, str) else interactions
        return ModelSpec(self.graph, tuple(curved(self.graph, self.by_node, named).items()))

    def __getitem__(self, node: Name) -> Mechanism:
        self.graph.require(node)
        return self.by_node[node]

    def do(self, values: Mapping[Name, float | AbstractFamily | Mechanism]) -> ModelSpec:
        """This model after surgery: each named node loses its parents and is set.

        Args:
            values: A number, or a root mechanism (for a stochastic intervention), per node.

        Raises:
            SupportError: A value that the node's family cannot take.
            UnknownNodeError: A name that is not a node.

        Source:
            Pearl (2009), Causality, definition 3.2.1.
        """
        replaced: dict[Name, Mechanism] = {}
        for node, value in values.items():
            if isinstance(value, Mechanism):
                if value.weights:
                    raise SupportError(node, f"do({node}) with a mechanism that has parents is a policy, not surgery.")
                replaced[node] = value
            elif isinstance(value, AbstractFamily):
                replaced[node] = Mechanism(value)
            else:
                replaced[node] = Mechanism(Constant(self[node].family.check_value(node, value)))
        for node in replaced:
            self.graph.require(node)
        return ModelSpec(self.graph.without_incoming(replaced), tuple({**self.by_node, **replaced}.items()))

    def with_priors(self, priors: Mapping[str, Call | float]) -> ModelSpec:
        """This model with the `priors:` of a study file on top.

        A key for one weight (`EGF -> SOS`) wins over one for a node (`weight(SOS)`), that over what the text says,
        and that over a key for the whole model (`weight`), which reaches every place where nothing else was said.

        Args:
            priors: Keys as in the study file; values are priors or fixed numbers, in raw units.
        """
        return ModelSpec(self.graph, tuple(apply_priors(self.graph, self.by_node, priors).items()))

    @cached_property
    def source(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The text of the model and the priors of single weights, which have no place in the text.

        `ModelSpec.parse(text).with_priors(priors)` gives an equal spec, unless a node was set by surgery.
        """
        lines, priors = [], []
        arcs, implicit = self._arcs()
        for node, mechanism in self.mechanisms:
            if node in implicit:
                continue
            kept = tuple(weight for weight in mechanism.weights if not implicit.intersection(weight.parents))
            beliefs = {weight.belief for weight in kept if not weight.bends and not weight.absent}
            common = beliefs.pop() if len(beliefs) == 1 else None
            own = replace(mechanism, weights=kept).weight_beliefs if common is None else {}
            priors += [
                (f"{term} -> {quote(node)}", shown(belief)) for term, belief in own.items() if belief is not None
            ]
            if (spread := mechanism.spread) is not None and spread.common is None:
                written = {weight.typed: weight.belief for weight in spread.weights if weight.belief is not None}
                priors += [
                    (f"{spread.parameter} weight {term} -> {quote(node)}", shown(belief))
                    for term, belief in written.items()
                ]
            lines.append(self._line(node, replace(mechanism, weights=kept), common))
        inhibiting = [f"{quote(a)} -| {quote(b)}" for a, b in sorted(self.graph.inhibiting)]
        return "\n".join([*self._order(implicit), *lines, *inhibiting, *arcs]), tuple(priors)

    def _order(self, implicit: frozenset[Name]) -> list[str]:
        """A line of bare names, where the equations alone would not mention the nodes in their order."""
        named = [node for node in self.graph.nodes if node not in implicit]
        mentioned = dict.fromkeys(
            name for node in named for name in (node, *self.by_node[node].parents) if name not in implicit
        )
        return [] if list(mentioned) == named else ["; ".join(map(quote, named))]

    def _line(self, node: Name, mechanism: Mechanism, weight: Belief) -> str:
        if isinstance(mechanism.family, Constant):
            return f"{quote(node)} = {plain(mechanism.family.value)}  # set by an intervention"
        if node in self.latent:
            own = mechanism.family.as_latent
            default = [(name, own.get(name)) for name in mechanism.family.parameters]
            if mechanism.intercept == own.get("intercept"):
                mechanism = replace(mechanism, intercept=None)
            mechanism = replace(
                mechanism,
                parameters=tuple(pair for pair in mechanism.parameters if pair not in default),
                spread=of_latent(mechanism, typed=True),
            )
        text = mechanism.text()
        if text in self.by_node:
            text += "()"  # Without parentheses it would read as a node.
        if weight is not None:
            text = f"{text[:-1]}, weight={shown(weight)})"
        return ("latent " if node in self.latent else "") + f"{quote(node)} ~ {text}"

    def _arcs(self) -> tuple[list[str], frozenset[Name]]:
        """The `<->` lines, and the latents that they stand for."""
        pairs: dict[tuple[Name, Name], list[Name]] = {}
        uses = {
            child: Counter(name for weight in mechanism.weights for name in weight.parents)
            for child, mechanism in self.mechanisms
        }
        alone = {child: frozenset(mechanism.weights) for child, mechanism in self.mechanisms}
        for node in self.graph.nodes:
            children = self.graph.children(node)
            if node in self.latent and len(children) == 2 and self.by_node[node] == _STANDARD:
                # Alone in both equations, without sign or prior.
                if not all(uses[child][node] == 1 and Weight((node,)) in alone[child] for child in children):
                    continue
                pairs.setdefault((children[0], children[1]), []).append(node)
        arcs, implicit = dict[tuple[Name, Name], int](), set[Name]()
        for (a, b), latents in pairs.items():
            if set(latents) == {f"{a}<->{b}.{k + 1}" for k in range(len(latents))}:
                arcs[a, b] = len(latents)
                implicit.update(latents)
        if not self._is_made_of(arcs, frozenset(implicit)):
            return [], frozenset()
        lines = [
            f"{quote(a)} <-> {quote(b)}" + (f" [latents={count}]" if count > 1 else "")
            for (a, b), count in arcs.items()
        ]
        return lines, frozenset(implicit)

    def _is_made_of(self, arcs: Mapping[tuple[Name, Name], int], implicit: frozenset[Name]) -> bool:
        """Whether writing out these `<->` gives this spec, the order of nodes and weights included."""
        graph = LatentDag(
            tuple(node for node in self.graph.nodes if node not in implicit),
            frozenset(edge for edge in self.graph.directed if edge[0] not in implicit),
            tuple((a, b, count) for (a, b), count in arcs.items()),
            self.graph.latent - implicit,
            self.graph.inhibiting,
        )
        folded = {
            node: replace(
                mechanism,
                weights=tuple(weight for weight in mechanism.weights if not implicit.intersection(weight.parents)),
            )
            for node, mechanism in self.mechanisms
            if node not in implicit
        }
        return ModelSpec.of(graph, folded) == self

    def __repr__(self) -> str:
        return f"<ModelSpec of {len(self.measured)} measured and {len(self.latent)} latent nodes>"

    def __str__(self) -> str:
        text, priors = self.source
        return "\n".join([text, *(f"# prior of {key}: {prior}" for key, prior in priors)])


def statements_of(text: str) -> tuple[Statement, ...]:
    """The statements of the text of a model.

    Raises:
        SpecError: It is the text of a study.
    """
    if _STUDY_TEXT.search(text):
        raise SpecError("This is the text of a study, and a model is expected. Load it with ld.load_study(text).")
    return parse_statements(text)


def _parts_of(mechanism: Mechanism) -> frozenset[object]:
    return frozenset(part for weight in mechanism.weights for part in weight.parts)


def _of_latents() -> str:
    return ", ".join(name for name, family in FAMILIES.items() if family.may_be_latent)
