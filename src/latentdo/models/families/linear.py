"""`linear`: the linear predictor itself, without noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..registry import register
from .noiseless import AbstractNoiseless


@register
@dataclass(frozen=True)
class Linear(AbstractNoiseless):
    """`node = linear predictor`, exactly: no noise."""

    name = "linear"
    equation = "Y = intercept + Σ weight · parent, without noise"
    may_be_latent = True
    noiseless = True
    symmetric_noise = True
    as_latent: ClassVar[Mapping[str, float]] = {"intercept": 0.0}
