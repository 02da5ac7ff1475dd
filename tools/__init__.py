"""What a reasoner can do, one typed tool per subject."""
