"""What weights look like: links, components, spectrum, as a report."""
