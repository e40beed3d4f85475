"""Terms of a question by simulating units of the mutilated model, with the error that this brings."""

from .noise import CHUNK, REPLICATES, FloatArray, Layout, Noise, barycentric, chebyshev, spread_of
from .simulate import TOO_LARGE, Simulation, TermValue

__all__ = [
    "CHUNK",
    "REPLICATES",
    "TOO_LARGE",
    "FloatArray",
    "Layout",
    "Noise",
    "Simulation",
    "TermValue",
    "barycentric",
    "chebyshev",
    "spread_of",
]
