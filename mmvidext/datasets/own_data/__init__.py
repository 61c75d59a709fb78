"""One's own data, in whatever form it lies: found, checked, split by source recording, and written for training."""
