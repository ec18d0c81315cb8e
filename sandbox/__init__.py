"""Vendors played on loopback, written from their own documentation and sharing no code with `connectors`."""
