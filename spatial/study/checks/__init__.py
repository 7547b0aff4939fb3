"""What is checked of a study before anything runs: every name that one section uses of another."""
