"""What a user sees in a cell; each widget is one module here and one stem in `static`."""
