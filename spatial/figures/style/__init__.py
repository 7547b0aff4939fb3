"""How figures are set: fonts, words round the figure, labels beside points."""
