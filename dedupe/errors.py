"""What goes wrong in telling who is one person; whoever shows it needs nothing else of this package."""


class ModelMisfit(Exception):
    """A model's levels are not those of this version; its weights would be given to the wrong findings."""
