"""An output folder: whose it is, and how finished files get into it."""
