"""What the README's figures come from; run by hand, never as a test."""
