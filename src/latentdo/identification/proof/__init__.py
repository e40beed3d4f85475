"""Why to believe a verdict: the derivation of a formula, step by step, and two models that show a "no"."""
