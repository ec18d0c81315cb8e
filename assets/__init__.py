"""What is materialised: the YAML of this installation."""
