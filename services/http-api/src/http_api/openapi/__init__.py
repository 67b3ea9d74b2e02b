"""The OpenAPI document of all calls."""
