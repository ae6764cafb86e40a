"""What came of the work: metrics, reports, pipelines."""
