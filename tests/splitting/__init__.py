"""Counting each host of a log apart."""
