"""The pictures of the page in the documentation: taken anew from the page as it is, `python -m filmed` from `bench/`."""
