"""One table of resource types per AWS service; each module offers TYPES."""
