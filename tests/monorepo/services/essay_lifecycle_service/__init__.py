"""Essay lifecycle service."""
