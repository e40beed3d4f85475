"""Paragraphs for a paper: graph, questions, formulas, model, priors, training, diagnostics, data and software.

Every clause is read off the fit and the answers themselves, so that none is true of some engines only.
"""

from .paragraphs import methods_of

__all__ = ["methods_of"]
