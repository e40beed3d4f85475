"""A density that is nowhere finite: refused before any transition, with the node, the rows and the numbers."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import FitError
from shared_fits import front_door_rows

ROWS = front_door_rows(30)
POSITIVE = {"X": ROWS["X"], "M": np.exp(ROWS["M"])}


@pytest.mark.parametrize("engine", [ld.Auto(max_steps=200), ld.Nuts(draws=4, warmup=4, chains=2)], ids=["auto", "nuts"])
@pytest.mark.parametrize(
    ("model", "rows", "message"),
    [
        (
            "latent U ~ normal; X ~ normal(U); M ~ normal(U, sd=1e-200)",
            ROWS,
            r"\{U, X, M\} is not finite at any of \d+ starting points\. The term of M is -inf in 30 of 30 rows \(the first is "
            r"row 0, counting from 0, where M is -?[\d.]+\), at intercept\(M\) = .*, U -> M = .*, sd\(M\) = 1e-200\.",
        ),
        (
            "latent U ~ normal; X ~ normal(U, weight=normal(0, 1e-200)); M ~ normal(U)",
            ROWS,
            r"The prior of X is -inf at intercept\(X\) = .*, U -> X = .*, sd\(X\) = .*\. Check the priors",
        ),
        ("latent U ~ normal; X ~ normal(U); M ~ gamma(U, shape=1e308)", POSITIVE, r"The term of M is (nan|-inf) in 30"),
        ("X ~ normal; M ~ normal(X, sd=1e-200)", ROWS, r"\{M\} is not finite .*The term of M is -inf in 30 of 30 rows"),
    ],
    ids=["rows", "prior", "nan", "regression"],
)
def test_a_density_that_is_nowhere_finite_is_refused_by_node(model, rows, message, engine):
    with pytest.raises(FitError, match=message):
        ld.fit(model, {name: rows[name] for name in ("X", "M")}, engine, progress=False)
