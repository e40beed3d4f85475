"""Whether draws can be trusted: rank-normalised split R-hat and effective sample size, and the verdict over functionals.

Own code rather than a library's, so that a loaded fit is judged without JAX or xarray: the definitions are short and the
contract rests on them. ArviZ is the witness in the tests.

Source: Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved R-hat.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import scipy.special

from .coordinates import FloatArray

RHAT_LIMIT = 1.01
ESS_LIMIT = 400.0
KHAT_LIMIT = 0.7
"""Largest Pareto k-hat at which importance weights are trusted."""
LEAST_WARMUP = 100
LEAST_DRAWS = 100
"""Transitions per chain below which R-hat and ESS are themselves too noisy to certify anything: a short run can look finished."""
FEW_TIES = 8
ORDINARY = 50
"""Quantities that are judged together without more being allowed to chance."""
CHANCE = 0.05
TIMES = 2.0
"""Autocorrelation time of draws, in draws, of which chance is reckoned."""
LEAST_CHAINS = 2
"""One chain cannot show that another would have ended elsewhere."""


def rhat(draws: FloatArray) -> float:
    """Rank-normalised split R-hat of one quantity, the larger of bulk and folded.

    Args:
        draws: (chain, draw).

    Returns:
        1 for draws that do not vary; infinity where a draw is not finite.
    """
    return _judged(draws)[0]


def ess(draws: FloatArray) -> float:
    """Effective sample size of one quantity: the smaller of the mean's and the bulk's.

    Args:
        draws: (chain, draw).

    Returns:
        The number of draws where they do not vary; 0 where one is not finite.
    """
    return _judged(draws)[1]


def _judged(draws: FloatArray) -> tuple[float, float]:
    """R-hat and effective sample size, which share their ranks."""
    if not np.isfinite(draws).all():
        return float("inf"), 0.0
    if np.ptp(draws) == 0:
        return 1.0, float(draws.size)
    split = _split(draws)
    scores = _normal_scores(split)
    folded = np.abs(split - np.median(split))
    worst = max(_plain_rhat(scores), _plain_rhat(_normal_scores(folded)))
    return worst, min(_plain_ess(split), _plain_ess(scores))


def _split(draws: FloatArray) -> FloatArray:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, draws.shape[1] - half :]])


def _normal_scores(draws: FloatArray) -> FloatArray:
    """Ranks over all chains, as normal quantiles (Blom's offsets, eq. 14)."""
    flat = draws.ravel()
    order = np.argsort(flat)
    ordered = flat[order]
    in_order = _scores_in_order(flat.size)
    tied = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(tied) > FEW_TIES:
        ranks = 0.5 * (np.searchsorted(ordered, ordered) + 1 + np.searchsorted(ordered, ordered, side="right"))
        in_order = scipy.special.ndtri((ranks - 0.375) / (flat.size + 0.25))
    elif len(tied):
        # Deviations from the median have one pair of equals at least.
        in_order = in_order.copy()
        for low in np.unique(np.searchsorted(ordered, ordered[tied])):
            high = np.searchsorted(ordered, ordered[low], side="right")
            in_order[low:high] = scipy.special.ndtri((0.5 * (low + 1 + high) - 0.375) / (flat.size + 0.25))
    scores = np.empty(flat.size)
    scores[order] = in_order
    return scores.reshape(draws.shape)


@functools.lru_cache(maxsize=8)
def _scores_in_order(n: int) -> FloatArray:
    """The normal quantiles of the ranks 1 to n: the same for every quantity without ties."""
    return scipy.special.ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))


def _plain_rhat(chains: FloatArray) -> float:
    """Eq. 1-3; chains that each stand still are as far apart as can be."""
    n = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    between = n * chains.mean(axis=1).var(ddof=1)
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt((n - 1) / n + between / within / n))


def _plain_ess(chains: FloatArray) -> float:
    """Eq. 10-11 with Geyer's initial monotone sequence."""
    m, n = chains.shape
    # Of the largest deviation: squares of numbers near the largest that there are would overflow.
    chains = chains - chains.mean()
    chains = chains / max(np.abs(chains).max(), np.finfo(float).tiny)
    size = 2 ** int(np.ceil(np.log2(2 * n)))
    transform = np.fft.rfft(chains - chains.mean(axis=1, keepdims=True), size, axis=1)
    autocovariance = np.fft.irfft(np.abs(transform) ** 2, size, axis=1)[:, :n] / n
    within = autocovariance[:, 0].mean() * n / (n - 1)
    total = within * (n - 1) / n + (chains.mean(axis=1).var(ddof=1) if m > 1 else 0.0)
    if total == 0:
        return float(m * n)
    correlation = 1 - (within - autocovariance.mean(axis=0) * n / (n - 1)) / total
    correlation[0] = 1.0
    pairs = correlation[: n - n % 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    pairs = np.minimum.accumulate(pairs[: negative[0]] if len(negative) else pairs)
    tau = max(-1 + 2 * pairs.sum(), 1 / np.log10(max(m * n, 10)))
    return float(m * n / tau)


@dataclass(frozen=True)
class Diagnostic:
    """One judged quantity: `mean(Y)`, `cov(X, Y)`, a query. R-hat is None where the draws are independent."""

    name: str
    rhat: float | None
    ess: float

    @property
    def passed(self) -> bool:
        """R-hat at most 1.01 (or not applicable: independent draws) and at least 400 effective draws."""
        return (self.rhat is None or self.rhat <= RHAT_LIMIT) and self.ess >= ESS_LIMIT

    def passed_among(self, n: int, n_chains: int) -> bool:
        """Whether it has passed as one of `n` quantities that are judged together: see `limit_among`."""
        return (self.rhat is None or self.rhat <= limit_among(n, n_chains)) and self.ess >= ESS_LIMIT

    @property
    def badness(self) -> tuple[float, float]:
        """For finding the worst of several: R-hat first, then few effective draws."""
        return (1.0 if self.rhat is None else self.rhat, -self.ess)


def limit_among(n: int, n_chains: int) -> float:
    """The largest R-hat that is due to chance where `n` quantities are judged together: 1.01 of up to 50, somewhat more of more.

    If chains agree, the square of R-hat less one is about (T C / (m - 1) - 1) / length for m half chains, with C from a
    chi-square law of m - 1 degrees of freedom and T the autocorrelation time. The largest of n such numbers grows with n; the
    limit grows as its upper 5 % point does (Bonferroni).
    """
    df = 2 * max(n_chains, LEAST_CHAINS) - 1

    def reach(n: int) -> float:
        return TIMES * float(scipy.special.chdtri(df, CHANCE / n)) / df - 1.0

    return 1.0 + (RHAT_LIMIT - 1.0) * reach(max(n, ORDINARY)) / reach(ORDINARY)


def diagnose(name: str, draws: FloatArray) -> Diagnostic:
    """R-hat and effective sample size of a quantity given as (chain, draw)."""
    return Diagnostic(name, *_judged(draws))


def shortfall(n_chains: int, n_warmup: int, n_made: int) -> str | None:
    """Why a run is too short to be certified whatever its R-hat says, or None.

    Args:
        n_warmup: Transitions per chain that were thrown away.
        n_made: Transitions per chain from which the kept draws were taken.
    """
    if n_chains < LEAST_CHAINS:
        return f"{n_chains} chain; at least {LEAST_CHAINS} are needed to compare"
    if n_warmup < LEAST_WARMUP:
        return f"{n_warmup} transitions of warm-up per chain; at least {LEAST_WARMUP} are needed"
    if n_made < LEAST_DRAWS:
        return f"{n_made} transitions per chain after warm-up; at least {LEAST_DRAWS} are needed"
    return None
