"""How well gene properties are predicted from texts and graphs, and how much study bias helps."""
