"""The rivals on real rows with a published analysis: what quitting smoking does to weight, in the NHEFS study.

The rows come with the package causaldata, which is needed for nothing else: `pip install causaldata` brings them and statsmodels.
Then `python bench/nhefs.py --output bench/results/nhefs.json`. Nothing is downloaded. Beside each published number stand a
transcription of the book's program with statsmodels and what `ld.compare` makes of the same rows: with the book's own
models of treatment and outcome, and with the models that latentdo chooses by itself.

Source:
    Hernán & Robins (2020), Causal Inference: What If, sections 12.1, 12.2, 13.3 and 15.1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

import latentdo as ld
from latentdo.estimators import Foreign, Models

LEVEL = 0.95
TREATMENT, OUTCOME = "qsmk", "wt82_71"
CODED = ("sex", "race", "education", "exercise", "active")
NUMBERS = ("age", "smokeintensity", "smokeyrs", "wt71")
CONFOUNDERS = (*CODED, *NUMBERS)
QUERY = f"E[{OUTCOME} | do({TREATMENT}=1)] - E[{OUTCOME} | do({TREATMENT}=0)]"
GRAPH = "; ".join(
    [
        "latent H",
        *(f"H -> {name}" for name in CONFOUNDERS),
        *(f"{name} -> {end}" for name in CONFOUNDERS for end in (TREATMENT, OUTCOME)),
        f"{TREATMENT} -> {OUTCOME}",
    ]
)
"""The nine confounders of the book, joined by a hidden cause of whatever kind."""

Table = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Number:
    """An effect in kg with its 95 % interval, and who says so."""

    by: str
    estimate: float
    lower: float
    upper: float
    note: str = ""


PUBLISHED = {
    "difference of means": Number("section 12.1", 2.5, 1.7, 3.4),
    "inverse weighting": Number("section 12.2", 3.4, 2.4, 4.5, "robust, conservative interval"),
    "standardisation": Number("section 13.3", 3.5, 2.6, 4.5, "bootstrap"),
    "regression without products": Number("section 15.1", 3.5, 2.6, 4.3),
}
BESIDE = {
    "difference of means": ("naive mean",),
    "inverse weighting": ("ipw", "pipw", "nested ipw", "werm-id"),
    "standardisation": ("g-formula", "dipw", "plug-in"),
    "doubly robust": ("aipw", "tmle", "apipw", "nested aipw", "dml-id"),
}
"""Which methods of latentdo are the published ones, or rest on the same models."""
OWN_ONLY = ("nested aipw",)
"""Methods with a regression of their own, on weighted rows, in place of the book's."""


def rows() -> Table:
    """The rows whose outcome was measured, 1,566 of 1,629; exits where causaldata is not installed."""
    try:
        from causaldata import nhefs
    except ImportError:
        sys.exit("The rows come with the package causaldata, which is not installed: pip install causaldata")
    frame = nhefs.load_pandas().data
    frame = frame[frame[OUTCOME].notna()]
    return {name: frame[name].to_numpy().astype(float) for name in (*CONFOUNDERS, TREATMENT, OUTCOME)}


def transcribed(data: Table) -> dict[str, Number]:
    """The book's programs 12.1, 12.2, 13.1-13.4 and 15.1, with statsmodels and none of latentdo."""
    import pandas as pd
    import statsmodels.formula.api as smf

    frame = pd.DataFrame(dict(data))
    coded = " + ".join(f"C({name})" for name in CODED)
    curved = " + ".join(f"{name} + I({name}**2)" for name in NUMBERS)

    def told(fit: Any, note: str) -> Number:
        return Number("statsmodels", fit.params[TREATMENT], *fit.conf_int().loc[TREATMENT], note)

    found = {"difference of means": told(smf.ols(f"{OUTCOME} ~ {TREATMENT}", frame).fit(), "least squares")}
    chance = smf.logit(f"{TREATMENT} ~ {coded} + {curved}", frame).fit(disp=0).predict(frame)
    weights = 1 / np.where(frame[TREATMENT] == 1, chance, 1 - chance)
    weighted = smf.wls(f"{OUTCOME} ~ {TREATMENT}", frame, weights=weights)
    found["inverse weighting"] = told(weighted.fit(cov_type="HC1"), "robust")
    formula = f"{OUTCOME} ~ {TREATMENT} * smokeintensity + I(smokeintensity**2) + {coded} + {curved}"

    model = smf.ols(formula, frame)
    at = [model.exog_names.index(name) for name in (TREATMENT, f"{TREATMENT}:smokeintensity")]

    def standardised(sample: np.ndarray) -> float:
        # The mean difference of predictions under 1 and 0: all other terms cancel.
        slopes = np.linalg.lstsq(model.exog[sample], model.endog[sample], rcond=None)[0][at]
        return float(slopes @ [1.0, data["smokeintensity"][sample].mean()])

    n, rng = len(frame), np.random.default_rng(0)
    estimate = standardised(np.arange(n))
    spread = np.std([standardised(rng.integers(n, size=n)) for _ in range(1000)])
    half = float(norm.ppf((1 + LEVEL) / 2)) * float(spread)
    found["standardisation"] = Number("statsmodels", estimate, estimate - half, estimate + half, "bootstrap of 1000")
    plain = smf.ols(f"{OUTCOME} ~ {TREATMENT} + {coded} + {curved}", frame).fit()
    found["regression without products"] = told(plain, "least squares")
    return found


class BookModel(BaseEstimator):
    """The book's terms for a scikit-learn model: numbers also squared, levels against the first, one product.

    Args:
        model: What is fitted to the terms, with its intercept.
        names: The columns that `fit` sees, in order, those with more than two levels once for each.
        product: Two columns whose product is a term too.
    """

    def __init__(self, model: Any, names: Sequence[str], product: tuple[str, str] | None = None) -> None:
        self.model, self.names, self.product = model, names, product

    def terms(self, x: np.ndarray) -> np.ndarray:
        """(row, term); as they are, columns of another regression than the one that `names` describes."""
        if x.shape[1] != len(self.names):
            return x
        at = {name: self.names.index(name) for name in dict.fromkeys(self.names)}
        again = [j for j, name in enumerate(self.names) if self.names.count(name) == 1 or at[name] != j]
        parts = [x[:, again], *(x[:, [at[name]]] ** 2 for name in NUMBERS)]
        if self.product:
            parts.append(np.prod([x[:, at[name]] for name in self.product], axis=0)[:, None])
        return np.concatenate(parts, axis=1)

    def fit(self, x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> BookModel:
        """Itself, fitted to weighted rows."""
        terms = self.terms(x)
        self.centre_, self.scale_ = terms.mean(axis=0), terms.std(axis=0)
        self.scale_[self.scale_ == 0] = 1.0
        self.fitted_ = self.model.fit((terms - self.centre_) / self.scale_, y, sample_weight)
        return self

    @property
    def classes_(self) -> np.ndarray:
        """The levels of a treatment."""
        return self.fitted_.classes_

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The mean."""
        return self.fitted_.predict((self.terms(x) - self.centre_) / self.scale_)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """The probability of each level."""
        return self.fitted_.predict_proba((self.terms(x) - self.centre_) / self.scale_)


def seen(data: Table, names: Sequence[str]) -> list[str]:
    """The columns that a foreign learner sees: in the order of the alphabet, one for each level where there are three."""
    counts = {name: len(np.unique(data[name])) for name in names}
    return [name for name in sorted(names) for _ in range(1 if name in NUMBERS or counts[name] < 3 else counts[name])]


def book_models(data: Table) -> Models:
    """The book's models of treatment and outcome: the latter with the product of quitting and smoking intensity."""
    treatment = BookModel(LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8), seen(data, CONFOUNDERS))
    causes = seen(data, (*CONFOUNDERS, TREATMENT))
    outcome = BookModel(LinearRegression(), causes, (TREATMENT, "smokeintensity"))
    return Models(own={TREATMENT: Foreign(classifier=treatment), OUTCOME: Foreign(regressor=outcome)})


def ours(
    data: Table, models: Models, replicates: int, seed: int, methods: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """What each method that applies says, by its name."""
    found = ld.compare(
        ld.graph(GRAPH), data, QUERY, methods=methods, models=models, level=LEVEL, replicates=replicates, seed=seed
    )
    return {
        row.method: {
            "estimate": row.estimate,
            "lower": row.lower,
            "upper": row.upper,
            "seconds": row.seconds,
            "interval": row.interval,
            "warnings": list(row.warnings),
        }
        for row in found
        if row.applies
    }


def shown(number: Mapping[str, Any] | None, digits: int = 2) -> str:
    """Estimate and interval."""
    if number is None:
        return ""
    if number["lower"] is None:
        return f"{number['estimate']:.{digits}f}"
    return f"{number['estimate']:.{digits}f} ({number['lower']:.{digits}f} to {number['upper']:.{digits}f})"


def lines(record: Mapping[str, Any]) -> list[list[str]]:
    """One line per method: what it is, published, transcribed, with the book's models, with latentdo's own."""
    found: list[list[str]] = []
    for what, methods in BESIDE.items():
        told = [shown(record[part].get(what), digits) for part, digits in (("published", 1), ("transcribed", 2))]
        for k, method in enumerate(methods):
            cells = [shown(record[part].get(method)) for part in ("book", "own")]
            found.append([what if not k else "", *(told if not k else ["", ""]), f"`{method}`", *cells])
    alone = "regression without products"
    told = [shown(record["published"][alone], 1), shown(record["transcribed"][alone])]
    return [*found, [alone, *told, "", "", ""]]


HEADS = ["analysis", "published", "the book's program, statsmodels", "method", "with the book's models", "with its own"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=300, help="of each bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="a file for the numbers, as JSON")
    options = parser.parse_args()
    data = rows()
    book_methods = [method for methods in BESIDE.values() for method in methods if method not in OWN_ONLY]
    record: dict[str, Any] = {
        "rows": len(data[OUTCOME]),
        "treated": int(data[TREATMENT].sum()),
        "published": {what: asdict(number) for what, number in PUBLISHED.items()},
        "transcribed": {what: asdict(number) for what, number in transcribed(data).items()},
        "book": ours(data, book_models(data), options.replicates, options.seed, book_methods),
        "own": ours(data, Models(), options.replicates, options.seed),
    }
    print(f"{record['rows']} rows, {record['treated']} of them of people who quit; kg, 95 % intervals\n")
    for line in (HEADS, *lines(record)):
        print(" | ".join(line))
    for part in ("book", "own"):
        for method, row in record[part].items():
            print(f"{part} {method}: {row['seconds']:.1f} s, {row['interval']}. {' '.join(row['warnings'])}")
    if options.output:
        options.output.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
