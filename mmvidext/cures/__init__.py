"""The cures that :mod:`mmvidext.compat` applies, each in a file of its own."""
