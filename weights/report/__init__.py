"""Reports of weights: links, components, spectrum."""
