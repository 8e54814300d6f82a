"""What a form is filled in with: its values, their presets, and the files among them. Nothing here draws anything."""
