"""Printed text compared as a statistician would: a number may differ by what its Monte Carlo error allows, else not at all.

A number that Markov chains made differs from processor to processor by about its Monte Carlo standard error (MCSE). Text prints
what that error follows from: an estimate stands before its interval or its standard deviation, and an answer that counts as
converged has at least 400 effective draws. `…` stands for anything, seconds and the number of blanks are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf, sqrt
from statistics import NormalDist

ERRORS = 4
"""Monte Carlo standard errors that a number may differ by."""
LEAST_ESS = 400
"""Effective draws of an answer that counts as converged: with more of them numbers differ less."""
RHAT, KHAT = 0.01, 0.3
"""What diagnostics may differ by: R-hat by as much as it may be above 1, k-hat by ERRORS of its own with 190 tail draws."""
ESS_SHARE = 0.5
"""Share by which an effective number of draws, the MCSE that follows from it, or the reach of a check may differ."""

_NUMBER = r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?"
NUMBER = re.compile(_NUMBER, re.IGNORECASE)
_SECONDS = re.compile(r"\b\d+(?:\.\d+)?(?= (?:ms|s|seconds?|minutes?)\b)")
_RANGE = rf"(?P<low>{_NUMBER})(?: to |, ?|,\\ )(?P<high>{_NUMBER})"
_ESTIMATES = tuple(
    re.compile(rf"(?P<mean>{_NUMBER}){rest}", re.IGNORECASE)
    for rest in (
        rf"(?: units of \S+)? \((?:(?P<level>\d+) % interval )?{_RANGE}\)",  # 0.75 (90 % interval 0.62 to 0.90)
        rf"\$ & \$\[{_RANGE}\]",  # the same in LaTeX
        rf" (?P<sd>{_NUMBER}) {_RANGE}(?! ?[)%])",  # a row: estimate, SE, interval
        rf" ± (?P<sd>{_NUMBER})",
    )
)
_DIAGNOSTICS = re.compile(rf"(?P<what>R-hat|k-hat|ESS|MCSE|could move by) ±?(?P<value>{_NUMBER})")


def same_output(expected: str, printed: str, cells: Sequence[tuple[float, float]] = ()) -> bool:
    """Whether a page shows what was printed, but for Monte Carlo error, seconds and blanks.

    Args:
        cells: Estimates that may be printed without an interval, in a matrix, each with its sd.
    """
    expected, printed = (" ".join(_SECONDS.sub("0", text).split()) for text in (expected, printed))
    parts = expected.split("…")
    pattern = ".*?".join(_pattern(part) for part in parts)
    match = re.fullmatch(pattern, printed, flags=re.DOTALL)
    if match is None:
        return False
    shown = [
        (number[0], allowed.get(number.start(), 0.0))
        for part, allowed in ((part, allowances(part, cells)) for part in parts)
        for number in NUMBER.finditer(part)
    ]
    return all(_close(a, b, allowed) for (a, allowed), b in zip(shown, match.groups(), strict=True))


def _pattern(part: str) -> str:
    return f"({_NUMBER})".join(re.escape(piece) for piece in NUMBER.split(part))


def allowances(text: str, cells: Sequence[tuple[float, float]]) -> dict[int, float]:
    """By the place where it starts, what each number with a Monte Carlo error may differ by; all others are exact."""
    found: dict[int, float] = {}
    for number in NUMBER.finditer(text):
        for estimate, sd in cells:
            if _close(number[0], repr(estimate), allowed := ERRORS * sd / sqrt(LEAST_ESS)) and "." in number[0]:
                found[number.start()] = max(allowed, found.get(number.start(), 0.0))
    for kind in _ESTIMATES:
        for match in kind.finditer(text):
            values = {name: float(_plain(shown)) for name, shown in match.groupdict().items() if shown is not None}
            tail = 0.5 - values.get("level", 90.0) / 200
            z = NormalDist().inv_cdf(1 - tail)
            low, high = values.get("low", -inf), values.get("high", inf)
            sd = values.get("sd", (high - low) / (2 * z))
            # A row of other columns may look alike: in one of estimates they agree.
            if not low <= values["mean"] <= high or ("low" in values and not 0.7 < (high - low) / (2 * z * sd) < 1.4):
                continue
            # Standard errors of a mean, of an sd and of a quantile of n independent normal draws.
            step = ERRORS * sd / sqrt(LEAST_ESS)
            quantile = step * sqrt(tail * (1 - tail)) / NormalDist().pdf(z)
            each = {"mean": step, "sd": step / sqrt(2), "low": quantile, "high": quantile}
            found |= {match.start(name): each[name] for name in values.keys() & each.keys()}
    for match in _DIAGNOSTICS.finditer(text):
        value = float(_plain(match["value"]))
        found[match.start("value")] = {"R-hat": RHAT, "k-hat": KHAT}.get(match["what"], ESS_SHARE * value)
    return found


def _plain(number: str) -> str:
    return number.replace(",", "").replace("−", "-").lower()


def _close(shown: str, printed: str, allowed: float) -> bool:
    """Whether two printed numbers are the same, or no farther apart than allowed and by rounding."""
    shown, printed = _plain(shown), _plain(printed)
    if not allowed:
        return float(shown) == float(printed) and _unit(shown) == _unit(printed)
    return abs(float(shown) - float(printed)) <= 1.000001 * (allowed + max(map(_unit, (shown, printed))))


def _unit(number: str) -> float:
    """One unit of the last digit."""
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
