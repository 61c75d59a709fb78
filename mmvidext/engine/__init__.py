"""Hooks and optimizer-wrapper constructors."""
