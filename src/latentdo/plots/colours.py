"""The colours of all pictures, and what they stand for."""

from __future__ import annotations

# Okabe & Ito (2008): told apart by people with any kind of colour vision, and in grey.
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
YELLOW, BLACK, GREY = "#F0E442", "#000000", "#8C8C8C"
COLOURS = {
    "lvm": BLUE,
    "reference": BLACK,
    "baseline": VERMILION,
    "seeing": VERMILION,
    "prior": GREY,
    "rival": "#333333",
    "naive": GREY,
}
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
"""Colours of several curves in one picture; vermilion is left to what a curve is compared with."""
