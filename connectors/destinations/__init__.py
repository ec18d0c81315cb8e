"""One module a tool that segments go to."""
