"""Tests of the training code: `./scripts/test-training`, which also gets the packages that training needs."""
