"""From a block to its draws: closed forms, importance sampling, optimisation, Markov chains."""
