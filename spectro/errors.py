"""The one exception for what a user can mend."""


class TonfilmError(Exception):
    """A mistake that the user can mend; its text is one sentence that says what to do.

    The command line prints the text and exits with status 2, the page shows it. Any other
    exception is a bug of ours.
    """
