"""How often the check of a fit errs on right models, and what it sees on wrong ones.

Run `python bench/fit_checks.py --tables 30`; `--cells "threshold mediator"` picks some. Each table is trained and checked
with one question; the words are counted, and how often a layer rejects after Holm's correction at 5 %. Where the true answer
is known a second line sets the words beside it: an answer is hurt if it is off by more than the tolerance, max(|answer| / 4,
0.1 sd of the outcome), and its 90 % interval leaves out the truth. Wrong reassurance is a hurt answer that is told to stand.

What was measured stands in `docs/explanation/trust.md`: `--summary results/fit_checks.json`, then `python -m results`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from cases import CASES
from scipy.special import ndtr

import latentdo as ld
from latentdo.criticism import Word

Random = np.random.Generator
Columns = dict[str, Any]
FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
PAST = "latent U ~ normal; W ~ normal; X ~ normal(W, U); M ~ normal(X); Y ~ normal(M, U)"
CHAIN = "A ~ normal; B ~ normal(A); C ~ normal(B); Y ~ normal(C)"
BACK_DOOR = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"
CONTRAST = "E[Y | do(X=1)] - E[Y | do(X=0)]"
WIDE = "E[Y | do(X=2)] - E[Y | do(X=0)]"
STEPS = (1.0, 1.8, 2.6, 3.4)
SIZES = (100, 300, 1000)
ROWS = 500


def front_door(
    mediator: Callable[[Any, Random], Any] = lambda x, r: x + r.normal(size=len(x)),
    outcome: Callable[[Any, Any, Any, Random], Any] = lambda x, m, u, r: m + u + r.normal(size=len(u)),
) -> Callable[[Random, int], Columns]:
    """Rows of a front door with these mechanisms."""

    def rows(r: Random, n: int) -> Columns:
        u = r.normal(size=n)
        x = u + r.normal(size=n)
        m = mediator(x, r)
        return {"X": x, "M": m, "Y": outcome(x, m, u, r)}

    return rows


def back_door(r: Random, n: int) -> Columns:
    z = r.normal(size=n)
    x = 0.8 * z + r.normal(size=n)
    return {"Z": z, "X": x, "Y": 0.5 * x + z + r.normal(size=n)}


def binary(r: Random, n: int) -> Columns:
    z = r.normal(size=n)
    x = 1.0 * (r.uniform(size=n) < 1 / (1 + np.exp(-z)))
    return {"Z": z, "X": x, "Y": 1.0 * (r.uniform(size=n) < 1 / (1 + np.exp(0.5 - x - z)))}


def skewed(r: Random, n: int) -> Columns:
    u = r.exponential(size=n) - 1
    x = u + r.normal(size=n)
    m = x + r.normal(size=n)
    return {"X": x, "M": m, "Y": m + u + 0.5 * u * m + r.normal(size=n)}


def squared(r: Random, n: int) -> Columns:
    z = r.normal(size=n)
    x = z**2 + r.normal(size=n)
    return {"Z": z, "X": x, "Y": 0.5 * x + z**2 + r.normal(size=n)}


def study(name: str, question: str) -> tuple[str, Callable[[Random, int], Columns], str]:
    """A published study with its own model, and rows of its process."""
    case = CASES[name]
    return case.model, lambda r, n: dict(case.draw(n, int(r.integers(2**31)))), question


def coin(r: Random, logit: Any) -> Any:
    return 1.0 * (r.uniform(size=len(logit)) < 1 / (1 + np.exp(-logit)))


def binary_front_door(r: Random, n: int) -> Columns:
    u = r.normal(size=n)
    x = coin(r, u)
    m = coin(r, 2 * x - 1)
    return {"X": x, "M": m, "Y": coin(r, m + u - 0.5)}


def three_levels(r: Random, n: int) -> Columns:
    u = r.normal(size=n)
    x = u + r.normal(size=n)
    gumbel = r.gumbel(size=(n, 3)) + np.stack([np.zeros(n), 0.8 * x, 0.3 - 0.6 * x], axis=1)
    m = np.argmax(gumbel, axis=1)
    return {"X": x, "M": m.astype(float), "Y": np.array([0.0, 1.0, -0.5])[m] + u + r.normal(size=n)}


def curved(r: Random, n: int) -> Columns:
    u = r.normal(size=n)
    x = r.gamma(4.0, np.exp(0.3 * u))
    m = 10 / (1 + np.exp(2.0 - 0.5 * x)) + r.normal(size=n)
    return {"X": x, "M": m, "Y": r.gamma(5.0, np.exp(0.1 * m + 0.3 * u) / 5)}


def heavy(r: Random, n: int) -> Columns:
    z = r.normal(size=n)
    x = 0.8 * z + r.normal(size=n)
    return {"Z": z, "X": x, "Y": 0.5 * x + z + r.standard_t(4, size=n)}


def past_a_cause(edge: float = 0.0, hidden: str = "XY") -> Callable[[Random, int], Columns]:
    """Rows of W -> X -> M -> Y with a cause that two nodes share, and W -> Y of this weight."""

    def rows(r: Random, n: int) -> Columns:
        w, u = r.normal(size=(2, n))
        x = w + u * ("X" in hidden) + r.normal(size=n)
        m = 1.2 * x + u * ("M" in hidden) + r.normal(size=n)
        return {"W": w, "X": x, "M": m, "Y": 1.2 * m + u + edge * w + r.normal(size=n)}

    return rows


def chain(edge: float) -> Callable[[Random, int], Columns]:
    """Rows of A -> B -> C -> Y, and A -> Y of this weight."""

    def rows(r: Random, n: int) -> Columns:
        a = r.normal(size=n)
        b = a + r.normal(size=n)
        c = b + r.normal(size=n)
        return {"A": a, "B": b, "C": c, "Y": c + edge * a + r.normal(size=n)}

    return rows


def ordered(r: Random, n: int) -> Columns:
    """A scale of five steps of which most rows have the lowest."""
    columns = front_door()(r, n)
    return columns | {"Y": np.digitize(columns["Y"], STEPS).astype(float)}


def repeated(r: Random, n: int) -> Columns:
    """Every row twice."""
    return {name: np.repeat(column, 2) for name, column in front_door()(r, n // 2).items()}


def elsewhere(r: Random, n: int) -> Columns:
    """The hidden cause sits on M and Y."""
    u = r.normal(size=n)
    x = r.normal(size=n)
    m = x + u + r.normal(size=n)
    return {"X": x, "M": m, "Y": m + u + r.normal(size=n)}


def two_causes(r: Random, n: int) -> Columns:
    u, v, z = r.normal(size=(3, n))
    x = u + 0.7 * v + 0.5 * z + r.normal(size=n)
    m = x + 0.6 * z + r.normal(size=n)
    return {"Z": z, "X": x, "M": m, "Y": m + u - 0.8 * v + 0.4 * z + r.normal(size=n)}


RIGHT: dict[str, tuple[str, Callable[[Random, int], Columns], str]] = {
    "front door": (FRONT_DOOR, front_door(), CONTRAST),
    "back door": (BACK_DOOR, back_door, CONTRAST),
    "back door, bernoulli": ("Z ~ normal; X ~ bernoulli(Z); Y ~ bernoulli(X, Z)", binary, CONTRAST),
}
OTHERS = {
    "napkin": study("napkin", CONTRAST),
    "signaling": study("signaling", "E[Erk | do(SOS=70)]"),
    "multicause": study("multicause", "E[Y | do(X1=1, X2=1, X3=1, X4=1, X5=1)]"),
    "covid": study("covid", "E[Cytokine | do(EGFR=20)]"),
    "past a hidden cause": (PAST, past_a_cause(), CONTRAST),
    "front door, all bernoulli": (
        "latent U ~ normal; X ~ bernoulli(U); M ~ bernoulli(X); Y ~ bernoulli(M, U)",
        binary_front_door,
        CONTRAST,
    ),
    "categorical mediator": (
        "latent U ~ normal; X ~ normal(U); M ~ categorical(X, levels=[0, 1, 2]); Y ~ normal(M, U)",
        three_levels,
        CONTRAST,
    ),
    "hill and gamma": (
        "latent U ~ normal; X ~ gamma(U); M ~ hill(X, max=10); Y ~ gamma(M, U)",
        curved,
        "E[Y | do(X=6)] - E[Y | do(X=2)]",
    ),
    "student": ("Z ~ normal; X ~ normal(Z); Y ~ student(X, Z)", heavy, CONTRAST),
    "tables": (
        "latent U ~ table(levels=[a, b, c]); X ~ table(U, levels=[0, 1]); "
        "M ~ table(X, levels=[0, 1]); Y ~ table(M, U, levels=[0, 1])",
        binary_front_door,
        "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))",
    ),
    "two causes, a covariate": (
        "latent U, V ~ normal; Z ~ normal; X ~ normal(U, V, Z); M ~ normal(X, Z); Y ~ normal(M, U, V, Z)",
        two_causes,
        CONTRAST,
    ),
}
"""Right models of other kinds: families, tables, several hidden causes, and the published studies (that of signaling
cells is not quite right: its process moves molecule by molecule)."""

WRONG = {
    "threshold mediator": (
        FRONT_DOOR,
        front_door(lambda x, r: 4.0 * (x > 1) + r.normal(size=len(x))),
        "E[Y | do(X=0.9)] - E[Y | do(X=-1)]",
    ),
    "curved mediator": (FRONT_DOOR, front_door(lambda x, r: x + 0.4 * x**2 + r.normal(size=len(x))), WIDE),
    "squared confounder": (BACK_DOOR, squared, WIDE),
    "outcome curved": (
        FRONT_DOOR,
        front_door(outcome=lambda x, m, u, r: m + 0.4 * m**2 + u + r.normal(size=len(u))),
        WIDE,
    ),
    "count as normal": (
        FRONT_DOOR,
        front_door(outcome=lambda x, m, u, r: 1.0 * r.poisson(np.exp(0.5 * m + 0.3 * u - 0.5))),
        "E[Y | do(X=0)]",
    ),
    "exponential latent": (FRONT_DOOR, skewed, "E[Y | do(X=2)]"),
    "skewed scale as normal": (FRONT_DOOR, ordered, CONTRAST),
    "A -> Y left out": (CHAIN, chain(1.6), "E[Y | do(A=1)] - E[Y | do(A=0)]"),
    "W -> Y left out": (PAST, past_a_cause(0.7), CONTRAST.replace("X", "W")),
    "product with the cause (harmless)": (
        FRONT_DOOR,
        front_door(outcome=lambda x, m, u, r: m + u + 0.5 * u * m + r.normal(size=len(u))),
        CONTRAST,
    ),
    "rows repeated (harmless)": (FRONT_DOOR, repeated, CONTRAST),
    "t noise (harmless)": (
        FRONT_DOOR,
        front_door(lambda x, r: x + r.standard_t(3, size=len(x)) / 1.7),
        CONTRAST,
    ),
    "sd = |X| (harmless)": (FRONT_DOOR, front_door(lambda x, r: x + np.abs(x) * r.normal(size=len(x))), CONTRAST),
    "X -> Y left out (invisible)": (
        FRONT_DOOR,
        front_door(outcome=lambda x, m, u, r: x + m + u + r.normal(size=len(u))),
        CONTRAST,
    ),
    "cause of M and Y (invisible)": (FRONT_DOOR, elsewhere, CONTRAST),
}


TRUTHS = {
    "past a hidden cause": 1.44,
    "A -> Y left out": 2.6,
    "W -> Y left out": 2.14,
    "product with the cause (harmless)": 1.0,
    "rows repeated (harmless)": 1.0,
    "cause of M and Y (invisible)": 1.0,
    "skewed scale as normal": float(np.sum(ndtr((1.0 - np.array(STEPS)) / 3**0.5) - ndtr(-np.array(STEPS) / 3**0.5))),
    "signaling": 88.862,
    "napkin": 1.5,
    "multicause": 0.2226,
    "covid": 0.3116,
    "front door": 1.0,
    "back door": 0.5,
    "student": 0.5,
    "two causes, a covariate": 1.0,
    "threshold mediator": 0.0,
    "curved mediator": 3.6,
    "squared confounder": 1.0,
    "outcome curved": 3.6,
    "count as normal": float(np.exp(0.125 + 0.045 - 0.5)),
    "exponential latent": 2.0,
    "t noise (harmless)": 1.0,
    "sd = |X| (harmless)": 1.0,
    "X -> Y left out (invisible)": 2.0,
}
"""True answers, where they have a closed form."""
REASSURES = {str(word) for word in (Word.NO_MISFIT, Word.STANDS, Word.LAW_ONLY, Word.SAME_FORMULA)}
ALARMS = {str(word) for word in Word if word.is_alarm}
CELLS = {**RIGHT, **OTHERS, **WRONG}


Record = Mapping[str, Any]
"""What one table gave: the word, the layers that reject at 5 %, whether nothing could contradict the graph, how the answer did.

An answer is hurt if it is off by more than the tolerance and its 90 % interval leaves out the truth."""


def one(name: str, n: int, k: int) -> Record:
    """Train, check and ask on one table."""
    model, rows, question = CELLS[name]
    columns = rows(np.random.default_rng([k, n, crc32(name.encode())]), n)
    posterior = ld.fit(model, columns, seed=k, progress=False, check=False)
    check = ld.check(posterior, None, question)
    record: dict[str, Any] = {"cell": name, "n": n, "table": k, "word": str(check.queries[0].word)}
    record["converged"] = posterior.converged
    record["layers"] = sorted(
        {str(row.layer) for row in check.rows if row.adjusted is not None and row.adjusted < 0.05}
    )
    record["untestable"] = not check.is_testable
    if name in TRUTHS:
        answer = ld.ask(replace(posterior, data=None), question, seed=k)
        (low, high), truth = answer.interval(0.9), TRUTHS[name]
        tolerance = max(abs(answer.mean) / 4, 0.1 * float(np.std(columns["Y"])))
        error = answer.mean - truth
        hurt = bool(abs(error) > tolerance and not low <= truth <= high)
        record |= {"error": error, "tolerance": tolerance, "held": bool(low <= truth <= high), "hurt": hurt}
    return record


def judged(records: list[Record]) -> str:
    """How the words go with what the answers needed."""
    known = [record for record in records if "hurt" in record]
    if not known:
        return ""
    hurt, fine = ([record for record in known if record["hurt"] == which] for which in (True, False))
    alarmed, reassured = ([of for of in hurt if of["word"] in words] for words in (ALARMS, REASSURES))
    errors = np.array([record["error"] for record in known])
    return (
        f"\n    error {errors.mean():+.2f} (sd {errors.std():.2f}, tolerance {np.mean([of['tolerance'] for of in known]):.2f}), "
        f"90 % intervals hold {np.mean([of['held'] for of in known]):.0%}; answer hurt in {len(hurt)} of {len(known)}: "
        f"alarm {len(alarmed)}, cannot tell {len(hurt) - len(alarmed) - len(reassured)}, WRONG REASSURANCE {len(reassured)}; "
        f"not hurt in {len(fine)}: alarm {sum(of['word'] in ALARMS for of in fine)}"
    )


def summary(records: list[Record]) -> dict[str, Any]:
    """What the tables of the documentation are made from."""
    hurt = [record for record in records if record.get("hurt")]
    name = records[0]["cell"]
    return {
        "cell": name,
        "wrong": name in WRONG,
        "n": records[0]["n"],
        "tables": len(records),
        "words": dict(Counter(record["word"] for record in records)),
        "untestable": sum(record["untestable"] for record in records),
        "held": sum(record["held"] for record in records) if name in TRUTHS else None,
        "hurt": len(hurt) if name in TRUTHS else None,
        "alarmed": sum(record["word"] in ALARMS for record in hurt),
        "reassured": sum(record["word"] in REASSURES for record in hurt),
    }


def counted(records: list[Record]) -> str:
    """One line: the words, and how often each layer rejects at 5 %."""
    words = Counter(record["word"] for record in records)
    rejected = Counter(layer for record in records for layer in record["layers"])
    tables, untestable = len(records), sum(record["untestable"] for record in records)
    return (
        f"{records[0]['cell']:34} {records[0]['n']:5} x {tables}: "
        + "; ".join(f"{word} {count / tables:.0%}" for word, count in words.most_common())
        + " | at 5 %: "
        + ", ".join(f"{layer} {count / tables:.2f}" for layer, count in sorted(rejected.items()))
        + (f" | nothing could contradict {untestable / tables:.0%}" if untestable else "")
        + (f" | NOT CONVERGED {lost}" if (lost := sum(not record["converged"] for record in records)) else "")
        + judged(records)
    )


def main() -> None:
    """Print a line per cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=30)
    parser.add_argument("--cells", nargs="*", default=list(CELLS), help=f"any of {', '.join(CELLS)}")
    parser.add_argument(
        "--sizes", nargs="*", type=int, help="rows; without, 100, 300 and 1,000 of some and 500 of the others"
    )
    parser.add_argument(
        "--output", type=Path, help="a file of results, a line of JSON a table; what it has is not run again"
    )
    parser.add_argument("--summary", type=Path, help="a JSON file for the counts of the cells that were run")
    options = parser.parse_args()
    lines = options.output.read_text(encoding="utf8").splitlines() if options.output and options.output.exists() else []
    done = {(record["cell"], record["n"], record["table"]): record for record in map(json.loads, lines)}
    summaries = []
    for name in options.cells:
        for n in options.sizes or (SIZES if name in RIGHT else (ROWS,)):
            records = []
            for k in range(options.tables):
                record = done.get((name, n, k)) or one(name, n, k)
                records.append(record)
                if options.output and (name, n, k) not in done:
                    with options.output.open("a", encoding="utf8") as file:
                        file.write(json.dumps(record) + "\n")
            print(counted(records), flush=True)
            summaries.append(summary(records))
    if options.summary:
        options.summary.write_text(json.dumps(summaries, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
