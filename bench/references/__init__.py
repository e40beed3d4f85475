"""Long NUTS runs of hand-written NumPyro models, and their stored results."""
