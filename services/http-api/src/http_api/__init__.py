"""Reads mailboxes over HTTP and streams what arrives."""
