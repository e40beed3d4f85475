"""Two libraries beside each other on the same graphs: what they are asked, how, and what is printed of it."""
