"""Makes `known_graphs` and `oracles` importable from every test: pytest adds the folder of a conftest to the path."""
