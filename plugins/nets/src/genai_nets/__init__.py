"""Model families of generative AI, one file each."""
