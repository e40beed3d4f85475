"""Discrete terms against enumeration of every combination of levels, draw by draw, and eliminations against one big product."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from latentdo.answers.exact import discrete as exact_discrete
from latentdo.answers.exact import kept
from latentdo.answers.exact.discrete import DiscreteWorld
from latentdo.answers.exact.elimination import Factor, eliminate, plan_elimination
from latentdo.answers.plan import plan_term
from latentdo.inference import NodeDraws, Posterior
from latentdo.models import Categorical, ModelSpec, Table
from latentdo.query import Query
from posteriors import posterior_of

DRAWS = (2, 3)
SEVERAL = """
latent U ~ bernoulli
latent K ~ categorical(U, levels=[0, 1, 2])
A ~ bernoulli(U)
B ~ table(A, K, levels=[0, 1, 5])
C ~ categorical(B, A, levels=[1, 2, 3])
D ~ bernoulli(C, K, A:K)
E ~ table(D, C, levels=[low, high])
"""


def discrete_posterior(text: str, seed: int = 0, shape: tuple[int, int] = DRAWS) -> Posterior:
    """A posterior of a model of discrete nodes (roots of other families may stand beside), its numbers at random."""
    random = np.random.default_rng([seed, 3])
    # Only for the blocks and columns: the draws are made anew, as tables and categories need their own.
    spec = ModelSpec.parse(text)
    draws = {}
    for node, mechanism in spec.mechanisms:
        family = mechanism.family
        if isinstance(family, Table):
            rows = random.dirichlet(np.ones(len(family.levels)), size=(*shape, family.n_rows))
            draws[node] = NodeDraws(rows.reshape(*shape, -1))
        else:
            predictors = len(family.levels) - 1 if isinstance(family, Categorical) else 1
            size = predictors * (1 + len(mechanism.weights))
            own = tuple((name, random.gamma(2.0, size=shape)) for name in family.parameters)
            draws[node] = NodeDraws(random.normal(size=(*shape, size)), own)
    plain = posterior_of("X ~ normal", shape=shape)
    block = replace(plain.blocks[0], draws=tuple(draws.items()))
    return replace(plain, spec=spec, blocks=(block,))


def probability(posterior: Posterior, node: str, values: dict[str, float]) -> np.ndarray:
    """P(node = its value | the values of its parents), per draw, from the formulas of the documentation."""
    mechanism, draws = posterior.spec[node], posterior.by_node[node]
    numbers = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])
    family = mechanism.family
    if isinstance(family, Table):
        row = 0
        for points, parent in zip(family.given, mechanism.parents, strict=True):
            row = row * len(points) + points.index(values[parent])
        return numbers[:, row * len(family.levels) + family.points.index(values[node])]
    products = []
    for weight in mechanism.weights:
        product = 1.0
        for k, parent in enumerate(weight.parents):
            level = weight.levels[k] if weight.levels else None
            product *= values[parent] if level is None else float(values[parent] == level[1])
        products.append(product)
    inputs = np.array([1.0, *products])
    if isinstance(family, Categorical):
        etas = [np.zeros(len(numbers)), *(part @ inputs for part in np.split(numbers, len(family.levels) - 1, axis=1))]
        scores = np.exp(etas)
        return scores[family.points.index(values[node])] / scores.sum(axis=0)
    one = 1 / (1 + np.exp(-(numbers @ inputs)))
    return one if values[node] == 1 else 1 - one


def enumerated(posterior: Posterior, do: dict[str, object], of, given=lambda values: True) -> np.ndarray:
    """The mean of a function of all values, per draw, given an event, by summing over everything.

    Args:
        do: A value, or the probabilities of the levels as a tuple, per node.
    """
    spec = posterior.spec
    names = [node for node in spec.graph.topological_order() if spec[node].family.points or node in do]
    n = posterior.n_chains * posterior.n_draws
    top, total = np.zeros(n), np.zeros(n)
    ranges = [
        (do[node],) if node in do and not isinstance(do[node], tuple) else spec[node].family.points for node in names
    ]
    for combination in itertools.product(*ranges):
        values = dict(zip(names, combination, strict=True))
        if not given(values):
            continue
        weight = np.ones(n)
        for node in names:
            if node not in do:
                weight = weight * probability(posterior, node, values)
            elif isinstance(do[node], tuple):
                weight = weight * do[node][spec[node].family.points.index(values[node])]
        top, total = top + weight * of(values), total + weight
    return top / total


def exact(posterior: Posterior, text: str) -> np.ndarray | None:
    plan = plan_term(posterior.spec, Query.parse(text).term)
    world = DiscreteWorld(posterior.spec, posterior.by_node)
    found = world.value(plan)
    assert world.applies(plan) == (found is not None)
    return found


@pytest.fixture(scope="module")
def several() -> Posterior:
    return discrete_posterior(SEVERAL)


DOES = {
    "": {},
    "do(A=1)": {"A": 1.0},
    "do(B=5)": {"B": 5.0},
    "do(A=0, C=2)": {"A": 0.0, "C": 2.0},
    "do(A ~ bernoulli(0.3))": {"A": (0.7, 0.3)},
    "do(C ~ categorical(0.2, 0.5, 0.3), A=1)": {"C": (0.2, 0.5, 0.3), "A": 1.0},
}
GIVEN = {
    "": lambda v: True,
    "D=1": lambda v: v["D"] == 1,
    "B>0, D=0": lambda v: v["B"] > 0 and v["D"] == 0,
    "E=high": lambda v: v["E"] == 1,
    "B=1, E=low": lambda v: v["B"] == 1 and v["E"] == 0,
}


def allowed(do: str, given: str) -> bool:
    return not any(f"{name}=" in given.replace(">", "=") and name in DOES[do] for name in "ABCDE")


CASES = [(do, given) for do, given in itertools.product(DOES, GIVEN) if allowed(do, given)]


@pytest.mark.parametrize("single", [False, True], ids=["shared", "single"])
@pytest.mark.parametrize(("do", "given"), CASES)
def test_every_kind_of_term_agrees_with_enumeration(several, do, given, single, monkeypatch):
    if single:
        monkeypatch.setattr(exact_discrete, "MOST_KEPT", 0)
    inside = ", ".join(part for part in (do, given) if part)
    after = f" | {inside}" if inside else ""
    settings, seen = DOES[do], GIVEN[given]
    for outcome in "BCD":
        if outcome in settings or f"{outcome}=" in given or f"{outcome}>" in given:
            continue

        def value(v: dict[str, float], name: str = outcome) -> float:
            return v[name]

        mean = enumerated(several, settings, value, seen)
        assert exact(several, f"E[{outcome}{after}]") == pytest.approx(mean, rel=1e-12)
        square = enumerated(several, settings, lambda v, f=value: f(v) ** 2, seen)
        assert exact(several, f"Var[{outcome}{after}]") == pytest.approx(square - mean**2, rel=1e-10, abs=1e-13)
        assert exact(several, f"SD[{outcome}{after}]") == pytest.approx(np.sqrt(square - mean**2), rel=1e-9)
        chance = enumerated(several, settings, lambda v, f=value: f(v) > 1, seen)
        assert exact(several, f"P({outcome} > 1{after})") == pytest.approx(chance, rel=1e-12, abs=1e-15)
        level = 0.6
        points = several.spec[outcome].family.points
        cdf = np.array([enumerated(several, settings, lambda v, p=p, f=value: f(v) <= p, seen) for p in points])
        expected = np.array(points)[(cdf < level).sum(axis=0)]
        assert exact(several, f"Quantile[{outcome}, 0.6{after}]") == pytest.approx(expected)
    if "E" not in given:
        both = enumerated(several, settings, lambda v: v["E"] == 1 and v["D"] <= 0, seen)
        if "D" not in given:
            assert exact(several, f"P(E=high, D <= 0{after})") == pytest.approx(both, rel=1e-12)


def random_text(random: np.random.Generator, n: int) -> tuple[str, list[str], dict[str, int]]:
    """A model of discrete nodes, some latent; its measured nodes, and the number of levels of each node."""
    lines, measured, sizes = [], [], {}
    for k in range(n):
        name = f"N{k}"
        parents = [p for p in list(sizes) if random.uniform() < 0.4][:3]
        kind = random.choice(["bernoulli", "categorical", "table"])
        size = 2 if kind == "bernoulli" else int(random.integers(2, 4))
        options = [] if kind == "bernoulli" else [f"levels=[{', '.join(map(str, range(size)))}]"]
        latent = "latent " if k < n - 2 and random.uniform() < 0.3 else ""
        lines.append(f"{latent}{name} ~ {kind}({', '.join([*parents, *options])})")
        sizes[name] = size
        measured += [] if latent else [name]
    return "\n".join(lines), measured, sizes


@pytest.mark.parametrize("seed", range(8))
def test_random_models_agree_with_enumeration(seed):
    random = np.random.default_rng(seed)
    text, measured, sizes = random_text(random, 6)
    posterior = discrete_posterior(text, seed, (1, 2))
    for _ in range(4):
        names = list(random.permutation(measured))
        outcome, others = names[0], names[1:]
        n_set = int(random.integers(0, len(others) + 1))
        do = {name: float(random.integers(sizes[name])) for name in others[:n_set]}
        seen = {name: float(random.integers(sizes[name])) for name in others[n_set:] if random.uniform() < 0.6}
        settings = ", ".join(f"{name}={value:g}" for name, value in do.items())
        parts = [f"do({settings})"] * bool(do) + [f"{name}={value:g}" for name, value in seen.items()]
        after = f" | {', '.join(parts)}" if parts else ""
        expected = enumerated(
            posterior, do, lambda v, o=outcome: v[o], lambda v, s=seen: all(v[k] == x for k, x in s.items())
        )
        assert exact(posterior, f"E[{outcome}{after}]") == pytest.approx(expected, rel=1e-10)


def test_a_chain_of_thirty_is_a_product_of_matrices():
    lines = ["N0 ~ bernoulli"] + [f"{'latent ' if k % 3 else ''}N{k} ~ bernoulli(N{k - 1})" for k in range(1, 31)]
    posterior = discrete_posterior("\n".join(lines), 1)
    law = np.ones((6, 1, 1))
    for k in range(1, 31):
        step = np.array(
            [[probability(posterior, f"N{k}", {f"N{k - 1}": a, f"N{k}": b}) for b in (0.0, 1.0)] for a in (0.0, 1.0)]
        )
        law = np.eye(2) @ np.moveaxis(step, -1, 0) if k == 1 else law @ np.moveaxis(step, -1, 0)
    for x in (0, 1):
        assert exact(posterior, f"E[N30 | do(N0={x})]") == pytest.approx(law[:, x, 1], rel=1e-12)
    # Backwards, by Bayes' rule.
    root = np.stack([probability(posterior, "N0", {"N0": v}) for v in (0.0, 1.0)], axis=1)
    joint = root * law[:, :, 1]
    assert exact(posterior, "P(N0=1 | N30=1)") == pytest.approx(joint[:, 1] / joint.sum(axis=1), rel=1e-12)


def test_a_tree_of_thirty_below_one_latent_agrees_with_messages():
    lines = ["latent T ~ categorical(levels=[0, 1, 2])"]
    lines += [f"A{k} ~ bernoulli(T)" for k in range(10)] + [f"B{k} ~ bernoulli(A{k % 10})" for k in range(20)]
    posterior = discrete_posterior("\n".join(lines), 2)
    seen = {f"B{k}": float(k % 3 == 0) for k in range(20)}
    given = ", ".join(f"{name}={value:g}" for name, value in seen.items())
    found = exact(posterior, f"E[A0 | do(A1=1), {given}]")
    ahead = []
    for t in (0.0, 1.0, 2.0):
        message = probability(posterior, "T", {"T": t})
        for k in range(10):
            branch = [
                (probability(posterior, f"A{k}", {"T": t, f"A{k}": a}) if k != 1 else float(a == 1))
                * np.prod(
                    [probability(posterior, b, {f"A{k}": a, b: seen[b]}) for b in (f"B{k}", f"B{k + 10}")], axis=0
                )
                for a in (0.0, 1.0)
            ]
            message = message * (branch[1] if k == 1 else np.array(branch) if k == 0 else branch[0] + branch[1])
        ahead.append(message)
    joint = np.sum(ahead, axis=0)
    assert found == pytest.approx(joint[1] / joint.sum(axis=0), rel=1e-12)


def test_set_values_without_levels_are_numbers_of_the_factors():
    posterior = discrete_posterior("R ~ normal; X ~ bernoulli(R); latent U ~ bernoulli; Y ~ bernoulli(X, U, R:U)", 4)
    for r in (-1.3, 0.4):
        expected = enumerated(posterior, {"R": r}, lambda v: v["Y"])
        assert exact(posterior, f"E[Y | do(R={r})]") == pytest.approx(expected, rel=1e-12)
        # A root that is seen is a number too.
        assert exact(posterior, f"E[Y | R={r}]") == pytest.approx(expected, rel=1e-12)
    assert exact(posterior, "E[Y | do(X=1)]") is None
    assert exact(posterior, "E[Y | do(X=1), R > 0]") is None


def test_all_values_of_an_intervention_share_one_elimination(several):
    world = DiscreteWorld(several.spec, several.by_node)
    for text in ("E[D | do(B=0)]", "E[D | do(B=1)]", "P(D=1 | do(B=5))", "SD[D | do(B=5)]"):
        world.value(plan_term(several.spec, Query.parse(text).term))
    assert len(world._tables) == 1


def test_small_probabilities_keep_their_digits():
    posterior = discrete_posterior("X ~ bernoulli; Y ~ bernoulli(X)", 5)
    draws = posterior.by_node["Y"].coefficients
    draws[..., 0], draws[..., 1] = -45.0, 5.0
    chance = 1 / (1 + np.exp(40.0))
    assert exact(posterior, "P(Y=1 | do(X=1))") == pytest.approx(chance, rel=1e-12)
    ratio = exact(posterior, "P(X=1 | Y=1)")
    prior = probability(posterior, "X", {"X": 1.0})
    expected = prior * chance / (prior * chance + (1 - prior) / (1 + np.exp(45.0)))
    assert ratio == pytest.approx(expected, rel=1e-12)


def test_evidence_that_never_occurs_leaves_no_value():
    posterior = discrete_posterior("X ~ bernoulli; T ~ table(X, levels=[0, 1]); Y ~ bernoulli(X)", 6)
    posterior.by_node["T"].coefficients[...] = np.array([1.0, 0.0, 1.0, 0.0])
    assert np.isnan(exact(posterior, "E[Y | T=1]")).all()
    assert np.isnan(exact(posterior, "E[Y | do(X=1), T=1]")).all()
    assert np.isnan(exact(posterior, "Median[Y | T=1]")).all()
    assert np.isfinite(exact(posterior, "E[Y | T=0]")).all()


def test_what_is_too_large_is_left_to_simulation(monkeypatch):
    posterior = discrete_posterior(
        "\n".join([*(f"A{k} ~ bernoulli" for k in range(8)), "Y ~ bernoulli(A0, A1, A2, A3, A4, A5, A6, A7)"])
    )
    assert exact(posterior, "E[Y]") is not None
    monkeypatch.setattr(exact_discrete, "MOST_WORK", 450 * 6)
    assert exact(posterior, "E[Y]") is None
    # What is set has no part in the sum.
    assert exact(posterior, "E[Y | do(A0=1, A1=0, A2=1)]") is not None


def test_chunks_of_draws_give_the_same_numbers(several, monkeypatch):
    whole = exact(several, "E[D | do(A=1), E=high]")
    monkeypatch.setattr(exact_discrete, "CHUNK", 1)
    assert exact(several, "E[D | do(A=1), E=high]") == pytest.approx(whole, rel=1e-14)


@pytest.mark.parametrize("seed", range(10))
def test_elimination_equals_one_big_product(seed):
    random = np.random.default_rng(seed)
    names = [f"v{k}" for k in range(6)]
    sizes = {name: int(random.integers(2, 4)) for name in names}
    scopes = [tuple(random.permutation(names)[: random.integers(1, 4)]) for _ in range(7)]
    factors = [
        Factor(scope, random.uniform(size=(*(sizes[n] for n in scope), 1 if k == 0 else 3)))
        for k, scope in enumerate(scopes)
    ]
    kept = tuple(random.permutation(names)[:2])
    plan = plan_elimination(scopes, sizes, kept, 10**6)
    found = eliminate(factors, plan.order, kept)
    letters = dict(zip(names, "abcdef", strict=True))
    present = [name for name in kept if any(name in scope for scope in scopes)]
    parts = [np.broadcast_to(f.table, (*f.table.shape[:-1], 3)) for f in factors]
    expression = ",".join("".join(letters[n] for n in scope) + "z" for scope in scopes)
    expected = np.einsum(f"{expression}->{''.join(letters[n] for n in present)}z", *parts)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-12)
    assert plan.largest <= plan.total
    assert plan_elimination(scopes, sizes, kept, plan.largest - 1) is None


@pytest.mark.slow
def test_a_long_simulation_agrees(several):
    """Two million units of one draw of the mutilated model, within five standard errors."""
    random = np.random.default_rng(12)
    n = 2_000_000
    values: dict[str, np.ndarray] = {"A": np.ones(n)}
    for node in several.spec.graph.topological_order():
        if node == "A":
            continue
        points, parents = several.spec[node].family.points, several.spec[node].parents
        value = np.zeros(n)
        for levels in itertools.product(*(several.spec[p].family.points for p in parents)):
            rows = np.all([values[p] == level for p, level in zip(parents, levels, strict=True)], axis=0)
            known = dict(zip(parents, levels, strict=True))
            law = [probability(several, node, {**known, node: point})[2] for point in points]
            count = n if not parents else int(rows.sum())
            value[rows if parents else slice(None)] = random.choice(points, size=count, p=np.array(law) / np.sum(law))
        values[node] = value
    seen = values["C"][values["E"] == 1]
    assert exact(several, "E[C | do(A=1), E=high]")[2] == pytest.approx(
        seen.mean(), abs=5 * seen.std() / np.sqrt(len(seen))
    )
    share = (seen == 3).mean()
    error = np.sqrt(share * (1 - share) / len(seen))
    assert exact(several, "P(C=3 | do(A=1), E=high)")[2] == pytest.approx(share, abs=5 * error)


def test_what_was_not_used_for_longest_is_forgotten_beyond_the_memory_of_a_call(monkeypatch):
    monkeypatch.setattr(kept, "KEPT_BYTES", 20 * 8)
    made: list[str] = []

    def table(key: str) -> np.ndarray:
        made.append(key)
        return np.zeros(8)

    tables = kept.Kept[np.ndarray]()
    for key in ("a", "b", "a", "c", "a", "b"):
        tables.get(key, lambda key=key: table(key))
    assert made == ["a", "b", "c", "b"]
    assert len(tables) == 2
    tables.get("large", lambda: np.zeros(1000))
    assert len(tables) == 1, "what is asked for now is kept, whatever its size"
