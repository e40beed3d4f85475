"""What is cited in a methods section."""

from __future__ import annotations

REFERENCES = {
    "taheri": "Taheri, Ness, Zucker & Vitek, Do-calculus enables causal reasoning with latent variable models, arXiv:2102.06626",
    "pearl": "Pearl (2009), Causality, 2nd edition",
    "shpitser": "Shpitser & Pearl (2006), Identification of joint interventional distributions in recursive semi-Markovian "
    "causal models, AAAI",
    "conditional": "Shpitser & Pearl (2006), Identification of conditional interventional distributions, UAI",
    "huang": "Huang & Valtorta (2006), Pearl's calculus of intervention is complete, UAI",
    "functional": "Chen & Darwiche (2024), Identifying causal effects under functional dependencies, NeurIPS",
    "hmc": "Neal (2011), MCMC using Hamiltonian dynamics, in: Handbook of Markov chain Monte Carlo",
    "nuts": "Hoffman & Gelman (2014), The No-U-Turn sampler, JMLR 15",
    "numpyro": "Phan, Pradhan & Jankowiak (2019), Composable effects for flexible and accelerated probabilistic programming in "
    "NumPyro, arXiv:1912.11554",
    "psis": "Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25",
    "svi": "Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), Automatic differentiation variational inference, JMLR 18",
    "laplace": "Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities, JASA 81",
    "rhat": "Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved "
    "R-hat, Bayesian Analysis 16",
    # SciPy scrambles by a random linear matrix and a shift.
    "qmc": "Matoušek (1998), On the L2-discrepancy for anchored boxes, Journal of Complexity 14",
}


SHORT = {
    "hmc": "Neal 2011",
    "nuts": "Hoffman & Gelman 2014",
    "numpyro": "Phan et al. 2019",
    "psis": "Vehtari et al. 2024",
    "svi": "Kucukelbir et al. 2017",
    "laplace": "Tierney & Kadane 1986",
}


BY_METHOD = {
    "importance sampling": ("psis",),
    "ensemble HMC": ("hmc",),
    "NUTS": ("nuts", "numpyro"),
    "SVI": ("svi",),
    "Laplace": ("laplace",),
}
