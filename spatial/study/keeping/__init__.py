"""Results of a study kept beside its outputs: as numbers and text, by the digest of all they depend on."""
