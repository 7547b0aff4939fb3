"""Maximum likelihood of one spatial equation: lag, error, Durbin, both; cross-sections and panels."""
