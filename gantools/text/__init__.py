"""Words in: captions become vectors, through a frozen text encoder, and are kept on disk."""
