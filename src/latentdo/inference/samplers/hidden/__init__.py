"""Tables of which some nodes are hidden: as columns of cells, swaps of hidden levels, and what is judged of them."""
