"""What goes wrong in telling who is one person; whoever shows it needs nothing else of this package."""

from connectors.errors import Misconfigured


class ModelMisfit(Misconfigured):
    """A model's levels are not those of this version; its weights would be given to the wrong findings."""
