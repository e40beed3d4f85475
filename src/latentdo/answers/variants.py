"""What becomes of a study's questions under its other latent structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from latentdo.graphs import LatentDag, Name, SameAdmg, quote, same_admg
from latentdo.identification import Identified, NotIdentified
from latentdo.models.study import Study, unaskable

from .support import verdict_on

Verdict = Identified | NotIdentified


@dataclass(frozen=True)
class VariantReport:
    """One variant of a study beside the study's own model.

    Attributes:
        name: What the study calls it.
        projection: Whether it looks the same from the nodes that both measure.
        unmeasured: Nodes that the model measures and the variant does not: the projections are compared without
            them.
        verdicts: (query's name, verdict), None where the query cannot be asked of the variant.
        changed: What became of the queries whose verdict is another one than the model's, by name.
        problem: Why the variant cannot be trained, or nothing.
    """

    name: str
    projection: SameAdmg
    unmeasured: tuple[Name, ...]
    verdicts: tuple[tuple[str, Verdict | None], ...]
    changed: tuple[tuple[str, str], ...]
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """The report as plain strings and lists."""
        changed = dict(self.changed)
        return {
            "name": self.name,
            "same_projection": self.projection.same,
            "reason": self.projection.reason,
            "unmeasured": list(self.unmeasured),
            "verdicts": [
                {
                    "name": name,
                    "identifiable": None if verdict is None else verdict.identified,
                    "changed": changed.get(name),
                }
                for name, verdict in self.verdicts
            ],
            "problem": self.problem or None,
        }

    def __str__(self) -> str:
        lines = [f"{self.name}: {self._projection()}"]
        lines += [f"  {name}: {told}" for name, told in self.changed]
        if self.verdicts and not self.changed:
            lines.append("  every query has the same verdict as in the model")
        lines += [f"  cannot be trained: {self.problem}"] if self.problem else []
        return "\n".join(lines)

    def _projection(self) -> str:
        gone = ", ".join(map(quote, self.unmeasured))
        where = f" over the nodes that both measure (without {gone})" if gone else ""
        return f"same projection{where}" if self.projection else f"other projection{where}. {self.projection.reason}"


def check_variants(
    study: Study,
    verdicts: Sequence[tuple[str, Verdict]],
    functional: Mapping[Name, tuple[Name, ...]],
    regimes: Sequence[tuple[Name, ...]] = (),
) -> tuple[VariantReport, ...]:
    """Each variant's projection and verdicts beside the model's own `verdicts`.

    Args:
        functional: The functional nodes of the model; in a variant they count where it has them with these parents.
        regimes: What is set in the experiments that are known; those count whose nodes the variant measures too.
    """
    return tuple(_report(study, variant.name, verdicts, functional, regimes) for variant in study.variants)


def _report(
    study: Study,
    name: str,
    verdicts: Sequence[tuple[str, Verdict]],
    functional: Mapping[Name, tuple[Name, ...]],
    regimes: Sequence[tuple[Name, ...]],
) -> VariantReport:
    own = study.model.graph
    varied = study.varied(name)
    graph = varied.graph
    unmeasured = tuple(node for node in own.measured if node not in graph.measured)
    projection = same_admg(replace(own, latent=own.latent.union(unmeasured)), graph, ("the model", "the variant"))
    functions = {node: above for node, above in functional.items() if _keeps(graph, node, above)}
    known = [held for held in regimes if set(held) <= set(graph.measured)]
    found: list[tuple[str, Verdict | None]] = []
    changed: list[tuple[str, str]] = []
    for key, before in verdicts:
        if why := unaskable(before.query, graph):
            found.append((key, None))
            changed.append((key, f"cannot be asked of it: {why}"))
            continue
        after = verdict_on(graph, before.query, functions, known)
        found.append((key, after))
        if after.identified != before.identified:
            told = "identified, which it is not in the model" if after else "not identified, though it is in the model"
            changed.append((key, told if isinstance(after, Identified) else f"{told}. {after.reason}"))
    problem = "" if varied.problem is None else str(varied.problem).partition(" states no model: ")[2]
    return VariantReport(name, projection, unmeasured, tuple(found), tuple(changed), problem)


def _keeps(graph: LatentDag, node: Name, above: tuple[Name, ...]) -> bool:
    return node in graph.measured and set(above) <= set(graph.parents(node))
