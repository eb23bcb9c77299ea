"""Forms of the application argument: attribute, nested attribute, factory, and wrong ones."""

from routes import answer


def application(environ, start_response):
    """The name that is taken when none is given."""
    return answer(start_response, b"application")


def other(environ, start_response):
    """`loading:other`."""
    return answer(start_response, b"other")


class Holder:
    """`loading:holder.inner.app`."""

    class inner:  # noqa: N801 (an attribute that happens to be a class)
        """One more level."""

        @staticmethod
        def app(environ, start_response):
            """The nested application."""
            return answer(start_response, b"nested")


holder = Holder()


def factory(text="default", *, key=0):
    """`loading:factory("text", key=1)`."""

    def application(environ, start_response):
        return answer(start_response, f"{text} {key!r}".encode())

    return application


def factory_of_nothing():
    """A factory that returns no application."""


def failing_factory():
    """A factory that raises."""
    raise RuntimeError("the factory fails on purpose")


not_callable = 42
