"""What goes wrong in telling who is one person; whoever shows it needs nothing else of this package."""

from connectors.errors import Misconfigured


class ModelMisfit(Misconfigured):
    """A model was made for other comparisons than this version's; its weights would be given to the wrong findings."""

    def __init__(self) -> None:
        super().__init__(
            "The match model in force was made for other comparisons than this version's, so nobody is resolved; what "
            "lands waits. Run `catchment train`, and then the commands that it names. A demo starts from an empty home."
        )
