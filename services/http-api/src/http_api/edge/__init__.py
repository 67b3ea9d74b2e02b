"""The middleware around the application: every call and every response passes through it."""
