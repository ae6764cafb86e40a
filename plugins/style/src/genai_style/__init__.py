"""Image style transfer for genai."""
