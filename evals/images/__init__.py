"""How well looks are learnt from pictures, and predicted for knockouts nobody photographed."""
