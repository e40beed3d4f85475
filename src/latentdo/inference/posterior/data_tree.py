"""A fit as ArviZ holds one: an xarray DataTree with the groups and names that its statistics and plots look for."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.errors import MissingExtraError
from latentdo.tables import Dataset

from ..blocks.coordinates import FloatArray
from ..blocks.fitted import Fitted
from ..likelihood.pointwise import log_likelihood, n_evaluations
from .account import plan

if TYPE_CHECKING:
    import xarray

LIKELIHOOD = "rows"
"""What the log likelihood of the rows is called: one number for all nodes of a row."""
MOST_NUMBERS = 50_000_000
"""Draws times rows up to which the log likelihood of rows is given."""
MOST_EVALUATIONS = 200_000_000
"""Draws times rows, points of quadrature and states of latents up to which it is given: some seconds; half a minute if
the finest rule is needed."""


def to_arviz(posterior: Fitted) -> xarray.DataTree:
    """See `Posterior.to_arviz`."""
    try:
        from arviz_base import from_dict
    except ImportError:
        raise MissingExtraError("to_arviz", "arviz-base", "diagnostics") from None
    variables, dims, coords = _parameters(posterior)
    groups: dict[str, dict[str, Any]] = {"posterior": variables}
    told: dict[str, Any] = {}
    chains = [block for block in posterior.blocks if block.log_posterior is not None]
    if chains:
        groups["sample_stats"] = {"lp": np.stack([np.asarray(block.log_posterior) for block in chains], axis=-1)}
        dims["lp"], coords["block"] = ["block"], [block.block.name for block in chains]
    if posterior.data is not None:
        data = posterior.data.expanded(posterior.spec.measured)
        # In a tree a slash parts groups.
        columns = {
            name.replace("/", "\N{DIVISION SLASH}"): np.where(data.missing(name), np.nan, values)
            for name, values in data.columns
        }
        row = "row"
        while row in columns:
            row += "_"
        groups["observed_data"] = dict(columns)
        dims |= {name: [row] for name in columns}
        coords[row] = np.arange(data.n_rows)
        values, told = _log_likelihood(posterior, posterior.data)
        if values is not None:
            groups["log_likelihood"], dims[LIKELIHOOD] = {LIKELIHOOD: values}, [row]
    attrs = dict.fromkeys(("/", *groups), _attributes(posterior))
    group = "log_likelihood" if "log_likelihood" in groups else "/"
    attrs[group] = {**attrs[group], **told}
    # Names of nodes may be those of dimensions, or hold what ArviZ's conventions do not expect: they stay as they are.
    return from_dict(groups, dims=dims, coords=coords, attrs=attrs, check_conventions=False)


def _log_likelihood(posterior: Fitted, data: Dataset) -> tuple[FloatArray | None, dict[str, Any]]:
    """That of each row, (chain, draw, row), or None where it is not cheap; and what is to be said of it."""
    n_draws = posterior.n_chains * posterior.n_draws
    if n_draws * data.n_rows > MOST_NUMBERS:
        return None, {"log_likelihood": f"left out: more than {MOST_NUMBERS:,} numbers, see Posterior.log_likelihood"}
    if n_evaluations(posterior, data, n_draws) > MOST_EVALUATIONS:
        return None, {"log_likelihood": "left out: it takes more than seconds, see Posterior.log_likelihood"}
    rows = log_likelihood(posterior, data, np.arange(n_draws))
    told = {"integrated": ", ".join(rows.integrated) or "no latents", "integration_error": rows.error}
    return rows.values.reshape(*posterior.shape, -1), told


def _parameters(posterior: Fitted) -> tuple[dict[str, FloatArray], dict[str, list[str]], dict[str, Any]]:
    """Per kind of parameter an array (chain, draw, name), its dimension, and the names."""
    own = {"wiggle", *(name for _, mechanism in posterior.spec.mechanisms for name in mechanism.family.parameters)}
    draws: dict[str, list[FloatArray]] = {}
    names: dict[str, list[str]] = {}
    for label, values in posterior.parameters:
        kind, name = _kind(label, frozenset(own))
        draws.setdefault(kind, []).append(values)
        names.setdefault(kind, []).append(name)
    variables = {kind: np.stack(values, axis=-1) for kind, values in draws.items()}
    return variables, {kind: [f"{kind}_of"] for kind in draws}, {f"{kind}_of": labels for kind, labels in names.items()}


def _kind(label: str, own: frozenset[str]) -> tuple[str, str]:
    """What kind of parameter a label names, and of what: (`sd`, `Ras`), (`weight`, `SOS -> Ras`)."""
    if of_spread := re.fullmatch(r"(\w+) (intercept|weight)(?: (.+)|\((.+)\))", label):
        parameter, what, weight, node = of_spread.groups()
        return f"{parameter}_{what}", weight or node
    kind, opened, rest = label.partition("(")
    if opened and rest.endswith(")") and kind in own | {"intercept"}:
        return kind, rest[:-1]
    if opened and kind == "P":
        return "probability", label
    return "weight", label


def _attributes(posterior: Fitted) -> dict[str, Any]:
    text, priors = posterior.spec.source
    return {
        "inference_library": "latentdo",
        "inference_library_version": metadata.version("latentdo"),
        "engine": posterior.engine,
        "seed": posterior.seed,
        "model": text,
        "priors": "\n".join(f"{key}: {prior}" for key, prior in priors),
        "plan": plan(posterior),
        "converged": int(posterior.converged),
        "approximate": ", ".join(posterior.approximate),
        "data_source": posterior.facts.source,
        "data_hash": posterior.facts.hash,
    }
