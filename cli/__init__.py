"""The trimtab command: one file per noun, over the same library and boto3 for a laptop and an account alike."""
