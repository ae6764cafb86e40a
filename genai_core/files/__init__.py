"""What comes in and goes out, safely and marked."""
