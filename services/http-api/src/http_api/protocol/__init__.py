"""HTTP: parameters, bodies, conditional requests, problems."""
