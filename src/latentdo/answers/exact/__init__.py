"""Terms of a question in closed form, draw by draw: linear-Gaussian models, discrete ones, and such parts of others."""

from .engines import Exact

__all__ = ["Exact"]
