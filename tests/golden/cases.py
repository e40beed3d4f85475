"""The cases of the golden record: each is a generator of headings and texts, by name, in `CASES`."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from forms import Part, attempt, drawn, forms, numbers

import bad_tables
import known_graphs
import latentdo as ld
import malformed
from latentdo import types
from latentdo.cli import main

Case = Callable[[Path], Iterator[Part]]
CASES: dict[str, Case] = {}

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
NAPKIN = "latent U, V ~ normal; W ~ gamma(U, V); R ~ normal(W); X ~ bernoulli(R, U); Y ~ normal(X, V)"
TABLE = "A ~ table; B ~ table(A); C ~ categorical(levels=[low, mid, high], A, B); D ~ bernoulli(C, B); E ~ table(C, D)"
MIXED = (
    "latent U ~ normal; C ~ categorical(levels=[a, b, c]); G ~ gamma(C, U); H ~ hill(+G, C, max=100); "
    "T ~ student(G, C:G, H); B ~ bernoulli(T, U); Y ~ normal(B, C, H, sd=2)"
)
BOW = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)"


def case(name: str) -> Callable[[Case], Case]:
    """Registers a case under its name."""

    def registered(make: Case) -> Case:
        CASES[name] = make
        return make

    return registered


def under(heading: str, parts: Iterator[Part]) -> Iterator[Part]:
    """The parts, each heading preceded by another."""
    return ((f"{heading} | {name}", text) for name, text in parts)


def shown(heading: str, make: Callable[[], Any]) -> Iterator[Part]:
    """The forms of what a call gives, or its error."""
    try:
        value = make()
    # The error is the record.
    except Exception:  # noqa: BLE001
        yield heading, attempt(make)
        return
    yield from under(heading, forms(value))


# --- rows


def front_door_rows(n: int = 150) -> dict[str, np.ndarray]:
    """Rows of the front door, all normal."""
    random = np.random.default_rng(5)
    u = random.normal(size=n)
    x = u + random.normal(size=n)
    m = 0.8 * x + random.normal(size=n)
    return {"X": x, "M": m, "Y": 0.9 * m + u + random.normal(size=n)}


def napkin_rows(n: int = 100) -> dict[str, np.ndarray]:
    """Rows of the napkin with a gamma, two normal and a binary node."""
    random = np.random.default_rng(5)
    u, v = random.normal(size=n), random.normal(1.0, 1.0, n)
    w = random.gamma(6.0, np.exp(0.2 + 0.4 * u + 0.5 * v) / 6.0)
    r = 0.5 + 0.8 * w + random.normal(0.0, 0.7, n)
    x = (random.uniform(size=n) < 1.0 / (1.0 + np.exp(1.7 - r - 1.2 * u))).astype(float)
    return {"W": w, "R": r, "X": x, "Y": 0.2 + 1.5 * x + 1.5 * v + random.normal(size=n)}


def table_rows(n: int = 200) -> dict[str, Any]:
    """Rows of the discrete model."""
    random = np.random.default_rng(7)
    a = random.integers(0, 2, n)
    b = np.where(random.uniform(size=n) < 0.3 + 0.4 * a, 1, 0)
    c = np.minimum(2, random.poisson(0.5 + 0.5 * a + 0.5 * b))
    d = (random.uniform(size=n) < 0.2 + 0.2 * c + 0.1 * b).astype(int)
    e = (random.uniform(size=n) < 0.3 + 0.1 * c + 0.2 * d).astype(int) * 2
    return {"A": a, "B": b, "C": np.array(["low", "mid", "high"])[c], "D": d, "E": e}


def mixed_rows(n: int = 80) -> dict[str, Any]:
    """Rows of the mixed model."""
    random = np.random.default_rng(11)
    u, c = random.normal(size=n), random.integers(0, 3, n)
    g = random.gamma(4.0, np.exp(0.4 * c + 0.3 * u) / 4.0)
    h = 100 / (1 + np.exp(-0.8 * g + 1.5 - 0.3 * c)) + random.normal(0, 5, n)
    t = 1 + 0.5 * g - 0.2 * c + 0.02 * h + random.standard_t(4, n)
    b = (random.uniform(size=n) < 1 / (1 + np.exp(2 - 0.8 * t - 0.5 * u))).astype(int)
    y = 1 + 2 * b + 0.5 * c + 0.03 * h + random.normal(0, 2, n)
    return {"C": np.array(["a", "b", "c"])[c], "G": g, "H": h, "T": t, "B": b, "Y": y}


def bow_rows() -> dict[str, np.ndarray]:
    """Rows of the bow."""
    rows = front_door_rows(60)
    return {"X": rows["X"], "Y": rows["Y"]}


STUDY = """\
model: |
  latent U ~ normal
  X ~ normal(U)
  M ~ normal(X)
  Y ~ normal(M, U)
data: rows.csv
units: {Y: mmHg, M: mg}
priors:
  "X -> M": normal(0, 2)
  sd(Y): halfnormal(3)
inference: {engine: nuts, draws: 200, warmup: 200, chains: 4}
queries:
  effect: E[Y | do(X=1)] - E[Y | do(X=0)]
  high: P(Y > 1 | do(X=1))
  curve: "E[Y | do(X)] for X in 0..2 by 1"
variants:
  split: {split: {U: [U1, U2]}}
  no cause: {drop: [U]}
compare: [plug-in, aipw]
"""


def fit_of(name: str, fits: Path) -> ld.Posterior:
    """A saved fit, trained where its file is missing."""
    path = fits / f"{name}.ldo"
    if not path.exists():
        model, rows = {
            "front": (FRONT_DOOR, front_door_rows),
            "napkin": (NAPKIN, napkin_rows),
            "table": (TABLE, table_rows),
            "mixed": (MIXED, mixed_rows),
            "bow": (BOW, bow_rows),
        }[name]
        engine = ld.Nuts(draws=200, warmup=300, chains=4)
        posterior = ld.fit(ld.model(model), rows(), engine, seed=0, progress=False)
        # A table with levels that are names is kept by the fits of some versions in a way that they cannot read.
        posterior.save(path, data=name not in ("table", "mixed"))
    return ld.load(path)


# --- graphs and verdicts


def _verdict(text: str, question: str) -> Iterator[Part]:
    verdict = ld.identify(ld.graph(text), question)
    yield from forms(verdict)
    yield from shown("forms", lambda: verdict.forms)
    if isinstance(verdict, ld.NotIdentified):
        yield "hedge and reason", f"{[sorted(part) for part in verdict.hedge]}\n{verdict.reason}"
        yield from shown("remedies", lambda: verdict.remedies(seconds=120.0))
        yield from shown("witness", verdict.witness)
        return
    yield from under("estimand", forms(verdict.estimand))
    yield from under("derivation", forms(verdict.derivation))
    yield "derivation check", f"{verdict.derivation.check()} {[s.rule for s in verdict.derivation.steps]}"
    yield (
        "sets",
        attempt(
            lambda: [
                [sorted(s) for s in verdict.forms.adjustment_sets(5)],
                [sorted(s) for s in verdict.forms.front_door_sets(5)],
            ]
        ),
    )
    yield from shown("measurements", verdict.measurements)


def _register_verdicts() -> None:
    for known in known_graphs.ALL:
        name = "verdict " + known.name.replace("'", "").replace(",", "")
        CASES[name] = lambda _, k=known: _verdict(k.text, k.question)


_register_verdicts()


@case("graphs")
def _graphs(_: Path) -> Iterator[Part]:
    texts = {known.text for known in known_graphs.ALL} | {"U =~ X + Y; A ~~ B; A -| X; X <-> Y [latents=2]"}
    for text in sorted(texts):
        graph = ld.graph(text)
        yield from under(text, forms(graph))
        yield from under(f"{text} | projection", forms(graph.projection))
        yield from under(f"{text} | explicit", forms(graph.explicit()))
        yield from under(f"{text} | same as itself", forms(ld.same_admg(text, graph)))
    yield from under("not the same", forms(ld.same_admg(known_graphs.NAPKIN, known_graphs.VERMA)))
    pairs = ld.graph(directed=[("X", "Y"), ("M", "Y")], bidirected=[("X", "M")], latent=["Q"], nodes=["Q"])
    yield from under("pairs", forms(pairs))
    for text in ("dag { X -> Y\n U [latent]\n U -> X\n U -> Y }", 'dag { "a b" -> Y; Y <-> Z }'):
        yield from shown(text, lambda text=text: ld.graph(text))


@case("answerable")
def _answerable(_: Path) -> Iterator[Part]:
    for text in (known_graphs.NAPKIN, known_graphs.FRONT_DOOR, known_graphs.VERMA, TABLE):
        yield from under(text, forms(ld.answerable(text)))
    some = ld.answerable(known_graphs.NAPKIN, ["X", ("R", "X")], ["Y"])
    yield from under("some", forms(some))
    for pair in some.pairs:
        yield from under(f"pair {pair}", forms(pair))
    yield from under("functional", forms(ld.answerable("X -> M -> Y; X <-> M; X <-> Y", functional=["M"])))


def _mechanisms(text: str) -> str:
    graph = ld.graph(text)
    lines = [f"{node} ~ normal({', '.join(graph.parents(node))})".replace("()", "") for node in graph.measured]
    arcs = [part.strip() for part in text.split(";") if "<->" in part]
    return "; ".join([*lines, *arcs])


# --- models, studies, tables


@case("models")
def _models(_: Path) -> Iterator[Part]:
    for text in (
        FRONT_DOOR,
        NAPKIN,
        TABLE.replace("E ~ table(C, D)", "E ~ table(C, D, levels=[0, 2])"),
        MIXED,
        _mechanisms(known_graphs.NAPKIN),
    ):
        spec = ld.model(text)
        yield from under(text, forms(spec))
        yield f"{text} | source", attempt(lambda spec=spec: spec.source)
        yield f"{text} | do", attempt(lambda spec=spec: str(spec.do({spec.measured[0]: 1.0})))
        for node, mechanism in spec.mechanisms:
            yield f"{text} | {node}", f"{mechanism!r}\n{mechanism.text()}\n{attempt(lambda m=mechanism: str(m.family))}"
        yield from under(f"{text} | check", _report(ld.check(spec)))


def _report(report: types.Report) -> Iterator[Part]:
    yield from forms(report)


@case("studies")
def _studies(_: Path) -> Iterator[Part]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(STUDY, encoding="utf-8")
        (Path(folder) / "rows.csv").write_text(csv_of(front_door_rows()), encoding="utf-8")
        study = ld.load_study(path)
        yield "study", attempt(lambda: f"{study.model}\n{study.queries}\n{study.units}\n{study.compare}")
        yield from under("check", forms(ld.check(study)))
        yield from under("prior", forms(ld.check(study, prior=True, seed=3)))
        yield from under("prior check", forms(ld.check(study, prior=True, seed=3).prior))
        yield "variant", attempt(lambda: str(study.variant("split").model))
        for verdict in ("effect", "high"):
            yield f"verdict {verdict}", attempt(lambda verdict=verdict: str(ld.identify(study, verdict)))


@case("checks")
def _checks(_: Path) -> Iterator[Part]:
    for text, rows in ((NAPKIN, napkin_rows()), (TABLE, table_rows()), (MIXED, mixed_rows())):
        yield from under(text, forms(ld.check(text, rows)))
        yield from under(f"{text} | prior", forms(ld.check(text, rows, prior=True).prior))
    for odd in bad_tables.ODD:
        yield from shown(odd.what, lambda odd=odd: ld.check(odd.model, odd.rows))


@case("tables")
def _tables(_: Path) -> Iterator[Part]:
    for name in ("napkin", "multicause", "covid", "signaling"):
        table = ld.simulate(name, 5, seed=1)
        yield from under(name, forms(table))
    yield from under("held", forms(ld.simulate("napkin", 5, seed=1, do={"X": 1}, latents=True)))
    with tempfile.TemporaryDirectory() as folder:
        path = table.write(Path(folder) / "cells.csv")
        yield "written", path.read_text("utf-8")


def csv_of(rows: dict[str, Any]) -> str:
    """Rows as CSV."""
    lines = [
        ",".join(rows),
        *(",".join(map(str, row)) for row in zip(*(list(column) for column in rows.values()), strict=True)),
    ]
    return "\n".join(lines) + "\n"


# --- fits


def _fit(name: str, fits: Path) -> Iterator[Part]:
    posterior = fit_of(name, fits)
    yield from forms(posterior, plots=())
    yield (
        "facts",
        attempt(
            lambda: f"{posterior.converged} {posterior.doubt!r} {posterior.shape} {posterior.engine}\n{posterior.plan}"
        ),
    )
    yield "warnings", "\n".join(posterior.warnings)
    yield "diagnostics", "\n".join(map(str, posterior.diagnostics))
    yield "parameters", "\n".join(f"{label} {numbers(draws)}" for label, draws in posterior.parameters)
    yield "parameter diagnostics", "\n".join(map(str, posterior.parameter_diagnostics))
    yield "labels", "\n".join(map(str, posterior.parameter_labels))
    for node, draws in posterior.by_node.items():
        yield f"draws of {node}", numbers(draws.coefficients)
    yield from under("prior check", forms(posterior.prior_check(seed=2)))
    yield "arviz", attempt(lambda: _tree(posterior.to_arviz()))
    yield (
        "units",
        attempt(lambda: posterior.with_units({"Y": "mmHg"}).summary() if "Y" in posterior.spec.measured else "no Y"),
    )
    with tempfile.TemporaryDirectory() as folder:
        again = ld.load(posterior.save(Path(folder) / "again.ldo"))
        yield "saved again", attempt(lambda: str(str(again) == str(posterior)))


def _tree(tree: Any) -> str:
    found = []
    for group in tree.groups:
        data = tree[group].to_dataset()
        found.append(f"{group} dims {dict(data.sizes)} attributes {sorted(data.attrs)}")
        for name in data.data_vars:
            values = np.asarray(data[name])
            found.append(
                f"  {name} {data[name].dims} {numbers(values) if values.dtype.kind in 'fiub' else values.shape}"
            )
        found += [
            f"  {name}: {[str(value) for value in np.asarray(data[name]).reshape(-1)[:30]]}" for name in data.coords
        ]
    return "\n".join(found)


for _name in ("front", "napkin", "table", "mixed", "bow"):
    CASES[f"fit {_name}"] = lambda fits, name=_name: _fit(name, fits)


@case("trained front door")
def _trained(_: Path) -> Iterator[Part]:
    posterior = ld.fit(
        FRONT_DOOR, front_door_rows(60), ld.Nuts(draws=150, warmup=200, chains=4), seed=0, progress=False
    )
    yield "parameters", "\n".join(f"{label} {numbers(draws, 6)}" for label, draws in posterior.parameters)
    yield "plan", posterior.plan
    answer = ld.ask(posterior, "E[Y | do(X=1)]", seed=0)
    yield "answer", f"{answer.mean:.6g} {answer.sd:.6g}"


@case("trained laplace")
def _trained_laplace(_: Path) -> Iterator[Part]:
    for engine in (ld.Laplace(draws=100), ld.Map(), ld.Svi(steps=300, draws=100)):
        posterior = ld.fit(
            "X ~ gamma; B ~ bernoulli(X); Y ~ normal(X, B)", _small_rows(), engine, seed=0, progress=False
        )
        yield (
            f"{engine} | parameters",
            "\n".join(f"{label} {numbers(draws, 6)}" for label, draws in posterior.parameters),
        )
        yield f"{engine} | plan", posterior.plan
        yield f"{engine} | summary", posterior.summary()


def _small_rows() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    x = random.gamma(3.0, 1.0, 60)
    b = (random.uniform(size=60) < 1 / (1 + np.exp(2 - x))).astype(float)
    return {"X": x, "B": b, "Y": x + b + random.normal(size=60)}


# --- questions

QUESTIONS = {
    "front": (
        "E[Y | do(X=1)]",
        "E[Y | do(X=1)] - E[Y | do(X=0)]",
        "P(Y > 1 | do(X=1))",
        "P(Y > 1, Y < 2 | do(X=1))",
        "Quantile[Y, 0.9 | do(X=1)]",
        "Median[Y | do(X=1)] - Median[Y | do(X=0)]",
        "SD[Y | do(X=1)]",
        "Var[Y | do(X=1)] / Var[Y | do(X=0)]",
        "density(Y | do(X=1)) for Y in -3..5 by 1",
        "odds(Y > 1 | do(X=1)) / odds(Y > 1 | do(X=0))",
        "E[Y | do(X=1), M=0.5]",
        "E[Y | do(M=1), X > 0]",
        "E[Y | do(X ~ normal(1, 0.5))]",
        "E[Y | do(M)] for M in 0..2 by 0.5",
        "E[Y | do(X, M)] for X in 0..1 by 1, M in [0, 2]",
        "E[Y]",
        "P(Y > 1, M > 0 | do(X=1))",
        "1 - P(Y > 1 | do(X=1)) * 2",
        "E[X | do(Y=1)]",
        "E[Y | X=1]",
    ),
    "napkin": (
        "E[Y | do(X=1)] - E[Y | do(X=0)]",
        "E[Y | do(X)] for X in [0, 1]",
        "P(Y > 3 | do(X=1))",
        "P(X=1 | do(R=2))",
        "odds(X=1 | do(R=3)) / odds(X=1 | do(R=2))",
        "Quantile[Y, 0.1 | do(X=1)]",
        "density(Y | do(X=1)) for Y in 0..6 by 2",
        "E[R | do(W=4)]",
        "E[W]",
        "SD[W]",
        "Quantile[W, 0.5]",
        "P(X | do(R=2))",
    ),
    "table": (
        "P(E=2 | do(D=1))",
        "P(E | do(D=1))",
        "P(C=high | do(A=1)) - P(C=high | do(A=0))",
        "E[E | do(C=high)]",
        "P(D=1 | do(B=1), A=0)",
        "P(E=2, D=1 | do(B=1))",
        "odds(D=1 | do(C=low))",
        "P(E=2 | do(C)) for C in [low, mid, high]",
        "Quantile[E, 0.5 | do(D=1)]",
        "P(E=2 | do(D ~ bernoulli(0.3)))",
        "P(C | D=1)",
    ),
    "mixed": (
        "E[Y | do(B=1)] - E[Y | do(B=0)]",
        "E[H | do(G=3)]",
        "E[T | do(C=a)] - E[T | do(C=b)]",
        "E[Y | do(G=3)]",
        "E[Y | do(H=150)]",
        "P(B=1 | do(T=3))",
        "Quantile[G, 0.9 | do(C=c)]",
        "E[Y | do(C=a), B=1]",
        "P(C=a | H > 60)",
        "E[Y | do(T ~ normal(2, 1))]",
        "E[G | do(C)] for C in [a, b, c]",
        "SD[T | do(G=2)]",
    ),
    "bow": ("E[Y]", "P(X > 0)", "E[Y | X=1]", "E[X | do(Y=1)]"),
}
REFUSED = {
    "bow": ("E[Y | do(X=1)]", "E[Y | do(X=1)] - E[Y | do(X=0)]", "E[Y | do(X)] for X in [0, 1]"),
}


def _ask(name: str, fits: Path) -> Iterator[Part]:
    posterior = fit_of(name, fits)
    for question in QUESTIONS[name]:
        yield from shown(question, lambda question=question: ld.ask(posterior, question, seed=0))
    yield from shown("all", lambda: ld.ask(posterior, *QUESTIONS[name][:3], seed=0))


for _name in QUESTIONS:
    CASES[f"ask {_name}"] = lambda fits, name=_name: _ask(name, fits)


@case("ask otherwise")
def _ask_otherwise(fits: Path) -> Iterator[Part]:
    front, bow = fit_of("front", fits), fit_of("bow", fits)
    for question in REFUSED["bow"]:
        yield from shown(question, lambda question=question: ld.ask(bow, question))
        yield from shown(
            f"{question} | allowed", lambda question=question: ld.ask(bow, question, allow_unidentified=True)
        )
    for question in ("E[Y | do(X=1)] - E[Y | do(X=0)]", "P(Y > 1 | do(M=1))", "E[Y | do(X)] for X in [0, 1, 2]"):
        yield from shown(f"{question} | naive", lambda question=question: ld.ask(front, question, naive=True))
    named = front.with_units({"Y": "mmHg", "X": "mg"})
    yield from shown(
        "units", lambda: ld.ask(named, "E[Y | do(X=1)]", "P(Y > 1 | do(X=0))", "E[Y | do(X=1)] / E[M | do(X=1)]")
    )
    curve = ld.ask(named, "E[Y | do(X)] for X in -1..2 by 0.5")
    yield "band", attempt(lambda: [numbers(side) for side in curve.band(0.8, simultaneous=True)])
    answer = ld.ask(front, "E[Y | do(X=1)]")
    yield (
        "levels",
        f"{answer.text(0.5)}\n{answer.latex(0.5)}\n{answer.methods(0.5)}\n{answer.interval(0.5)}\n{answer.summary(0.5)}",
    )
    yield "another seed", str(ld.ask(front, "P(Y > 1 | do(X=1))", seed=7).to_json())
    yield "draws", numbers(answer.draws)


@case("effects")
def _effects(fits: Path) -> Iterator[Part]:
    for name in ("front", "napkin", "table", "mixed"):
        posterior = fit_of(name, fits)
        yield from shown(name, lambda p=posterior: ld.ask(p, ld.answerable(p)))
    front = fit_of("front", fits)
    found = ld.ask(front, types.Effects(["X", "M"], ["Y"], levels={"X": (0, 2)}))
    yield from under("levels", forms(found))
    for effect in found.effects:
        yield from under(f"effect {effect.text()}", forms(effect))


@case("compare")
def _compare(fits: Path) -> Iterator[Part]:
    front, table, napkin = (fit_of(name, fits) for name in ("front", "table", "napkin"))
    effect = "E[Y | do(X=1)] - E[Y | do(X=0)]"
    yield from shown("front", lambda: ld.compare(front, effect, replicates=10, seed=0))
    asked = ("P(E=2 | do(D=1))", "P(D=1 | do(B=1))")
    yield from shown("table", lambda: ld.compare(table, table_rows(), *asked, replicates=10))
    yield from shown(
        "napkin", lambda: ld.compare(napkin, effect, replicates=5, methods=["plug-in", "apipw", "naive mean"])
    )
    back = "Z -> X -> Y; Z -> Y"
    random = np.random.default_rng(2)
    z = random.normal(size=120)
    x = (z + random.normal(size=120) > 0).astype(float)
    rows = {"Z": z, "X": x, "Y": x + z + random.normal(size=120)}
    yield from shown("rivals", lambda: ld.compare(back, rows, effect, replicates=10))
    yield from shown("adjust all", lambda: ld.compare(back, rows, effect, replicates=0, adjust="all", methods=["aipw"]))
    yield from shown(
        "not identified", lambda: ld.compare(fit_of("bow", fits), effect, replicates=5, allow_unidentified=True)
    )
    found = ld.compare(front, effect, replicates=5, methods=["plug-in"])
    for row in found:
        yield from under(f"row {row.method}", forms(row))


@case("plots")
def _plots(fits: Path) -> Iterator[Part]:
    front, table = fit_of("front", fits), fit_of("table", fits)
    several = ld.ask(front, "E[Y | do(X=0)]", "E[Y | do(X=1)]", "P(Y > 1 | do(X=1))")
    curve = ld.ask(front, "E[Y | do(X)] for X in -1..2 by 1")
    grid = ld.ask(front, "E[Y | do(X, M)] for X in 0..2 by 1, M in 0..2 by 1")
    law = ld.ask(table, "P(E | do(D=1))")
    for name, value in (("several", several), ("curve", curve), ("grid", grid), ("law", law), ("one", several[0])):
        yield name, attempt(lambda value=value: drawn(value.plot))
        yield f"{name}, level", attempt(lambda value=value: drawn(lambda: value.plot(level=0.5)))


# --- errors


def _error_texts(kind: str, count: int) -> Iterator[Part]:
    doors: dict[str, Callable[[str], Any]] = {
        "graph": ld.graph,
        "model": ld.model,
        "query": lambda text: ld.identify(known_graphs.NAPKIN, text),
        "dagitty": ld.graph,
        "study": _study_text,
    }
    for text in malformed.texts(kind, count, seed=15):
        yield repr(text), attempt(lambda text=text: str(doors[kind](text))[:300])


def _study_text(text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return str(ld.load_study(path).model)


for _kind in malformed.KINDS:
    CASES[f"errors {_kind}"] = lambda _, kind=_kind: _error_texts(kind, 60)


@case("errors files")
def _error_files(_: Path) -> Iterator[Part]:
    with tempfile.TemporaryDirectory() as folder:
        for bad in bad_tables.FILES:
            path = Path(folder) / bad.name
            path.write_bytes(bad.content)
            yield bad.what, attempt(lambda path=path, bad=bad: str(ld.check(bad.model, path)))
    for bad in bad_tables.TABLES:
        yield bad.what, attempt(lambda bad=bad: str(ld.check(bad_tables.MODEL, bad.make())))


@case("errors calls")
def _error_calls(fits: Path) -> Iterator[Part]:
    front, table, mixed = (fit_of(name, fits) for name in ("front", "table", "mixed"))
    rows = front_door_rows(20)
    calls: dict[str, Callable[[], Any]] = {
        "ask nothing": lambda: ld.ask(front),
        "ask a number": lambda: ld.ask(front, 3),
        "ask of text": lambda: ld.ask("front", "E[Y]"),
        "ask unknown node": lambda: ld.ask(front, "E[Q | do(X=1)]"),
        "ask latent": lambda: ld.ask(front, "E[Y | do(U=1)]"),
        "ask latent outcome": lambda: ld.ask(front, "E[U | do(X=1)]"),
        "ask open": lambda: ld.ask(front, "E[Y | do(X)]"),
        "ask law of continuous": lambda: ld.ask(front, "P(Y | do(X=1))"),
        "ask point of continuous": lambda: ld.ask(front, "P(Y=1 | do(X=1))"),
        "ask both": lambda: ld.ask(front, "E[Y | do(X=1), X=1]"),
        "ask unknown level": lambda: ld.ask(table, "P(C=huge | do(A=1))"),
        "ask mean of names": lambda: ld.ask(table, "E[C | do(A=1)]"),
        "ask half": lambda: ld.ask(mixed, "E[Y | do(B=0.5)]"),
        "ask negative gamma": lambda: ld.ask(mixed, "E[Y | do(G=-1)]"),
        "ask seed": lambda: ld.ask(front, "E[Y]", seed=-1),
        "ask seed text": lambda: ld.ask(front, "E[Y]", seed="a"),
        "ask flag": lambda: ld.ask(front, "E[Y]", naive=1),
        "ask policy": lambda: ld.ask(front, "E[Y | do(X = X + 1)]"),
        "ask rare": lambda: ld.ask(front, "E[Y | do(X=1), M > 1000]"),
        "ask drawn off support": lambda: ld.ask(mixed, "E[Y | do(G ~ normal(0, 1))]"),
        "ask law args": lambda: ld.ask(front, "E[Y | do(X ~ normal(0, -1))]"),
        "ask law name": lambda: ld.ask(front, "E[Y | do(X ~ cauchy(0, 1))]"),
        "ask uniform": lambda: ld.ask(front, "E[Y | do(X ~ uniform(2, 1))]"),
        "interval": lambda: ld.ask(front, "E[Y]").interval(2),
        "effects unknown": lambda: ld.ask(front, types.Effects(["Q"], ["Y"])),
        "units": lambda: front.with_units({"Q": "mm"}),
        "units latent": lambda: front.with_units({"U": "mm"}),
        "units text": lambda: front.with_units("mm"),
        "save": lambda: front.save(3),
        "load": lambda: ld.load("nowhere.ldo"),
        "load text": lambda: ld.load("nothing"),
        "fit nothing": lambda: ld.fit(FRONT_DOOR),
        "fit engine": lambda: ld.fit(FRONT_DOOR, rows, "nuts"),
        "fit seed": lambda: ld.fit(FRONT_DOOR, rows, seed=1.5),
        "fit start": lambda: ld.fit(FRONT_DOOR, rows, start=3),
        "fit graph": lambda: ld.fit(ld.graph("X -> Y"), rows),
        "fit lacking": lambda: ld.fit(FRONT_DOOR, {"X": rows["X"], "Y": rows["Y"]}),
        "nuts draws": lambda: ld.Nuts(draws=0),
        "nuts chains": lambda: ld.Nuts(chains=1),
        "nuts text": lambda: ld.Nuts(draws="many"),
        "svi steps": lambda: ld.Svi(steps=0),
        "svi guide": lambda: ld.Svi(guide="bad"),
        "svi rate": lambda: ld.Svi(learning_rate=-1.0),
        "laplace draws": lambda: ld.Laplace(draws=0.5),
        "auto steps": lambda: ld.Auto(max_steps=1),
        "graph number": lambda: ld.graph(3),
        "graph both": lambda: ld.graph("X -> Y", directed=[("X", "Y")]),
        "graph pairs": lambda: ld.graph(directed=["XYZ"]),
        "graph cycle": lambda: ld.graph("X -> Y -> Z -> X"),
        "graph loop": lambda: ld.graph("X -> X"),
        "identify graph": lambda: ld.identify(3, "P(Y)"),
        "identify query": lambda: ld.identify("X -> Y", 3),
        "identify functional": lambda: ld.identify("X -> Y", "P(Y | do(X))", functional=["Q"]),
        "answerable": lambda: ld.answerable("X -> Y", ["Q"]),
        "model number": lambda: ld.model(3),
        "model family": lambda: ld.model("X ~ norml"),
        "model lognormal": lambda: ld.model("X ~ lognormal"),
        "model option": lambda: ld.model("X ~ normal(shape=2)"),
        "model no mechanism": lambda: ld.model("X ~ normal; Y ~ normal(X, Z)"),
        "model table parent": lambda: ld.model("X ~ normal; Y ~ table(X)"),
        "model latent table": lambda: ld.model("latent U ~ table; Y ~ normal(U)"),
        "model sign": lambda: ld.model("X ~ normal; Z ~ normal; Y ~ normal(+X, X:Z)"),
        "model max": lambda: ld.model("X ~ hill(max=-1)"),
        "model prior": lambda: ld.model("X ~ normal(sd=gamma(0, 1))"),
        "model prior off": lambda: ld.model("X ~ normal(sd=-1)"),
        "model levels": lambda: ld.model("X ~ categorical(levels=[a])"),
        "model twice": lambda: ld.model("X ~ normal; X ~ gamma"),
        "compare nothing": lambda: ld.compare(front),
        "compare method": lambda: ld.compare(front, "E[Y | do(X=1)]", methods=["best"]),
        "compare level": lambda: ld.compare(front, "E[Y | do(X=1)]", level=1.5),
        "compare folds": lambda: ld.compare(front, "E[Y | do(X=1)]", folds=1),
        "compare rows": lambda: ld.compare(front, "E[Y | do(X=1)]", data=front_door_rows(9)),
        "compare adjust": lambda: ld.compare("Z -> X -> Y; Z -> Y", rows, "E[Y | do(X=1)]", adjust=["Y"]),
        "simulate": lambda: ld.simulate("nothing", 5),
        "simulate rows": lambda: ld.simulate("napkin", -1),
        "simulate do": lambda: ld.simulate("napkin", 5, do={"Q": 1}),
        "simulate off support": lambda: ld.simulate("napkin", 5, do={"X": 0.5}),
        "study": lambda: ld.load_study("nothing.yaml"),
        "sample size": lambda: ld.sample_size(FRONT_DOOR, "E[Y | do(X=1)]", width=-1),
    }
    for name, call in calls.items():
        yield name, attempt(lambda call=call: repr(call())[:300])


# --- the command line

COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    **{
        f"help {verb}": (verb, "--help")
        for verb in ("identify", "answerable", "fit", "ask", "compare", "check", "simulate")
    },
    "nothing": (),
    "version": ("--version",),
    "unknown": ("identfy", "X -> Y"),
    "identify": ("identify", known_graphs.NAPKIN, "P(Y | do(X))"),
    "identify json": ("identify", known_graphs.NAPKIN, "P(Y | do(X))", "--json"),
    "identify proof": ("identify", known_graphs.FRONT_DOOR, "P(Y | do(X))", "--proof"),
    "identify forms": ("identify", known_graphs.BACK_DOOR, "P(Y | do(X))", "--forms"),
    "identify remedies": ("identify", known_graphs.BOW, "P(Y | do(X))", "--remedies"),
    "identify witness": ("identify", known_graphs.BOW, "P(Y | do(X))", "--witness"),
    "identify no": ("identify", known_graphs.BOW, "P(Y | do(X))"),
    "identify no json": ("identify", known_graphs.BOW, "P(Y | do(X))", "--json"),
    "identify slip": ("identify", "X -> -> Y", "P(Y | do(X))"),
    "identify slip json": ("identify", "X -> -> Y", "P(Y | do(X))", "--json"),
    "identify cycle": ("identify", "X -> Y -> X", "P(Y | do(X))"),
    "identify unknown": ("identify", known_graphs.NAPKIN, "P(Q | do(X))"),
    "identify option": ("identify", known_graphs.NAPKIN, "P(Y | do(X))", "--prooof"),
    "identify study": ("identify", "study.yaml"),
    "identify study json": ("identify", "study.yaml", "--json"),
    "identify implications": ("identify", known_graphs.NAPKIN, "P(Y | do(X))", "--implications"),
    "identify measure": ("identify", known_graphs.FRONT_DOOR, "P(Y | do(X))", "--measurements"),
    "answerable": ("answerable", known_graphs.NAPKIN),
    "answerable json": ("answerable", known_graphs.NAPKIN, "--json"),
    "answerable out": ("answerable", known_graphs.NAPKIN, "-o", "table.csv"),
    "check": ("check", "study.yaml"),
    "check data": ("check", "study.yaml", "rows.csv"),
    "check json": ("check", "study.yaml", "rows.csv", "--json"),
    "check prior": ("check", "study.yaml", "rows.csv", "--prior"),
    "check lost": ("check", "lost.yaml"),
    "ask": ("ask", "front.ldo", "E[Y | do(X=1)]"),
    "ask json": ("ask", "front.ldo", "E[Y | do(X=1)]", "--json"),
    "ask two": ("ask", "front.ldo", "E[Y | do(X=1)]", "P(Y > 1 | do(X=1))", "--level", "0.5"),
    "ask methods": ("ask", "front.ldo", "E[Y | do(X=1)]", "--methods"),
    "ask latex": ("ask", "front.ldo", "E[Y | do(X=1)]", "--latex"),
    "ask effects": ("ask", "front.ldo", "--effects"),
    "ask nothing": ("ask", "front.ldo"),
    "ask refused": ("ask", "bow.ldo", "E[Y | do(X=1)]"),
    "ask refused json": ("ask", "bow.ldo", "E[Y | do(X=1)]", "--json"),
    "ask allowed": ("ask", "bow.ldo", "E[Y | do(X=1)]", "--allow-unidentified"),
    "ask out": ("ask", "front.ldo", "E[Y | do(X)] for X in 0..2 by 1", "--csv", "answers.csv"),
    "ask lost": ("ask", "lost.ldo", "E[Y]"),
    "ask no fit": ("ask", "rows.csv", "E[Y]"),
    "ask level": ("ask", "front.ldo", "E[Y]", "--level", "2"),
    "compare": ("compare", "front.ldo", "E[Y | do(X=1)] - E[Y | do(X=0)]", "--replicates", "5", "--methods", "plug-in"),
    "compare json": ("compare", "front.ldo", "E[Y | do(X=1)]", "--replicates", "5", "--methods", "plug-in", "--json"),
    "compare graph": ("compare", "Z -> X -> Y; Z -> Y", "back.csv", "E[Y | do(X=1)]", "--replicates", "5"),
    "fit": ("fit", "study.yaml", "rows.csv", "-o", "out.ldo", "--engine", "map"),
    "fit json": ("fit", "study.yaml", "rows.csv", "-o", "out2.ldo", "--engine", "map", "--json"),
    "fit engine": ("fit", "study.yaml", "rows.csv", "--engine", "best"),
    "fit draws": ("fit", "study.yaml", "rows.csv", "--draws", "-3"),
    "fit bad table": ("fit", "study.yaml", "bad.csv"),
    "fit bad json": ("fit", "study.yaml", "bad.csv", "--json"),
    "simulate": ("simulate", "napkin", "-n", "5"),
    "simulate json": ("simulate", "napkin", "-n", "5", "--json"),
    "simulate do": ("simulate", "napkin", "-n", "5", "--do", "X=1", "-o", "cells.csv"),
    "simulate unknown": ("simulate", "nothing", "-n", "5"),
    "simulate rows": ("simulate", "napkin", "-n", "-5"),
}


@case("commands")
def _commands(fits: Path) -> Iterator[Part]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            Path("study.yaml").write_text(STUDY, encoding="utf-8")
            Path("rows.csv").write_text(csv_of(front_door_rows()), encoding="utf-8")
            Path("back.csv").write_text(csv_of({"Z": front_door_rows()["X"], **front_door_rows()}), encoding="utf-8")
            Path("bad.csv").write_text("X,M,Y\n1,2,3\n1,,2\n", encoding="utf-8")
            for name in ("front", "bow"):
                fit_of(name, fits)
                Path(f"{name}.ldo").write_bytes((fits / f"{name}.ldo").read_bytes())
            for name, arguments in COMMANDS.items():
                yield f"{name} | latentdo {' '.join(arguments)}", _command(arguments)
            for path in sorted(Path().glob("*.csv")):
                if path.name in ("table.csv", "answers.csv", "cells.csv"):
                    yield f"file {path.name}", path.read_text("utf-8-sig")
        finally:
            os.chdir(before)


def _command(arguments: tuple[str, ...]) -> str:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(b""))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("error")
            code = main(list(arguments))
    finally:
        sys.stdin = stdin
    printed = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return f"exit {code}\n--- stdout\n{printed[0]}\n--- stderr\n{printed[1]}"
