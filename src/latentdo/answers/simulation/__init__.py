"""Terms of a question by simulating units of the mutilated model, with the error that this brings."""

from .noise import CHUNK, REPLICATES, FloatArray, Layout, Noise, barycentric, chebyshev
from .simulate import Simulation, TermValue

__all__ = [
    "CHUNK",
    "REPLICATES",
    "FloatArray",
    "Layout",
    "Noise",
    "Simulation",
    "TermValue",
    "barycentric",
    "chebyshev",
]
