"""Which priors a fit used, in words for a paper: the default ones as the reference states them, then the user's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from latentdo.graphs import Name, quote
from latentdo.inference import Posterior, node_row, widened
from latentdo.models import BUILT_IN, FAMILIES, AbstractCounts
from latentdo.sheet import listed

COUNTS = frozenset(name for name, family in FAMILIES.items() if issubclass(family, AbstractCounts))
_SHAPES = {
    "beta": "lognormal(log(0.25 / s² - 1), 2)",
    "gamma": "halfnormal(10)",
    "negbin": "lognormal(1.5, 1.5)",
}
_ZEROS = {"zi": "extra zeros", "hurdle": "zeros"}
LOGIT = frozenset(name for name, family in FAMILIES.items() if family.log_odds and name in BUILT_IN)

Default = tuple[str, str, bool]
"""A kind of parameter with a default prior, the family of its node, and whether the node is latent."""


def priors_in_words(posterior: Posterior) -> Iterator[str]:
    """The default priors in force, and those that the user wrote."""
    spec = posterior.spec
    default: set[Default] = set()
    own: list[str] = []
    tables: dict[str, list[Name]] = {}
    # The coefficients of a node without noise are solved for, whatever its priors.
    solved = {node for block in posterior.blocks if block.method.kind == "least squares" for node in block.block.nodes}
    for coordinates in posterior.coordinates:
        node, row = coordinates.node, node_row(posterior, coordinates)
        family = spec[node].family
        if node in solved:
            continue
        if row.table_row:
            tables.setdefault(row.table_row, []).append(node)
        for label, belief, unit in row.beliefs:
            if belief.startswith("fixed"):
                own.append(f"{label} {belief}")
            elif unit.startswith("default") and family.name in BUILT_IN:
                default.add((_kind(label), family.name, node in spec.latent))
            else:
                where = unit.partition(", ")[2]
                own.append(f"{label} ~ {belief}" + (f" ({where})" if where else ""))
    own += [f"each row of the table of {names_of(nodes)} ~ {words}" for words, nodes in tables.items()]
    if default:
        yield _defaults(posterior, default)
    if own:
        fixed = any(" fixed at " in words for words in own)
        head = ("Other priors" if default else "Priors") + (" and fixed numbers" if fixed else "")
        yield f"{head}: {'; '.join(own)}."


def _kind(label: str) -> str:
    """`weight`, `intercept`, `sd`, `sd weight`, … of a parameter's label."""
    if of_spread := re.match(r"(\w+ (?:intercept|weight))[ (]", label):
        return of_spread[1]
    head = label.partition("(")[0]
    return head if head == "wiggle" or (head != label and " -> " not in label) else "weight"


def _defaults(posterior: Posterior, default: set[Default]) -> str:
    """The default priors in force, as the reference states them, without those of parameters that the model does not have."""
    spec = posterior.spec
    kinds = {kind for kind, *_ in default}
    weighted = sorted({family for kind, family, _ in default if kind == "weight"} & LOGIT)
    cases = [f"2 for {' and '.join(weighted)} variables"] if weighted else []
    if counted_nodes := sorted({family for kind, family, _ in default if kind in ("weight", "intercept")} & COUNTS):
        cases.append(f"of {' and '.join(counted_nodes)} variables at least 1 / √mean")
    if any(latent and family not in LOGIT for kind, family, latent in default if kind in ("weight", "intercept")):
        cases.append("1 for unmeasured ones, whose mean there is 0")
    said: list[str] = []
    if "weight" in kinds:
        signed = any(weight.sign for _, mechanism in spec.mechanisms for weight in mechanism.weights)
        said.append(
            f"weights are normal(0, t){', cut at 0 where a sign was given' if signed else ''}{_widened(posterior)}"
        )
        if any(len(weight.parents) > 1 for _, mechanism in spec.mechanisms for weight in mechanism.weights):
            said.append(
                "those of interactions too, of products of parents, centred where all parts of the product are terms"
            )
        other = any(not shape.bends for shapes in spec.shaped.values() for shape in shapes)
        said += ["a parent that enters by a shape, such as its logarithm, counts per sd of that"] * other
    by_family = {(family in LOGIT, latent) for kind, family, latent in default if kind == "intercept"}
    intercepts = ["normal(mean on that scale, 2t)"] if {(False, False), (False, True)} & by_family else []
    logit = sorted({family for kind, family, latent in default if kind == "intercept" and not latent} & LOGIT)
    intercepts += [f"normal(0, 3) for {' and '.join(logit)} variables"] if (True, False) in by_family else []
    intercepts += ["normal(0, 1.5) for unmeasured classes"] if (True, True) in by_family else []
    said += [f"intercepts are {', '.join(intercepts)}"] if intercepts else []
    said += (
        ["residual sds are 0.05 s + halfnormal(s), with s the sd of the variable's data"]
        if kinds & {"sd", "scale"}
        else []
    )
    said += _of_spreads(kinds)
    said += ["degrees of freedom are gamma(2, 0.1), cut at 2"] if "df" in kinds else []
    said += _of_shapes(default)
    if any(len(spec[node].family.points) > 2 for node in spec.latent):
        said.append("coefficients of the levels of an unmeasured class correlate by 1/2")
    scale = ""
    if {kind.rpartition(" ")[2] for kind in kinds} & {"weight", "intercept"}:
        words = "the sd of the variable's data on the scale of its linear predictor"
        scale = f"with parents centred and divided by their sd, and t {words}{f' ({listed(cases)})' if cases else ''}, "
    return f"Default priors: {scale}{'; '.join(said)}."


def _of_spreads(kinds: Collection[str]) -> Iterator[str]:
    """The default priors of parameters that depend on parents."""
    for name in sorted({kind.partition(" ")[0] for kind in kinds if kind.endswith((" weight", " intercept"))}):
        spread = name in ("sd", "scale")
        one, two = ("1/√2", "√2") if spread else ("√2", "2√2")
        said = [f"weights of log {name} are normal(0, {one})"] * (f"{name} weight" in kinds)
        centre, about = (
            ("log s", ", with s the sd of the variable's data") if spread else (f"log of a usual {name}", "")
        )
        said += [f"intercepts of log {name} are normal({centre}, {two}){about}"] * (f"{name} intercept" in kinds)
        yield " and ".join(said)


def _of_shapes(default: set[Default]) -> Iterator[str]:
    """The default priors of what is no coefficient and no size of noise."""
    kinds = {kind for kind, *_ in default}
    shaped = {family for kind, family, _ in default if kind == "shape"}
    for family in sorted(shaped):
        yield (
            f"shapes of {family} variables are {_SHAPES[family]}"
            if shaped != {"gamma"}
            else "shapes are halfnormal(10)"
        )
    if any(kind.startswith("gap") for kind in kinds):
        yield "gaps between thresholds are student(3, 0, 2) above 0"
    if "wiggle" in kinds:
        yield (
            "splines s() are natural cubic ones with knots at even quantiles, penalised by their curvature about a straight "
            "line; the sds of their ways from that line are half-Cauchy(0.005 t)"
        )
    if zeros := sorted(kinds & {"zi", "hurdle"}):
        yield f"probabilities of {' and '.join(_ZEROS[kind] for kind in zeros)} are beta(1, 1)"


def _widened(posterior: Posterior) -> str:
    """How the widths of weights follow the parents, where they are not all one per sd."""
    wider, narrower = widened(posterior)
    words = [
        "wider where measured parents of one variable are correlated: by unit information, no prior says more than one row "
        "of the data would"
    ] * wider
    words += ["per half of the difference where a parent has two values and the variable's mean has bounds"] * narrower
    return f" ({' and '.join(words)})" if words else ""


def names_of(nodes: Iterable[Name]) -> str:
    """Nodes, listed."""
    return ", ".join(map(quote, nodes))
