"""HTTP itself: parameters, bodies, conditional requests, errors and their responses."""
