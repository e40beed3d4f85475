"""Programs compiled by JAX: worth it where many questions have one shape. Apart, so that few questions never load JAX."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import jax.scipy.special

from latentdo.models.build import Arithmetic

from ..plan import Program
from .program import Arguments, Sums, run

JAX = Arithmetic(jnp, jax.scipy.special)


@functools.partial(jax.jit, static_argnums=(0, 2))
def run_compiled(program: Program, arguments: Arguments, shape: tuple[int, int, int]) -> Sums:
    """`run`, compiled once per program and shape."""
    return run(JAX, program, arguments, shape)
