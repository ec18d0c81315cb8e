"""Carries segments out: the loop (`deliver`), the only way out (`gate`), and what was sent, held and answered."""
