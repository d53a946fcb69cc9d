"""Experiments that take longer than a page may: each runs alone, resumes after a kill, ships its recorded results."""
