"""Models of other families, made untrained by their own code, against that code's own post-processing.

`python -m tests.foreign` makes an environment for that code alone, some 3 GB under the user's cache; nothing of it is
in the project, and no other test depends on it.
"""
