"""Other libraries asked for the effects that latentdo's rivals estimate: each in a process and an environment of its own."""
