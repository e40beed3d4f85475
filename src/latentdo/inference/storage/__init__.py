"""Everything on disk: saved fits, the running states of fits in the making, whole files."""
