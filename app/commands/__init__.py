"""The commands of `knockwise`, a file each."""
