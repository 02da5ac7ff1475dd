"""How an answer looks: told, drawn and laid out."""
