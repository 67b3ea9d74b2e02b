"""The middleware that every call and every response passes."""
