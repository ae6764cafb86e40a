"""Who is here: specs, hooks, discovery and health. The start-up path; nothing heavy is imported."""
