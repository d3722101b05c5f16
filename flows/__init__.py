"""The Prefect shell around the pipeline: the only importer of prefect."""
