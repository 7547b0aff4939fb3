"""Figures of mechanisms, moderation, thresholds and simulations: curves, and fits side by side."""
