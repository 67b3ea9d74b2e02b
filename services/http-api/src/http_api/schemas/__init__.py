"""The public shapes of a message, which several calls share."""
