"""GenePheno: what losing a gene does to the organism, from its protein through its functions."""
