"""Work done later, by workers: the queue, and one module per kind of job."""
