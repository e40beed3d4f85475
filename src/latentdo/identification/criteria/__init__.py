"""Graphical criteria on bitsets: what separates, what adjusts, which hedge stands in the way; no formula is written."""
