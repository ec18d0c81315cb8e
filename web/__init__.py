"""What is served over HTTP: the public intake."""
