"""Comes before the installed package of this name, on the path of one service only."""
