"""Tables and labels that users bring, read strictly."""
