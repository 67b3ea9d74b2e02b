"""The check of a message after its commit: SPF, DKIM, ARC, DMARC and more, in a process of its own."""
