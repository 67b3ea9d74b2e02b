"""`fake-email doctor`: examines an installation, on its host or from anywhere, and says how to mend what is wrong."""
