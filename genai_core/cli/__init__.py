"""The `genai` command; one module a command, imported when called."""
