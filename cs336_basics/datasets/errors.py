"""What can go wrong with a download."""


class DownloadError(OSError):
    """A file could not be had; what is there of it already may serve the next try."""


class NoConnectionError(DownloadError):
    """The server could not be reached at all."""
