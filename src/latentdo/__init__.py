"""latentdo: causal questions on models with hidden causes.

Each public name is loaded on first use (PEP 562), so that a verdict never pays for JAX.
"""
