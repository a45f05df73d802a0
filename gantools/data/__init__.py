"""Pictures in: folders and formats, decoding, transforms, and the order in which samples come."""
