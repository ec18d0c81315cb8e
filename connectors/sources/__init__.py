"""One module a vendor that candidates come from."""
