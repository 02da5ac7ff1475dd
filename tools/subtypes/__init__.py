"""Groups of samples inside one tumour type: rare, stable, beyond chance, and what marks them."""
