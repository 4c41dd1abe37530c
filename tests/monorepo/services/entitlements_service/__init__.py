"""Entitlements service."""
