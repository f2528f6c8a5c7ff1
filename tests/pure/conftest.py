"""Properties are not timed: a machine that stalls for a moment is no failure."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
