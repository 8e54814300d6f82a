"""Runflow image models inside a Jupyter notebook."""
