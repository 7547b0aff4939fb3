"""spreg's estimators by formula, with data and weights matched by id."""
