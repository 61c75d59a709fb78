"""Video files: reading them, checking them, and what a data set does about bad ones."""
