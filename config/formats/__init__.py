"""How pages write dates; a folder for each language, as Django looks for them."""
