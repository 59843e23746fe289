"""The execution engine: how an operation of the schema is read and run."""
