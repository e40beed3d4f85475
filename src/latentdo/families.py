"""The families a node can have, as classes; the model language names them in lower case."""

from __future__ import annotations

from latentdo.models import AbstractFamily, Bernoulli, Gamma, Hill, Linear, Normal

__all__ = ["AbstractFamily", "Bernoulli", "Gamma", "Hill", "Linear", "Normal"]
