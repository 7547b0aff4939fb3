"""What a study says, in another language: refusals, found by their words."""
