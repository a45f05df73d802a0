"""The web page: a tab a file, each thin over the Python API. Importing it imports neither torch nor gradio."""
