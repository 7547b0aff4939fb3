"""The steps of a study: what is run, in which order, and what each writes."""
