"""The compiled tables: built from pulled sources, and opened."""
