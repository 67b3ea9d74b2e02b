"""Codes and links found in the text of a message. Pure."""
