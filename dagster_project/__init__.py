"""How it is run: definitions, components, checks and the command line."""
