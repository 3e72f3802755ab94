"""What can be wrong with a document or its folder; each message is one line that says what to do."""


class DocumentError(ValueError):
    """An `audit.json`, a manifest or a folder of results is missing, damaged or of an unknown version."""
