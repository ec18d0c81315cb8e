"""The few pages that a person outside the company sees."""

from jinja2 import Environment, PackageLoader, select_autoescape

_pages = Environment(loader=PackageLoader("web", "templates"), autoescape=select_autoescape())


def unsubscribe_page(token: str, *, done: bool) -> str:
    """Return the page behind an unsubscribe link, before or after its button was pressed."""
    return _pages.get_template("unsubscribe.html").render(token=token, done=done)
