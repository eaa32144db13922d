"""Scale: the whole country's tree of real offices, link by link, with the product's own code (docs/scale.md)."""
