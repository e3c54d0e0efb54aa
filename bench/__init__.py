"""How fast the product is, beside what one would write without it: `make bench`."""
