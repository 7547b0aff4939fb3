"""The sample maps and panels that ship."""
