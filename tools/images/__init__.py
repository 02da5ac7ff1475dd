"""Pictures of cells: read, corrected, segmented, measured and compared."""
