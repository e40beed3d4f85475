"""Densities: priors and likelihoods of a block, its latents as noise or integrated, and simulation from it."""
