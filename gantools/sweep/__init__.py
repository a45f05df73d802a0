"""Many runs of one task: planning them, training them one after another, comparing what they came to."""
