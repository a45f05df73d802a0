"""The web page: a tab a file, each thin over the Python API. Importing this package imports neither torch nor gradio."""
