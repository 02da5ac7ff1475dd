"""Whether known rare subtypes are found, by which method, and nothing where nothing is."""
