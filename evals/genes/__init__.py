"""How much of what is known about genes a linear probe reads from an embedding of them."""
