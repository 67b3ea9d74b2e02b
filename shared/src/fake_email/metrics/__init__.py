"""The numbers of a service for Prometheus: what they are, and the page that shows them."""
