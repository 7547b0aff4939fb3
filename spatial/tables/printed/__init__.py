"""Tables that others printed, checked against themselves."""
